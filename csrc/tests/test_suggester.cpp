#include <algorithm>
#include <set>
#include <vector>

#include "check.hpp"
#include "hpcore/bo/suggester.hpp"
#include "hpcore/linalg/plain.hpp"
#include "spaces.hpp"

using namespace hpcore;
using namespace hpcore::acquisition;
using namespace hpcore::bo;

namespace {

const linalg::Lapack& lapack = linalg::plain_lapack();

// A category of two, a child integer in 1..3 of its second value, an integer in 0..4: 1 * 5 + 3 * 5 = 20 points.
std::shared_ptr<const space::Codec> finite_space() {
    return spaces::codec({spaces::choice(2), spaces::when(0, {1}, spaces::integer(1, 3)), spaces::integer(0, 4)});
}

SuggestOptions options(std::size_t d) {
    SuggestOptions o;
    o.fit.prior = gp::Prior::standard(d);
    return o;
}

TEST(a_finite_space_is_seen_once_and_whole) {
    const auto codec = finite_space();
    Suggester suggester(lapack, codec, {true, false, false}, options(3));
    std::vector<double> rows, values;
    Seen seen;
    for (std::size_t n = 0; n < 20; ++n) {
        Request request;
        request.rows = {rows.data(), n, 3};
        request.values = values;
        request.number = n;
        const std::vector<double> row = suggester.suggest(request);
        CHECK(row.size() == 3);
        if (row.size() != 3) return;
        CHECK(!seen.contains(row));
        seen.insert(row);
        rows.insert(rows.end(), row.begin(), row.end());
        values.push_back(row[2] * row[2] - row[0]);
    }
    Request request;
    request.rows = {rows.data(), 20, 3};
    request.values = values;
    CHECK(suggester.suggest(request).empty());
}

TEST(a_new_suggester_says_what_the_old_one_says) {
    const auto codec = spaces::codec({space::Column{}, space::Column{}});
    SuggestOptions o = options(2);
    o.schedule.every_until = 8;
    o.schedule.growth = 0.5;
    Suggester old(lapack, codec, {false, false}, o);
    std::vector<double> rows, values;
    for (std::size_t n = 0; n < 30; ++n) {
        Request request;
        request.rows = {rows.data(), n, 2};
        request.values = values;
        request.number = n;
        request.key = {7, 8};
        const double pending[4] = {0.3, 0.3, 0.9, 0.1};
        request.pending = {pending, n % 3, 2};
        request.count = 1 + n % 2;
        const std::vector<double> row = old.suggest(request);
        Suggester fresh(lapack, codec, {false, false}, o);
        CHECK(row == fresh.suggest(request));
        for (const double u : row) CHECK(u >= 0.0 && u <= 1.0);
        rows.insert(rows.end(), row.begin(), row.begin() + 2);
        values.push_back((row[0] - 0.3) * (row[0] - 0.3) + row[1]);
    }
    double best = 1.0;
    for (const double v : values) best = std::min(best, v);
    CHECK(best < 1e-3);
}

TEST(batches_differ_and_obey_constraints) {
    const auto codec = spaces::codec({space::Column{}, space::Column{}});
    Suggester suggester(lapack, codec, {false, false}, options(2));
    const std::vector<double> rows{0.1, 0.1, 0.9, 0.2, 0.4, 0.8, 0.6, 0.5}, values{1.0, 0.5, 0.7, 0.2};
    Request request;
    request.rows = {rows.data(), 4, 2};
    request.values = values;
    request.count = 6;
    request.feasible = [](Rows at, std::span<bool> allowed) {
        for (std::size_t i = 0; i < at.n; ++i) allowed[i] = at(i, 0) + at(i, 1) < 1.0;
    };
    const std::vector<double> batch = suggester.suggest(request);
    CHECK(batch.size() == 12);
    std::set<double> distinct;
    for (std::size_t i = 0; i + 1 < batch.size(); i += 2) {
        CHECK(batch[i] + batch[i + 1] < 1.0);
        distinct.insert(batch[i]);
    }
    CHECK(distinct.size() > 3);
}

}  // namespace
