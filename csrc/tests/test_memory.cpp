// Memory that runs out: the n-th allocation of every part fails, for n = 1, 2, ... until all succeed. std::bad_alloc
// comes out, nothing else does, and the object then does what one that never failed would do.

#include <cmath>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "check.hpp"
#include "hpcore/bo/suggester.hpp"
#include "hpcore/gp/fit.hpp"
#include "hpcore/gp/regressor.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/space/codec.hpp"
#include "hpcore/tpe/mixture.hpp"
#include "hpcore/tpe/normalised_prior.hpp"
#include "hpcore/tpe/suggester.hpp"
#include "spaces.hpp"

// GCC warns of a mismatch if it inlines one of the two below and not the other.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace {

long until_failure = -1;  // allocations left before one fails; below zero none does

void* allocate(std::size_t size) {
    if (until_failure == 0) throw std::bad_alloc();
    if (until_failure > 0) --until_failure;
    if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
    throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
    return allocate(size);
}
void* operator new[](std::size_t size) {
    return allocate(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    if (until_failure == 0) return nullptr;
    if (until_failure > 0) --until_failure;
    return std::malloc(size > 0 ? size : 1);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
    std::free(memory);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

using namespace hpcore;

namespace {

const linalg::Lapack& lapack = linalg::plain_lapack();

using Answer = std::vector<double>;

// NaN equals NaN.
bool same(const Answer& a, const Answer& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (!(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])))) return false;
    return true;
}

// make() an object, use(object) twice: the first use fails at the n-th allocation, the second one may not.
template <class Make, class Use>
void survives(const char* what, Make make, Use use) {
    auto whole = make();
    const Answer expected = use(*whole);
    long n = 0;
    for (bool failed = true; failed; n += 1 + n / 40) {  // every one at first, then ever fewer of them
        failed = false;
        auto object = make();
        until_failure = n;
        try {
            (void)use(*object);
        } catch (const std::bad_alloc&) {
            failed = true;
        }
        until_failure = -1;
        if (!same(use(*object), expected)) {
            std::fprintf(stderr, "%s, allocation %ld:\n", what, n);
            CHECK(false);
            return;
        }
    }
    CHECK(n > 1);  // it allocates at all
}

// Nothing to keep: only that a failure leaves no trace.
template <class Use>
void survives(const char* what, Use use) {
    survives(what, [] { return std::make_unique<int>(0); }, [&](int&) { return use(); });
}

// A choice of three, a number of its first one, an integer of its other ones, and a number.
std::shared_ptr<const space::Codec> conditional_space() {
    return spaces::codec({spaces::choice(3), spaces::when(0, {0}, space::Column{}),
                          spaces::when(0, {1, 2}, spaces::integer(0, 4)), space::Column{}});
}

struct Trials {
    std::vector<double> rows, values;
    std::vector<std::uint8_t> state;
};

Trials trials(const space::Codec& codec, std::size_t n) {
    Trials out;
    const std::size_t d = codec.size();
    out.rows.resize(n * d);
    Philox random({1, 2}, 3, 4);
    for (double& u : out.rows) u = random.uniform();
    std::vector<space::Value> scratch(d);
    for (std::size_t i = 0; i < n; ++i) {
        codec.snap({out.rows.data() + i * d, d}, scratch);
        out.values.push_back(random.uniform());
        out.state.push_back(i % 7 == 5 ? 2 : 1);
    }
    return out;
}

// The first n of them.
records::Trials first_of(const Trials& given, std::size_t n) {
    return {.rows = {given.rows.data(), n, 4}, .values = {given.values.data(), n, 1}, .state = {given.state.data(), n}};
}

