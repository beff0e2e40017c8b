// Random sequences of calls of the C interface, from bytes: whatever the bytes, each call gives a status, and a trial
// that was asked for lies in the cube. Sanitizers say the rest.
//
//     fuzz_capi [seconds [seed]]      sequences from random bytes
//     fuzz_capi -replay FILE          one sequence
//
// With Clang, -fsanitize=fuzzer and HPCORE_LIBFUZZER leave the bytes to libFuzzer.

#include <hpcore.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "fuzz_capi: %s; last error: %s\n", what, hpcore_last_error());
    std::abort();
}

// Reads values from bytes, and zeros after their end.
class Source {
  public:
    Source(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

    bool empty() const { return place_ >= size_; }
    std::uint8_t byte() { return place_ < size_ ? data_[place_++] : std::uint8_t{0}; }
    std::uint64_t word() {
        std::uint64_t out = 0;
        for (int i = 0; i < 8; ++i) out = out << 8 | byte();
        return out;
    }
    std::size_t below(std::size_t n) { return byte() % n; }
    bool rarely() { return byte() < 8; }

    // Numbers that people use, and numbers that nobody does.
    double number() {
        constexpr double inf = std::numeric_limits<double>::infinity();
        constexpr double odd[] = {0.0,    -0.0,     1.0,    -1.0, 0.5,    0.25,
                                  2.0,    10.0,     1e-3,   1e3,  1e-300, 1e300,
                                  5e-324, 1.79e308, -1e300, inf,  -inf,   std::numeric_limits<double>::quiet_NaN(),
                                  100.0,  3.0};
        if (byte() < 40) {
            double out;
            const std::uint64_t bits = word();
            std::memcpy(&out, &bits, sizeof out);
            return out;
        }
        return byte() < 100 ? odd[below(std::size(odd))] : double(byte()) / 64.0 - 1.0;
    }
    double unit() { return rarely() ? number() : byte() < 10 ? std::nan("") : double(byte()) / 255.0; }
    std::int64_t whole() { return rarely() ? static_cast<std::int64_t>(word()) : std::int64_t(byte()) - 20; }
    std::size_t size() { return rarely() ? static_cast<std::size_t>(word()) : below(12); }
    int flag() { return rarely() ? int(byte()) - 100 : byte() & 1; }
    const char* name() {
        static constexpr const char* names[] = {"a", "b", "c", "d", "e", "f", "g", "", "\xff\xfe", "tpe", "gp"};
        if (rarely()) return nullptr;
        return names[below(std::size(names))];
    }

  private:
    const std::uint8_t* data_;
    std::size_t size_, place_ = 0;
};

// A status of the list, with a text unless it is OK.
int checked(int status) {
    if (status < HPCORE_OK || status >= HPCORE_INTERNAL) fail("a defect, or an unknown status");
    if (status != HPCORE_OK && std::strlen(hpcore_last_error()) == 0) fail("an error without a text");
    return status;
}

constexpr std::size_t max_columns = 8, max_trials = 60, max_batch = 12;

class Session {
  public:
    explicit Session(Source& source) : in_(source) {
        checked(hpcore_space_create(HPCORE_ABI_VERSION, &space_));
        for (std::size_t i = in_.below(6); i > 0; --i) add_parameter();
    }
    ~Session() {
        hpcore_optimizer_destroy(optimizer_);
        hpcore_space_destroy(space_);
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void run() {
        create();
        for (int i = 0; i < 200 && !in_.empty(); ++i) step();
    }

  private:
    void add_parameter() {
        hpcore_space* space = in_.rarely() ? nullptr : space_;
        std::size_t n = 0;
        if (hpcore_space_size(space_, &n) == HPCORE_OK && n >= max_columns) return;
        switch (in_.below(6)) {
            case 0:
                checked(hpcore_space_add_real(space, in_.name(), in_.number(), in_.number(), in_.flag(), in_.number()));
                break;
            case 1:
                checked(hpcore_space_add_real(space, in_.name(), 0.5, 0.5 + double(in_.byte()), in_.flag(), 0.0));
                break;
            case 2:
                checked(hpcore_space_add_integer(space, in_.name(), in_.whole(), in_.whole(), in_.flag(), in_.whole()));
                break;
            case 3: {
                const std::size_t n_choices = in_.size();
                std::vector<double> weights(n_choices < 100 ? n_choices : 0);
                for (double& w : weights) w = in_.number();
                checked(hpcore_space_add_choice(space, in_.name(), n_choices > 300 ? 0 : n_choices, in_.flag(),
                                                in_.flag() == 1 && !weights.empty() ? weights.data() : nullptr));
                break;
            }
            case 4:
                checked(hpcore_space_add_normal(space, in_.name(), in_.number(), in_.number(), in_.number(),
                                                in_.number(), in_.flag(), in_.number()));
                break;
            default:
                if (in_.rarely()) checked(hpcore_space_or_when(space, in_.name()));
                if (in_.flag() == 1) {
                    const double values[] = {double(in_.byte() % 4), in_.number()};
                    checked(hpcore_space_when_in(space, in_.name(), in_.name(), values,
                                                 in_.rarely() ? 0 : 1 + in_.below(2)));
                } else {
                    checked(hpcore_space_when_between(space, in_.name(), in_.name(), in_.number(), in_.number()));
                }
        }
    }

    hpcore_options options() {
        static constexpr const char* samplers[] = {"random", "sobol", "tpe", "gp", "auto", "none", "tpe", "gp"};
        static constexpr const char* acquisitions[] = {"log_ei", "noisy_log_ei", "ucb", "pi", "thompson", "none"};
        hpcore_options out;
        checked(hpcore_options_init(&out, HPCORE_ABI_VERSION));
        out.sampler = in_.rarely() ? nullptr : samplers[in_.below(std::size(samplers))];
        out.seed_low = in_.word();
        if (in_.rarely()) out.seed_high = in_.word();
        if (in_.rarely()) out.abi_version = in_.flag();
        if (in_.rarely()) out.struct_size = in_.size();
        if (in_.byte() < 60) {
            out.n_objectives = in_.size();
            if (out.n_objectives <= std::size(maximize_)) {
                for (int& m : maximize_) m = in_.flag();
                out.maximize = maximize_;
            }
        }
        if (in_.byte() < 60) out.n_limits = in_.size();
        if (in_.byte() < 60) out.repeats = in_.size();
        if (in_.byte() < 60) out.per_cost = in_.flag();
        if (in_.rarely()) out.n_startup = in_.whole();
        if (in_.rarely()) out.n_candidates = in_.whole();
        if (in_.rarely()) out.acquisition = acquisitions[in_.below(std::size(acquisitions))];
        if (in_.rarely()) out.trial_seconds = in_.number();
        return out;
    }

    void create() {
        const hpcore_options made = options();
        hpcore_optimizer* created = nullptr;
        if (checked(hpcore_optimizer_create(in_.rarely() ? nullptr : space_, in_.rarely() ? nullptr : &made,
                                            &created)) != HPCORE_OK) {
            if (created != nullptr) fail("a handle in spite of an error");
            return;
        }
        hpcore_optimizer_destroy(optimizer_);
        optimizer_ = created;
        checked(hpcore_space_size(space_, &d_));
        std::size_t m = 0;
        // The numbers of objectives and limits are those of the options if these were taken.
        m = made.n_objectives;
        m_ = m <= 64 ? m : 1;
        k_ = made.n_limits <= 1000 ? made.n_limits : 0;
        n_ = 0;
    }

    void check_row(const double* row) const {
        for (std::size_t j = 0; j < d_; ++j)
            if (!std::isnan(row[j]) && !(row[j] >= 0.0 && row[j] <= 1.0)) fail("a row outside of the cube");
    }

    std::size_t d() { return in_.rarely() ? in_.size() : d_; }
    std::uint64_t trial() { return in_.rarely() ? in_.word() : in_.below(n_ + 2); }
    std::vector<double> row() {
        std::vector<double> out(std::max<std::size_t>(d_, 1));
        for (double& u : out) u = in_.unit();
        return out;
    }
    std::vector<double> numbers(std::size_t n) {
        std::vector<double> out(std::max<std::size_t>(n, 1));
        for (double& x : out) x = in_.number();
        return out;
    }

    // Lengths are true, or ones that the library has to refuse before it reads.
    std::size_t length(std::size_t n, std::size_t wanted) { return in_.rarely() && n != wanted ? n : wanted; }

    void result_of(hpcore_result& out) {
        checked(hpcore_result_init(&out, HPCORE_ABI_VERSION));
        values_ = numbers(m_);
        errors_ = numbers(m_);
        violations_ = numbers(k_);
        out.values = in_.rarely() ? nullptr : values_.data();
        out.n_values = in_.rarely() ? m_ + 1 + in_.size() % 1000 : m_;
        if (in_.rarely()) out.n_values = 0;
        if (out.n_values > m_ && out.values != nullptr) values_.resize(out.n_values), out.values = values_.data();
        if (in_.byte() < 60) out.std_errors = errors_.data(), out.n_std_errors = m_;
        if (in_.byte() < 120) out.violations = violations_.data(), out.n_violations = k_;
        if (in_.byte() < 60) out.cost = in_.number();
        out.state = in_.byte() < 60 ? int(in_.byte() % 6) - 1 : HPCORE_COMPLETE;
        if (out.state == HPCORE_FAILED && in_.byte() < 200) out.values = nullptr, out.n_values = 0;
        if (in_.rarely()) out.struct_size = in_.size();
    }

    void step() {
        hpcore_optimizer* search = in_.rarely() ? nullptr : optimizer_;
        switch (in_.below(19)) {
            case 0:
            case 1:
            case 2: {
                std::vector<double> out(std::max<std::size_t>(d_, 1), 0.5);
                std::uint64_t number = 0;
                int level = 0;
                if (n_ >= max_trials) return;
                const int status =
                    in_.flag() == 1 ? hpcore_optimizer_ask(search, in_.rarely() ? nullptr : out.data(), d(), &number)
                                    : hpcore_optimizer_ask_within(search, in_.rarely() ? in_.number() : 1.0, out.data(),
                                                                  d(), &number, in_.flag() == 1 ? &level : nullptr);
                if (checked(status) == HPCORE_OK) {
                    check_row(out.data());
                    n_ = static_cast<std::size_t>(number) + 1;
                    read(out);
                }
                break;
            }
            case 3: {
                const std::size_t n = in_.rarely() ? 0 : 1 + in_.below(max_batch);
                std::vector<double> out(max_batch * std::max<std::size_t>(d_, 1), 0.5);
                std::vector<std::uint64_t> numbers(max_batch);
                std::vector<int> levels(max_batch);
                std::size_t asked = 0;
                if (n_ >= max_trials) return;
                if (checked(hpcore_optimizer_ask_many(search, n, in_.flag() == 1 ? 2.0 : in_.number(), out.data(), d(),
                                                      numbers.data(), in_.flag() == 1 ? levels.data() : nullptr,
                                                      in_.rarely() ? nullptr : &asked)) == HPCORE_OK) {
                    if (asked == 0 || asked > n) fail("a wrong number of trials");
                    for (std::size_t i = 0; i < asked; ++i) check_row(out.data() + i * d_);
                    n_ += asked;
                }
                break;
            }
            case 4:
            case 5:
            case 6: {
                const auto values = numbers(m_);
                checked(hpcore_optimizer_tell(search, trial(), in_.rarely() ? nullptr : values.data(),
                                              length(m_ + 1 + in_.size() % 100, m_)));
                break;
            }
            case 7:
                checked(hpcore_optimizer_fail(search, trial()));
                break;
            case 8:
                checked(hpcore_optimizer_prune(search, trial()));
                break;
            case 9: {
                const auto values = numbers(m_);
                checked(hpcore_optimizer_report(search, trial(), in_.number(), values.data(), m_));
                break;
            }
            case 10: {
                hpcore_result result;
                result_of(result);
                checked(hpcore_optimizer_tell_result(search, trial(), in_.rarely() ? nullptr : &result));
                break;
            }
            case 11: {
                if (n_ >= max_trials) return;
                hpcore_result result;
                result_of(result);
                const auto point = row();
                std::uint64_t number = 0;
                if (checked(hpcore_optimizer_add(search, point.data(), d(), &result, &number)) == HPCORE_OK)
                    n_ = static_cast<std::size_t>(number) + 1;
                break;
            }
            case 12: {
                const auto point = row();
                checked(hpcore_optimizer_enqueue(search, point.data(), d()));
                break;
            }
            case 13: {
                std::uint64_t number = 0;
                std::vector<double> out(std::max<std::size_t>(d_, 1));
                double value = 0.0;
                checked(hpcore_optimizer_best(search, &number, in_.flag() == 1 ? out.data() : nullptr, d(),
                                              in_.flag() == 1 ? &value : nullptr));
                std::vector<std::uint64_t> front(max_trials + max_batch);
                std::size_t n = 0;
                checked(hpcore_optimizer_front(search, front.data(), in_.below(20), &n));
                break;
            }
            case 14: {
                int state = 0;
                std::vector<double> out(std::max<std::size_t>(d_, 1)), values(std::max<std::size_t>(m_, 1));
                checked(hpcore_optimizer_trial(search, trial(), &state, in_.flag() == 1 ? out.data() : nullptr, d(),
                                               in_.flag() == 1 ? values.data() : nullptr, m_));
                std::size_t n = 0;
                checked(hpcore_optimizer_n_trials(search, &n));
                break;
            }
            case 15: {
                const auto points = row();
                double mean = 0.0, std = 0.0;
                if (checked(hpcore_optimizer_predict(search, in_.rarely() ? in_.size() : 0, points.data(),
                                                     in_.rarely() ? 0 : 1, d(), &mean, &std)) == HPCORE_OK)
                    if (!std::isfinite(mean) || !(std >= 0.0)) fail("a prediction that is no number");
                break;
            }
            case 16:
                save_and_load(search);
                break;
            case 17:
                checked(hpcore_optimizer_withdraw(search, trial()));
                break;
            default:
                if (in_.rarely())
                    create();
                else
                    add_parameter();
        }
    }

    void read(const std::vector<double>& point) {
        for (std::size_t j = 0; j < d_; ++j) {
            int kind = 0, active = 0;
            std::uint64_t levels = 0;
            if (hpcore_space_column(space_, j, &kind, &levels) != HPCORE_OK) return;  // the space has changed since
            std::size_t d = 0;
            checked(hpcore_space_size(space_, &d));
            if (d != d_) return;
            double x = 0.0;
            std::int64_t w = 0;
            std::size_t index = 0;
            const std::size_t column = in_.rarely() ? in_.size() : j;
            const int asked = in_.rarely() ? in_.byte() % 3 : kind;
            std::vector<double> again = point;
            // What was read can be set, and read again.
            if (asked == HPCORE_REAL &&
                checked(hpcore_row_get_real(space_, point.data(), d, column, &x, &active)) == HPCORE_OK &&
                active == 1) {
                double same = 0.0;
                if (checked(hpcore_row_set_real(space_, again.data(), d, column, x)) != HPCORE_OK)
                    fail("a real is lost");
                checked(hpcore_row_get_real(space_, again.data(), d, column, &same, nullptr));
                // On a grid finer than doubles are, several levels are one double.
                if (same != x && levels < std::uint64_t{1} << 52) fail("a real has changed");
            } else if (asked == HPCORE_INTEGER &&
                       checked(hpcore_row_get_integer(space_, point.data(), d, column, &w, &active)) == HPCORE_OK &&
                       active == 1) {
                if (checked(hpcore_row_set_integer(space_, again.data(), d, column, w)) != HPCORE_OK)
                    fail("an integer is lost");
            } else if (asked == HPCORE_CHOICE &&
                       checked(hpcore_row_get_choice(space_, point.data(), d, column, &index, &active)) == HPCORE_OK &&
                       active == 1) {
                if (checked(hpcore_row_set_choice(space_, again.data(), d, column, index)) != HPCORE_OK)
                    fail("a choice is lost");
            }
        }
    }

    void save_and_load(hpcore_optimizer* search) {
        std::size_t size = 0;
        if (checked(hpcore_optimizer_save(search, nullptr, 0, &size)) != HPCORE_BUFFER_TOO_SMALL) return;
        std::vector<std::uint8_t> bytes(size);
        if (checked(hpcore_optimizer_save(search, bytes.data(), size, nullptr)) != HPCORE_OK) fail("a save failed");
        const int way = int(in_.below(4));
        if (way == 1) bytes.resize(in_.word() % (size + 1));
        if (way >= 2) {
            for (std::size_t i = 1 + in_.below(4); i > 0; --i) bytes[in_.word() % size] = in_.byte();
            if (way == 3) {  // as by somebody who knows the format
                std::uint64_t hash = 0xcbf29ce484222325u;
                for (std::size_t i = 0; i + 8 < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
                for (unsigned i = 0; i < 8; ++i) bytes[size - 8 + i] = static_cast<std::uint8_t>(hash >> (8 * i));
            }
        }
        checked(hpcore_optimizer_load(search, bytes.data(), bytes.size()));  // has trials, mostly
        const std::size_t d = d_, m = m_, k = k_;
        hpcore_options made;
        checked(hpcore_options_init(&made, HPCORE_ABI_VERSION));
        made.sampler = in_.flag() == 1 ? "tpe" : "random";
        made.n_objectives = m_;
        made.maximize = m_ <= std::size(maximize_) ? maximize_ : nullptr;
        made.n_limits = k_;
        hpcore_optimizer* other = nullptr;
        if (checked(hpcore_optimizer_create(space_, &made, &other)) != HPCORE_OK) return;
        const int loaded = checked(hpcore_optimizer_load(other, bytes.data(), bytes.size()));
        std::size_t now = 0;
        checked(hpcore_space_size(space_, &now));
        if (loaded == HPCORE_OK && now == d && m_ == m && k_ == k) {
            std::size_t n = 0;
            checked(hpcore_optimizer_n_trials(other, &n));
            hpcore_optimizer_destroy(optimizer_);
            optimizer_ = other;
            n_ = n;
            return;
        }
        hpcore_optimizer_destroy(other);
    }

    Source& in_;
    hpcore_space* space_ = nullptr;
    hpcore_optimizer* optimizer_ = nullptr;
    std::size_t d_ = 0, m_ = 1, k_ = 0, n_ = 0;
    int maximize_[4]{};
    std::vector<double> values_, errors_, violations_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Source source(data, size);
    Session session(source);
    session.run();
    return 0;
}

#ifndef HPCORE_LIBFUZZER
int main(int argc, char** argv) {
    if (argc == 3 && std::strcmp(argv[1], "-replay") == 0) {
        std::ifstream file(argv[2], std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        return LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    const double seconds = argc > 1 ? std::atof(argv[1]) : 10.0;
    const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
    const auto begin = std::chrono::steady_clock::now();
    std::uint64_t n = 0;
    std::vector<std::uint8_t> bytes;
    while (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < seconds) {
        std::mt19937_64 random(seed + n);
        bytes.resize(64 + random() % 3000);
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
        // Before it runs: what is printed last is the sequence that crashed.
        if (std::getenv("FUZZ_VERBOSE") != nullptr)
            std::fprintf(stderr, "%llu\n", static_cast<unsigned long long>(seed + n));
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
        ++n;
    }
    std::printf("%llu sequences of calls, no defect\n", static_cast<unsigned long long>(n));
    return 0;
}
#endif
