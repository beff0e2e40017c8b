// Four threads at once, for ThreadSanitizer above all: on objects that are shared because nothing changes in them, on
// one that keeps its callers apart itself, and on an own object each. Everyone gets what one thread alone gets.

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "check.hpp"
#include "hpcore/bo/suggester.hpp"
#include "hpcore/gp/regressor.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/sobol.hpp"
#include "hpcore/space/codec.hpp"
#include "hpcore/tpe/suggester.hpp"
#include "spaces.hpp"

using namespace hpcore;

namespace {

constexpr std::size_t n_threads = 4, d = 3;
const linalg::Lapack& lapack = linalg::plain_lapack();

using Answer = std::vector<double>;

// Check that work(0), work(1), ... on threads that start together answer as one after the other. The threads go
// first, so that what is made on first use is made by several of them.
void same_together(const char* what, const std::function<Answer(std::size_t)>& work) {
    std::array<Answer, n_threads> together;
    std::vector<std::thread> threads;
    for (std::size_t k = 0; k < n_threads; ++k) threads.emplace_back([&, k] { together[k] = work(k); });
    for (std::thread& thread : threads) thread.join();
    for (std::size_t k = 0; k < n_threads; ++k)
        if (together[k] != work(k)) check::fail(__FILE__, __LINE__, what);
}

// A number, an integer and a choice.
std::shared_ptr<const space::Codec> three_columns() {
    return spaces::codec({space::Column{}, spaces::integer(0, 9), spaces::choice(3)});
}

struct Trials {
    Answer rows, values;
    std::vector<std::uint8_t> state;
};

Trials trials(const space::Codec& codec, std::size_t n, std::uint64_t seed) {
    Trials out{Answer(n * d), Answer(n), std::vector<std::uint8_t>(n, 1)};
    Philox random({seed, 2}, 3, 4);
    std::array<space::Value, d> scratch;
    for (std::size_t i = 0; i < n; ++i) {
        double* row = out.rows.data() + i * d;
        for (std::size_t j = 0; j < d; ++j) row[j] = random.uniform();
        codec.snap({row, d}, scratch);
        out.values[i] = row[0] + 0.1 * row[1];
    }
    return out;
}

bo::SuggestOptions gp_options() {
    bo::SuggestOptions options;
    options.fit.prior = gp::Prior::standard(d);
    options.fit.max_iterations = 5;
    options.search.n_global = 64;
    return options;
}

bo::Request request_of(const Trials& given, std::size_t n) {
    bo::Request out;
    out.rows = {given.rows.data(), n, d};
    out.values = {given.values.data(), n};
    out.key = {5, 6};
    out.number = n;
    return out;
}

TEST(what_nothing_changes_in) {
    const auto codec = three_columns();
    same_together("sobol_point", [](std::size_t k) {
        Answer out;
        for (std::uint64_t number = 0; number < 200; ++number) {
            out.resize(out.size() + d);
            sobol_point({k, 7}, number, {out.data() + out.size() - d, d});
        }
        return out;
    });
    same_together("space::Codec", [&](std::size_t k) { return trials(*codec, 200, k).rows; });
    const Trials given = trials(*codec, 30, 0);
    gp::Regressor model(lapack, {{false, false}, {false, false}, {true, false}}, {0.1, 0.2, 0.3, 0.0, -4.0});
    model.assign({given.rows.data(), 30, d});
    model.set_targets(given.values);
    same_together("gp::Regressor", [&](std::size_t k) {
        const Trials asked = trials(*codec, 40, k);
        gp::Prediction out;
        model.predict({asked.rows.data(), 40, d}, out);
        out.mean.insert(out.mean.end(), out.variance.begin(), out.variance.end());
        return out.mean;
    });
}

TEST(one_suggester_for_all) {
    const auto codec = three_columns();
    const Trials given = trials(*codec, 20, 0);
    bo::Suggester suggester(lapack, codec, {false, false, true}, gp_options());
    same_together("a shared bo::Suggester", [&](std::size_t k) {
        Answer out;
        for (std::size_t n = 8 + k; n <= 20; n += 4) {
            const Answer rows = suggester.suggest(request_of(given, n));
            out.insert(out.end(), rows.begin(), rows.end());
        }
        return out;
    });
}

TEST(a_search_each) {
    const auto codec = three_columns();  // of all
    same_together("bo::Suggester", [&](std::size_t k) {
        const Trials given = trials(*codec, 12, k);
        bo::Suggester suggester(lapack, codec, {false, false, true}, gp_options());
        return suggester.suggest(request_of(given, 12));
    });
    same_together("tpe::Suggester", [&](std::size_t k) {
        Trials given = trials(*codec, 60, k);
        tpe::Suggester suggester(codec, {false, false, true}, tpe::Options{});
        Answer out;
        for (std::size_t n = 1; n <= 60; ++n) {
            out.resize(n * d);
            suggester.update({.rows = {given.rows.data(), n, d},
                              .values = {given.values.data(), n, 1},
                              .state = {given.state.data(), n}});
            suggester.suggest({.key = {k, 6}, .number = n}, {out.data() + (n - 1) * d, 1, d});
        }
        return out;
    });
}

}  // namespace
