// The state of a suggester between its calls is a cache: whatever it has seen before, and however a call ended, it
// answers like a new one. Clocks are not relied on: a LAPACK that waits, or fails, at the call that it is told does
// what time and rounding would.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "check.hpp"
#include "hpcore/bo/suggester.hpp"
#include "hpcore/errors.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/rng.hpp"
#include "spaces.hpp"
#include "user_kernels.hpp"

using namespace hpcore;
using namespace hpcore::acquisition;
using namespace hpcore::bo;

namespace {

// Cholesky factors left before something happens to one; below zero nothing does.
int until_wait = -1, until_failure = -1;
double each_takes = 0.0;           // seconds of every factor
constexpr double patience = 0.03;  // of the requests that time runs out for, in seconds

void dpotrf(char* uplo, int* n, double* a, int* lda, int* info) {
    if (each_takes > 0.0) std::this_thread::sleep_for(std::chrono::duration<double>(each_takes));
    if (until_wait >= 0 && until_wait-- == 0)
        std::this_thread::sleep_for(std::chrono::duration<double>(1.2 * patience));
    if (until_failure >= 0 && until_failure-- == 0) {
        *info = 1;
        return;
    }
    linalg::plain_lapack().dpotrf(uplo, n, a, lda, info);
}

linalg::Lapack interrupted() {
    linalg::Lapack out = linalg::plain_lapack();
    out.dpotrf = &dpotrf;
    return out;
}

const linalg::Lapack lapack = interrupted();
constexpr std::size_t d = 3;
const std::vector<bool> categorical{false, false, true};

// A number, an integer and a choice.
std::shared_ptr<const space::Codec> codec() {
    return spaces::codec({space::Column{}, spaces::integer(0, 30), spaces::choice(3)});
}

struct History {
    std::vector<double> rows, values, errors;
};

// Rows of the space; a value in ten is far off, as when a trial goes wrong.
History history(std::size_t n) {
    History out;
    const auto space = codec();
    Philox random({1, 2}, 3, 4);
    std::vector<space::Value> scratch(d);
    for (std::size_t i = 0; i < n; ++i) {
        double row[d];
        for (double& u : row) u = random.uniform();
        space->snap(row, scratch);
        out.rows.insert(out.rows.end(), row, row + d);
        out.values.push_back((row[0] - 0.3) * (row[0] - 0.3) + row[1] + (row[2] < 0.4 ? 0.2 : 0.0) +
                             (i % 10 == 7 ? 50.0 : 0.0));
        out.errors.push_back(0.01 * static_cast<double>(1 + i % 3));
    }
    return out;
}

Request request_of(const History& given, std::size_t n, bool with_errors = false) {
    Request out;
    out.rows = {given.rows.data(), n, d};
    out.values = {given.values.data(), n};
    if (with_errors) out.std_errors = {given.errors.data(), n};
    out.key = {7, 8};
    out.number = n;
    return out;
}

// Small searches, so that many of them fit in a test.
SuggestOptions quick() {
    SuggestOptions o;
    o.fit.prior = gp::Prior::standard(d);
    o.fit.max_iterations = 4;
    o.fit.n_probes = 2;
    o.search.n_global = 32;
    o.search.n_local = 6;
    o.search.n_starts = 2;
    o.search.iterations = 4;
    o.search.rounds = 2;
    o.schedule = {6, 0.3, 100};  // fitted at 6, 7, 9, 11, 14, 18, 23, 29, 37
    o.fit_rows = 10;
    o.model_rows = 16;
    return o;
}

View of(std::vector<gp::TransformKind> transforms, bool warp = false) {
    View v;
    v.transforms = std::move(transforms);
    v.warp = warp;
    return v;
}

const gp::TransformKind standard = gp::TransformKind::standard, clip = gp::TransformKind::clip,
                        half_log = gp::TransformKind::half_log, logarithm = gp::TransformKind::log;

std::shared_ptr<const gp::UserCovariance> covariance(CovarianceKernel call, std::size_t p) {
    return std::make_shared<gp::UserCovariance>(Kernel<CovarianceKernel>{call, "covariance kernel 'mine'"}, p, false);
}

struct Configuration {
    const char* name;
    SuggestOptions options;
    bool with_errors;
};

std::vector<Configuration> configurations() {
    std::vector<Configuration> out;
    const auto add = [&](const char* name, bool with_errors, auto change) {
        out.push_back({name, quick(), with_errors});
        change(out.back().options);
    };
    add("standard errors", true, [](SuggestOptions&) {});
    add("transforms, a warp and stretched lengths in turn", false, [](SuggestOptions& o) {
        o.views = {of({standard, clip, half_log, logarithm}), of({clip}, true), of({clip})};
        o.views[2].length_scale_factor = 0.7;
        o.views[2].kind = Kind::ucb;
    });
    add("draws of the hyperparameters, two noisy views", true, [](SuggestOptions& o) {
        o.n_draws = 2;
        o.n_noisy_draws = 8;
        o.views = {of({half_log}), of({clip}, true)};
        o.views[0].noisy = true;
        o.views[1].posterior_best = true;
    });
    add("Thompson sampling along paths", false, [](SuggestOptions& o) { o.views[0].thompson = true; });
    add("Thompson sampling with a covariance of the user's", false, [](SuggestOptions& o) {
        o.views[0].thompson = true;
        o.covariance = covariance(&user_kernels::tilted, 2);
        o.fit.prior.user.assign(2, {0.5, 0.5, 0.05, 4.0});
        o.prior = UserPrior({&user_kernels::around_a_third, "density kernel 'third'"}, 6.0);
    });
    add("a covariance that is none: the noise makes up for it", false,
        [](SuggestOptions& o) { o.covariance = covariance(&user_kernels::lowered<80>, 0); });
    add("a region of trust", false, [](SuggestOptions& o) {
        o.trust_region.on = true;
        o.trust_region.after = 5;
    });
    return out;
}

// One suggester for the whole search, and three that are asked about another history before each request: with another
// value among those of the fit, or another row or another error among those that came after it.
TEST(a_warm_suggester_answers_like_a_cold_one) {
    const History given = history(40);
    History others[3] = {given, given, given};
    others[0].values[2] += 0.5;
    others[1].rows[d * 20] *= 0.5;
    others[2].errors[20] = 0.5;
    for (const Configuration& c : configurations()) {
        Suggester warm(lapack, codec(), categorical, c.options);
        Suggester torn[3]{{lapack, codec(), categorical, c.options},
                          {lapack, codec(), categorical, c.options},
                          {lapack, codec(), categorical, c.options}};
        for (const std::size_t n : {1u, 9u, 10u, 22u, 21u}) {
            Request request = request_of(given, n, c.with_errors), elsewhere = request;
            request.count = 1 + n % 2;
            request.pending = {given.rows.data() + d * ((n + 3) % 40), n % 3 == 0 ? 1u : 0u, d};
            Suggester cold(lapack, codec(), categorical, c.options);
            const std::vector<double> expected = cold.suggest(request);
            bool fine = expected.size() == d * request.count && warm.suggest(request) == expected;
            for (std::size_t k = 0; k < 3; ++k) {
                elsewhere.rows = {others[k].rows.data(), n, d};
                elsewhere.values = {others[k].values.data(), n};
                if (c.with_errors) elsewhere.std_errors = {others[k].errors.data(), n};
                (void)torn[k].suggest(elsewhere);
                fine = fine && torn[k].suggest(request) == expected;
            }
            if (!fine) std::fprintf(stderr, "%s, %zu rows:\n", c.name, n);
            CHECK(fine);
        }
    }
}

// Views in turn answer like each of them alone: no fit of one is taken for another's.
TEST(views_do_not_mix) {
    const History given = history(14);
    SuggestOptions together = quick();
    together.views = {of({clip}), of({standard}), of({clip}, true), of({clip})};
    together.views[3].length_scale_factor = 0.7;
    Suggester all(lapack, codec(), categorical, together);
    for (const std::size_t n : {11u, 12u, 13u, 14u}) {
        SuggestOptions alone = together;
        alone.views = {together.views[n % 4]};
        Suggester one(lapack, codec(), categorical, alone);
        CHECK(all.suggest(request_of(given, n)) == one.suggest(request_of(given, n)));
    }
}

// The time runs out at the first factor, the second, the third, ...: the answer is a draft, or the one of a search cut
// short, never half of one, and afterwards all is as if nobody had asked.
TEST(running_out_of_time_leaves_no_trace) {
    const History given = history(12);
    SuggestOptions o = quick();
    o.views = {of({clip, half_log}, true)};
    o.n_draws = 2;
    const Request patient = request_of(given, 9);
    Suggester cold(lapack, codec(), categorical, o);
    const std::vector<double> expected = cold.suggest(patient);
    int cut_off = 0;
    Step step = Step::none;
    for (int n = 0; n < 400; n += 1 + n / 3) {
        Suggester suggester(lapack, codec(), categorical, o);
        Request request = patient;
        request.deadline = Deadline::in(patience);
        step = Step::full;
        until_wait = n;
        const std::vector<double> answer = suggester.suggest(request, &step);
        until_wait = -1;
        CHECK(answer.size() == d);
        CHECK(step != Step::reuse);  // there is no fit to reuse
        if (step == Step::full) CHECK(answer == expected);
        cut_off += step == Step::draft;
        CHECK(suggester.suggest(patient) == expected);
    }
    CHECK(cut_off > 5);
}

// No time at all: a draft, of as many rows as are wanted, and no trace of it.
TEST(a_deadline_that_has_passed) {
    const History given = history(12);
    const SuggestOptions o = quick();
    Suggester suggester(lapack, codec(), categorical, o), cold(lapack, codec(), categorical, o);
    Request early = request_of(given, 7), late = request_of(given, 12);
    const std::vector<double> expected = cold.suggest(late);
    late.deadline = Deadline::in(-1.0);
    late.count = 3;
    Step step = Step::full;
    for (const bool warm : {false, true}) {
        if (warm) (void)suggester.suggest(early);
        step = Step::full;
        const std::vector<double> answer = suggester.suggest(late, &step);
        CHECK(step == Step::draft);
        CHECK(answer.size() == 3 * d);
        Seen seen;
        for (std::size_t i = 0; i < late.n(); ++i) seen.insert(late.rows[i]);
        for (std::size_t i = 0; i < answer.size(); i += d) {
            CHECK(!seen.contains(Column(answer).subspan(i, d)));
            seen.insert(Column(answer).subspan(i, d));
        }
    }
    CHECK(suggester.suggest(request_of(given, 12)) == expected);
}

// Time for a search, but for no fit that is as dear as the last one: the hyperparameters are those of that one, as with
// a schedule that has no later fit. Where the turn is another view's, that of the fit takes it.
TEST(an_earlier_fit_is_used_again) {
    const History given = history(12);
    SuggestOptions two = quick(), rare = two;
    two.views = {of({clip}), of({half_log})};
    rare.views = {of({clip}), of({clip})};
    rare.schedule = {6, 10.0, 100};
    Suggester hurried(lapack, codec(), categorical, two), unhurried(lapack, codec(), categorical, rare);
    each_takes = 0.1;
    (void)hurried.suggest(request_of(given, 6));  // of the first view
    each_takes = 0.0;
    for (const std::uint64_t number : {12u, 13u}) {
        Request request = request_of(given, 12);
        request.number = number;
        const std::vector<double> expected = unhurried.suggest(request);
        request.deadline = Deadline::in(0.8);
        Step step = Step::full;
        CHECK(hurried.suggest(request, &step) == expected);
        CHECK(step == Step::reuse);
    }
}

// user_kernels::tilted, which raises at the call that it is told.
int until_error = -1;

int moody(const double* x, const double* Y, std::size_t n, std::size_t columns, const double* theta, std::size_t p,
          int wanted, double* k, double* by_theta, double* by_x) {
    if (until_error >= 0 && until_error-- == 0) return 0;
    return user_kernels::tilted(x, Y, n, columns, theta, p, wanted, k, by_theta, by_x);
}

// A user's kernel that raises at its first call, its second, ...: a typed error, and afterwards all is as if it had
// not, whether a fit was due or the rows since the last one were being appended.
TEST(a_kernel_that_raises_leaves_no_trace) {
    const History given = history(12);
    SuggestOptions o = quick();
    o.covariance = covariance(&moody, 2);
    o.fit.prior.user.assign(2, {0.5, 0.5, 0.05, 4.0});
    for (const std::size_t size : {10u, 11u}) {
        Suggester cold(lapack, codec(), categorical, o);
        const std::vector<double> expected = cold.suggest(request_of(given, size));
        int raised = 0;
        for (int n = 0; n < 2000; n += 1 + n / 4) {
            Suggester suggester(lapack, codec(), categorical, o);
            (void)suggester.suggest(request_of(given, 9));
            until_error = n;
            try {
                CHECK(suggester.suggest(request_of(given, size)) == expected);
            } catch (const KernelFailed&) {
                ++raised;
            }
            until_error = -1;
            CHECK(suggester.suggest(request_of(given, size)) == expected);
        }
        CHECK(raised > 10);
    }
}

// A factor that fails where none should, once: the same answer as ever, or a smoother model's, but no error; and a
// matrix that has none however much noise is added is the user's error.
TEST(factors_that_fail) {
    const History given = history(12);
    const SuggestOptions o = quick();
    Suggester cold(lapack, codec(), categorical, o);
    const Request request = request_of(given, 12);
    const std::vector<double> expected = cold.suggest(request);
    for (int n = 0; n < 60; n += 1 + n / 4) {
        Suggester suggester(lapack, codec(), categorical, o);
        until_failure = n;
        const std::vector<double> answer = suggester.suggest(request);
        if (until_failure >= 0) CHECK(answer == expected);  // it did not come to it
        until_failure = -1;
        CHECK(answer.size() == d);
        for (const double u : answer) CHECK(u >= 0.0 && u <= 1.0);
    }
    SuggestOptions none = o;
    none.covariance = covariance(&user_kernels::lowered<1000000>, 0);
    Suggester suggester(lapack, codec(), categorical, none);
    for (int attempt = 0; attempt < 2; ++attempt) CHECK_THROWS(suggester.suggest(request), KernelFailed);
}

}  // namespace
