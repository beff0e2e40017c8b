// Drafts: what a caller gets whose time is over. Threads are held up by a LAPACK that waits until it is told to go on.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "check.hpp"
#include "hpcore/bo/suggester.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/rng.hpp"
#include "spaces.hpp"

using namespace hpcore;
using namespace hpcore::bo;

namespace {

// A gate at which one thread waits.
struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    std::thread::id held;
    bool reached = false, open = true;

    void pass() {
        std::unique_lock<std::mutex> lock(mutex);
        if (open || std::this_thread::get_id() != held) return;
        reached = true;
        changed.notify_all();
        changed.wait(lock, [&] { return open; });
    }
} gate;

void dpotrf(char* uplo, int* n, double* a, int* lda, int* info) {
    gate.pass();
    linalg::plain_lapack().dpotrf(uplo, n, a, lda, info);
}

linalg::Lapack gated() {
    linalg::Lapack out = linalg::plain_lapack();
    out.dpotrf = &dpotrf;
    return out;
}

const linalg::Lapack lapack = gated();
constexpr std::size_t d = 3;
const std::vector<bool> categorical{false, false, true};

std::shared_ptr<const space::Codec> codec() {
    return spaces::codec({space::Column{}, space::Column{}, spaces::choice(3)});
}

struct History {
    std::vector<double> rows, values, violations;
};

double bowl(const double* row) {
    return (row[0] - 0.3) * (row[0] - 0.3) + (row[1] - 0.6) * (row[1] - 0.6) + (row[2] < 0.4 ? 0.0 : 0.3);
}

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
        out.values.push_back(bowl(row));
        out.violations.push_back(std::max(0.0, 0.5 - row[0]));
    }
    return out;
}

Request request_of(const History& given, std::size_t n, std::size_t count = 1) {
    Request out;
    out.rows = {given.rows.data(), n, d};
    out.values = Column(given.values).first(n);
    out.count = count;
    out.key = {7, 8};
    out.number = n;
    return out;
}

SuggestOptions quick() {
    SuggestOptions o;
    o.fit.prior = gp::Prior::standard(d);
    o.fit.max_iterations = 6;
    o.search.n_global = 64;
    o.search.n_local = 12;
    return o;
}

double squared(const double* a, const double* b) {
    double sum = 0.0;
    for (std::size_t j = 0; j < d; ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sum;
}

// One thread is held in the middle of its suggestion: another one with a deadline gets a draft, and without more time
// than that of its deadline, since the first one goes on only afterwards. Its own answer is as ever.
TEST(who_waits_in_vain_gets_a_draft) {
    const History given = history(40);
    Suggester suggester(lapack, codec(), categorical, quick()), alone(lapack, codec(), categorical, quick());
    const std::vector<double> expected = alone.suggest(request_of(given, 40));
    std::vector<double> answer;
    std::atomic<bool> begun{false};
    gate.open = false;
    std::thread other([&] {
        {
            const std::lock_guard<std::mutex> lock(gate.mutex);
            gate.held = std::this_thread::get_id();
        }
        answer = suggester.suggest(request_of(given, 40));
        begun = true;
    });
    {
        std::unique_lock<std::mutex> lock(gate.mutex);
        gate.changed.wait(lock, [] { return gate.reached; });
    }
    for (const double seconds : {-1.0, 0.01}) {
        Request request = request_of(given, 40, 4);
        request.deadline = Deadline::in(seconds);
        Step step = Step::full;
        CHECK(suggester.suggest(request, &step).size() == 4 * d);
        CHECK(step == Step::draft);
    }
    CHECK(suggester.draft(request_of(given, 40)).size() == d);
    CHECK(!begun);
    {
        const std::lock_guard<std::mutex> lock(gate.mutex);
        gate.open = true;
    }
    gate.changed.notify_all();
    other.join();
    gate.reached = false;
    CHECK(answer == expected);
}

// A batch by one scoring: no row twice, none that is known or pending, and not all next to each other; most are better
// than what chance finds.
TEST(a_batch_is_spread_and_good) {
    const History given = history(80);
    Suggester suggester(lapack, codec(), categorical, quick());
    Request request = request_of(given, 60, 12);
    request.pending = {given.rows.data() + 60 * d, 20, d};
    Step step = Step::full;
    const std::vector<double> rows = suggester.draft(request, &step);
    CHECK(step == Step::draft);
    CHECK(rows.size() == 12 * d);
    std::vector<double> sorted(given.values.begin(), given.values.end());
    std::sort(sorted.begin(), sorted.end());
    int good = 0;
    double widest = 0.0;
    for (std::size_t i = 0; i < 12; ++i) {
        good += bowl(rows.data() + i * d) < sorted[40];
        for (std::size_t k = 0; k < 80; ++k) CHECK(squared(rows.data() + i * d, given.rows.data() + k * d) > 0.0);
        for (std::size_t k = 0; k < i; ++k) {
            CHECK(squared(rows.data() + i * d, rows.data() + k * d) > 0.0);
            widest = std::max(widest, squared(rows.data() + i * d, rows.data() + k * d));
        }
    }
    CHECK(good >= 9);
    CHECK(widest > 0.01);
}

// Rows that are not allowed are not suggested, and where a limit is missed is no place to look.
TEST(limits_and_constraints_count) {
    const History given = history(60);
    Suggester suggester(lapack, codec(), categorical, quick());
    Request request = request_of(given, 60, 8);
    request.violations = given.violations;
    request.feasible = [](Rows rows, std::span<bool> allowed) {
        for (std::size_t i = 0; i < rows.n; ++i) allowed[i] = rows(i, 1) < 0.8;
    };
    const std::vector<double> rows = suggester.draft(request);
    CHECK(rows.size() == 8 * d);
    int kept = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        CHECK(rows[i * d + 1] < 0.8);
        kept += rows[i * d] >= 0.45;
    }
    CHECK(kept >= 5);
}