TEST(tpe) {
    const auto codec = conditional_space();
    const Trials given = trials(*codec, 40);
    survives(
        "tpe::Suggester",
        [&] {
            tpe::Options options;
            options.n_draws = 16;
            options.n_uniform = 4;
            options.n_mutants = 8;
            auto out = std::make_unique<tpe::Suggester>(codec, std::vector<bool>{true, false, false, false}, options);
            out->update(first_of(given, 20));
            return out;
        },
        [&](tpe::Suggester& suggester) {
            Answer out(8);
            suggester.update(first_of(given, 40));
            suggester.suggest({{5, 6}, 41, 0, {given.rows.data(), 1, 4}}, {out.data(), 2, 4});
            return out;
        });
    survives(
        "tpe::Mixture",
        [] { return std::make_unique<tpe::Mixture>(std::vector<tpe::Axis>{tpe::Axis{}, tpe::even_axis(3, true)}); },
        [](tpe::Mixture& mixture) {
            const Answer points{0.2, 0.0, 0.9, 2.0}, weights{1.0, 3.0}, h{0.15, 1.0};
            mixture.fit({points.data(), 2, 2}, weights, 0.5, h, 0.25);
            tpe::Batch batch;
            batch.reset(2, 8);
            Philox random({1, 2}, 3, 4);
            mixture.draw(random, batch, 0, 8, true);
            batch.resize(8);
            Answer out(batch.padded());
            mixture.log_density(batch, out);
            out.resize(8);
            return out;
        });
}

TEST(codec) {
    survives("space::Codec", [] {
        const auto codec = conditional_space();
        return trials(*codec, 5).rows;
    });
}

TEST(gp) {
    const auto codec = conditional_space();
    const Trials given = trials(*codec, 14);
    const std::vector<gp::ColumnType> types{{true, false}, {false, true}, {false, true}, {false, false}};
    const Answer theta{-0.7, 0.2, -0.3, 0.4, 0.3, -4.0, -1.2};
    survives(
        "gp::Regressor",
        [&] {
            auto out = std::make_unique<gp::Regressor>(lapack, types, theta);
            out->assign({given.rows.data(), 3, 4});
            return out;
        },
        [&](gp::Regressor& model) {
            while (model.size() < 12) model.append({given.rows.data() + 4 * model.size(), 4}, 0.0);
            model.set_targets(given.values);
            gp::Prediction out;
            model.predict_for_gradient({given.rows.data(), 14, 4}, out);
            out.mean.insert(out.mean.end(), out.variance.begin(), out.variance.end());
            return out.mean;
        });
    survives("gp::fit_map", [&] {
        gp::Points points(types);
        for (std::size_t i = 0; i < 14; ++i) points.append({given.rows.data() + 4 * i, 4});
        gp::FitOptions options;
        options.prior = gp::Prior::standard(4);
        options.max_iterations = 5;
        const Answer best = gp::fit_map(lapack, points, given.values, {}, options);
        Philox stream({1, 2}, 3, 4);
        return gp::sample_posterior(lapack, points, given.values, {}, options.prior, best, 1, stream)[0];
    });
    bo::SuggestOptions options;
    options.fit.prior = gp::Prior::standard(4);
    options.fit.max_iterations = 5;
    options.search.n_global = 40;
    options.search.n_local = 8;
    options.search.n_starts = 2;
    options.search.iterations = 5;
    std::vector<bool> categorical{true, false, false, false};
    const auto request = [&](std::size_t n) {
        bo::Request out;
        out.rows = {given.rows.data(), n, 4};
        out.values = {given.values.data(), n};
        out.pending = {given.rows.data() + 13 * 4, 1, 4};
        out.key = {5, 6};
        out.number = n;
        return out;
    };
    survives(
        "bo::Suggester",
        [&] {
            auto out = std::make_unique<bo::Suggester>(lapack, codec, categorical, options);
            (void)out->suggest(request(9));  // earlier state must not be half renewed
            return out;
        },
        [&](bo::Suggester& suggester) { return suggester.suggest(request(13)); });
}

int anything(const double* u, std::size_t d, double* out) {
    out[0] = 0.0;
    for (std::size_t j = 0; j < d; ++j) out[0] -= u[j];
    return kernel_ok;
}

TEST(prior) {
    // Its construction takes long, so only its first allocations fail.
    for (long n = 0; n < 12; ++n) {
        until_failure = n;
        CHECK_THROWS(tpe::NormalisedPrior({&anything, "anything"}, {tpe::Axis{}}, {0}), std::bad_alloc);
        until_failure = -1;
    }
}

}  // namespace
