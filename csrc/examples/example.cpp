// Two objectives, evaluated by four threads that share an optimizer, by the C interface from C++.

#include <hpcore.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

void check(int status) {
    if (status != HPCORE_OK)
        throw std::runtime_error(std::string(hpcore_status_name(status)) + ": " + hpcore_last_error());
}

struct Destroy {
    void operator()(hpcore_space* space) const { hpcore_space_destroy(space); }
    void operator()(hpcore_optimizer* optimizer) const { hpcore_optimizer_destroy(optimizer); }
};
using Space = std::unique_ptr<hpcore_space, Destroy>;
using Optimizer = std::unique_ptr<hpcore_optimizer, Destroy>;

Space make_space() {
    hpcore_space* space = nullptr;
    check(hpcore_space_create(HPCORE_ABI_VERSION, &space));
    Space owned(space);
    check(hpcore_space_add_integer(space, "layers", 1, 8, 0, 1));
    check(hpcore_space_add_integer(space, "width", 16, 1024, 1, 1));
    check(hpcore_space_add_normal(space, "dropout", 0.2, 0.1, 0.0, 0.9, 0, 0.0));
    return owned;
}

Optimizer make_optimizer(hpcore_space* space) {
    const std::array maximize{0, 1};  // a low latency, a high accuracy
    hpcore_options options;
    check(hpcore_options_init(&options, HPCORE_ABI_VERSION));
    options.sampler = "gp";
    options.n_objectives = maximize.size();
    options.maximize = maximize.data();
    hpcore_optimizer* optimizer = nullptr;
    check(hpcore_optimizer_create(space, &options, &optimizer));
    return Optimizer(optimizer);
}

void work(hpcore_space* space, hpcore_optimizer* optimizer, int n) {
    for (int i = 0; i < n; ++i) {
        std::array<double, 3> row{};
        std::uint64_t trial = 0;
        std::int64_t layers = 0, width = 0;
        double dropout = 0.0;
        check(hpcore_optimizer_ask(optimizer, row.data(), row.size(), &trial));
        check(hpcore_row_get_integer(space, row.data(), row.size(), 0, &layers, nullptr));
        check(hpcore_row_get_integer(space, row.data(), row.size(), 1, &width, nullptr));
        check(hpcore_row_get_real(space, row.data(), row.size(), 2, &dropout, nullptr));
        const double size = double(layers) * double(width);
        if (size > 6000.0) {  // does not fit into memory
            check(hpcore_optimizer_fail(optimizer, trial));
            continue;
        }
        const std::array values{size / 100.0, 1.0 - 1.0 / std::sqrt(size) - (dropout - 0.3) * (dropout - 0.3)};
        check(hpcore_optimizer_tell(optimizer, trial, values.data(), values.size()));
    }
}

}  // namespace

int main() {
    const Space space = make_space();
    const Optimizer optimizer = make_optimizer(space.get());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(work, space.get(), optimizer.get(), 8);
    for (std::thread& thread : threads) thread.join();

    std::vector<std::uint64_t> front(32);
    std::size_t n = 0;
    check(hpcore_optimizer_front(optimizer.get(), front.data(), front.size(), &n));
    for (std::size_t i = 0; i < n; ++i) {
        std::array<double, 2> values{};
        check(hpcore_optimizer_trial(optimizer.get(), front[i], nullptr, nullptr, 0, values.data(), values.size()));
        std::printf("trial %d: latency %.2f, accuracy %.3f\n", int(front[i]), values[0], values[1]);
    }
    return n >= 2 ? 0 : 1;
}