// With time the hyperparameters come from more and more rows; those of a larger fit are kept; those of a suggestion
// without a deadline are taken.
TEST(a_draft_warms_up) {
    const History given = history(100);
    const acquisition::MoveSet moves(codec(), categorical, 21);
    const SuggestOptions o = quick();
    Draft draft(lapack, moves, o);
    Request request = request_of(given, 30);
    request.deadline = Deadline::in(-1.0);
    CHECK(draft.suggest(request, {}, 1).size() == d);  // by the prior's medians
    CHECK(draft.fitted().second == 0);
    std::size_t before = 0;
    for (const std::size_t n : {10u, 30u, 100u}) {
        request = request_of(given, n);  // drafts take a while at most, whatever time there is
        CHECK(draft.suggest(request, {}, 1).size() == d);
        CHECK(draft.fitted().second >= before);
        before = draft.fitted().second;
    }
    CHECK(before >= 10);
    const std::vector<double> mine = draft.fitted().first;
    draft.offer(std::vector<double>(mine.size(), 0.1), 1);
    CHECK(draft.fitted().first == mine);
    draft.offer(std::vector<double>(mine.size(), 0.1), 1000);
    CHECK(draft.fitted().first == std::vector<double>(mine.size(), 0.1));
    draft.offer({0.5}, 2000);  // of another covariance
    CHECK(draft.fitted().second == 1000);
}

// Nothing can be learnt from a single value.
TEST(there_must_be_two_values) {
    const History given = history(2);
    Suggester suggester(lapack, codec(), categorical, quick());
    Step step = Step::full;
    CHECK(suggester.draft(request_of(given, 1), &step).empty());
    CHECK(step == Step::none);
    CHECK(suggester.draft(request_of(given, 2)).size() == d);
}

// Another history with the same engine: rows are compared, and the models of the first one are not used.
TEST(a_draft_knows_its_rows) {
    const History given = history(60);
    History other = given;
    for (std::size_t i = 0; i < 60; ++i) std::swap(other.rows[i * d], other.rows[i * d + 1]);
    Suggester suggester(lapack, codec(), categorical, quick()), fresh(lapack, codec(), categorical, quick());
    (void)suggester.draft(request_of(given, 60));
    CHECK(suggester.draft(request_of(other, 60)) == fresh.draft(request_of(other, 60)));
}

}  // namespace
