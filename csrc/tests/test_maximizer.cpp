// The acquisition's maximiser against looking at every point of a small space.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <vector>

#include "check.hpp"
#include "hpcore/acquisition/ensemble.hpp"
#include "hpcore/acquisition/maximizer.hpp"
#include "hpcore/linalg/cholesky.hpp"
#include "hpcore/linalg/plain.hpp"
#include "spaces.hpp"
#include "user_kernels.hpp"

using namespace hpcore;
using namespace hpcore::acquisition;

namespace {

const linalg::Lapack& lapack = linalg::plain_lapack();
const Feasible anywhere;

// Every point of a space without continuous columns, once each, in canonical form.
std::vector<double> every_point(const MoveSet& moves) {
    const std::size_t d = moves.d();
    std::vector<double> out, full(d), row(d);
    std::vector<space::Value> scratch(d);
    Seen met;
    std::vector<std::uint64_t> level(d, 0);
    for (std::size_t j = 0; j < d;) {
        for (std::size_t i = 0; i < d; ++i) full[i] = moves.coordinate(i, level[i]);
        moves.snap(full, row, scratch);
        if (!met.contains(row)) out.insert(out.end(), row.begin(), row.end());
        met.insert(row);
        for (j = 0; j < d && level[j] == moves.last_level(j); ++j) level[j] = 0;
        if (j < d) ++level[j];
    }
    return out;
}

bool same_row(const double* a, const double* b, std::size_t d) {
    for (std::size_t j = 0; j < d; ++j)
        if (!(a[j] == b[j] || (std::isnan(a[j]) && std::isnan(b[j])))) return false;
    return true;
}

// A choice, an integer of its second level, a choice of its other two, and an integer of many levels, which is moved by
// steps and leaps: 465 points.
MoveSet conditional_space() {
    return MoveSet(spaces::codec({spaces::choice(3), spaces::when(0, {1}, spaces::integer(0, 6)),
                                  spaces::when(0, {0, 2}, spaces::choice(4)), spaces::integer(0, 30)}),
                   {true, false, true, false}, 100);
}

// A model of a few points of the space, with values that have several valleys.
gp::Regressor model_of(const MoveSet& moves, const std::vector<double>& points, std::size_t n, std::uint64_t seed,
                       std::vector<double>& told) {
    const std::size_t d = moves.d();
    Philox random({seed, 1}, 2, 3);
    std::vector<double> y;
    told.clear();
    for (std::size_t i = 0; i < n; ++i) {
        const double* row = points.data() + random.below(points.size() / d) * d;
        told.insert(told.end(), row, row + d);
        y.push_back(random.normal());
    }
    std::vector<double> theta(d, -1.0);
    theta.insert(theta.end(), {0.2, -3.0, -1.0});
    gp::Regressor model(lapack, moves.types(), theta);
    model.assign({told.data(), n, d});
    model.set_targets(y);
    return model;
}

// Asked again and again, so that the peaks are seen one after the other: the answer is no worse than any unseen,
// allowed candidate, and none of the moves in one column that are tried leads further up.
TEST(no_candidate_and_no_move_is_better) {
    const MoveSet moves = conditional_space();
    constexpr std::size_t d = 4, n = 12;
    const std::vector<double> points = every_point(moves);
    CHECK(points.size() == 465 * d);
    const Feasible even = [](Rows rows, std::span<bool> allowed) {
        for (std::size_t i = 0; i < rows.n; ++i) allowed[i] = static_cast<int>(rows(i, 3) * 31.0) % 2 == 0;
    };
    SearchOptions options;
    options.n_global = 100;
    options.n_local = 20;
    options.rounds = 20;
    std::vector<space::Value> scratch(d);
    const Maximizer maximizer(moves, options);
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
        std::vector<double> told, full, rows;
        const gp::Regressor model = model_of(moves, points, n, seed, told);
        Ensemble acquisition({seed % 2 == 0 ? Kind::log_ei : Kind::ucb, 2.0, {}});
        acquisition.add(model, -1.0);
        const auto value_at = [&](const double* row) {
            double v = 0.0;
            acquisition.values({row, 1, d}, {&v, 1});
            return v;
        };
        const Feasible& feasible = seed < 2 ? anywhere : even;
        Seen seen;
        for (std::size_t i = 0; i < n; ++i) seen.insert(Column{told.data() + i * d, d});
        const auto usable = [&](const double* row) {
            bool allowed = true;
            if (feasible) feasible({row, 1, d}, {&allowed, 1});
            return allowed && !seen.contains(Column{row, d});
        };
        for (std::uint64_t k = 0; k < 4; ++k) {
            Philox stream({seed, 7}, k, 0), same = stream;
            double out[d];
            CHECK(maximizer.maximize(acquisition, {told.data(), 3, d}, {n, 0}, seen, feasible, stream, out));
            CHECK(usable(out));
            const double value = value_at(out);
            maximizer.candidates({told.data(), 3, d}, same, full, rows);
            for (std::size_t i = 0; i < rows.size(); i += d)
                if (usable(rows.data() + i)) CHECK(value_at(rows.data() + i) <= value + 1e-12);
            for (std::size_t j = 1; j < d; ++j) {
                if (std::isnan(out[j])) continue;
                const auto here = static_cast<std::int64_t>(moves.level(j, out, scratch));
                for (std::int64_t level = 0; level <= static_cast<std::int64_t>(moves.last_level(j)); ++level) {
                    const std::int64_t step = std::abs(level - here);
                    if (j == 3 && step != 1 && step != 2 && step != 4 && step != 8) continue;
                    double beside[d];
                    std::copy(out, out + d, beside);
                    beside[j] = moves.coordinate(j, static_cast<std::uint64_t>(level));
                    if (usable(beside)) CHECK(value_at(beside) <= value + 1e-12);
                }
            }
            seen.insert(out);
        }
    }
}

TEST(levels_of_rows_that_lack_a_parents_value) {
    const MoveSet moves(spaces::codec({spaces::choice(3), spaces::when(0, {2}, spaces::integer(-3, 6)),
                                       spaces::when(0, {2}, spaces::integer(-3, 1000))}),
                        {true, false, false}, 21);
    std::vector<space::Value> scratch(3);
    for (const std::size_t j : {1u, 2u}) {
        for (std::uint64_t level = 0; level <= moves.last_level(j); ++level) {
            double row[3] = {5.0 / 6.0, 0.5, 0.5};
            row[j] = moves.coordinate(j, level);
            CHECK(moves.level(j, row, scratch) == level);
            row[0] = row[3 - j] = std::numeric_limits<double>::quiet_NaN();
            CHECK(moves.level(j, row, scratch) == level);
        }
    }
}

// An acquisition that says nothing of bounds.
class WithoutBounds final : public Acquisition {
  public:
    explicit WithoutBounds(Ensemble& of) : of_(of) {}
    void values(Rows rows, MutableColumn out) override { of_.values(rows, out); }
    void values_and_gradients(Rows rows, const std::vector<const std::vector<std::size_t>*>& moving, MutableColumn out,
                              std::vector<std::vector<double>>& gradients) override {
        of_.values_and_gradients(rows, moving, out, gradients);
    }
    const gp::Regressor& model() const override { return of_.model(); }

  private:
    Ensemble& of_;
};

// By bounds the same candidates are refined as by the values of all of them, and the same is answered to the last bit,
// also where the refined ones were too close to a fantasy.
TEST(bounds_change_no_answer) {
    constexpr std::size_t d = 3;
    const MoveSet moves(spaces::codec({spaces::Column{}, spaces::Column{}, spaces::choice(3)}), {false, false, true},
                        21);
    const Feasible below = [](Rows rows, std::span<bool> allowed) {
        for (std::size_t i = 0; i < rows.n; ++i) allowed[i] = rows(i, 0) + rows(i, 1) < 1.0;
    };
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
        const std::size_t n = 100 + 30 * seed;
        Philox random({seed, 9}, 2, 3);
        std::vector<double> told, y;
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < 2; ++j) told.push_back(random.uniform());
            told.push_back((static_cast<double>(random.below(3)) + 0.5) / 3.0);
            y.push_back(std::sin(9.0 * told[d * i]) + told[d * i + 1] + 0.3 * told[d * i + 2]);
        }
        std::vector<gp::Regressor> models;
        for (std::size_t k = 0; k < 1 + seed % 2; ++k) {
            const double length = -1.2 + 0.3 * static_cast<double>(k);
            models.emplace_back(lapack, moves.types(), std::vector<double>{length, length, 0.2, 0.3, -6.0});
            models.back().assign({told.data(), n, d});
            models.back().set_targets(y);
        }
        Ensemble acquisition({seed % 3 == 2 ? Kind::ucb : Kind::log_ei, 3.0, {}});
        for (const gp::Regressor& model : models) acquisition.add(model, *std::min_element(y.begin(), y.end()));
        CHECK(acquisition.has_bounds() == (n >= 150));
        WithoutBounds plainly(acquisition);
        Seen seen;
        for (std::size_t i = 0; i < n; ++i) seen.insert(Column{told.data() + i * d, d});
        const std::size_t best = static_cast<std::size_t>(std::min_element(y.begin(), y.end()) - y.begin());
        const Rows incumbents{told.data() + best * d, 1, d};
        const Maximizer maximizer(moves, {});
        for (int k = 0; k < 4; ++k) {
            double row[d] = {}, other[d] = {};
            Philox one({seed, 4}, 5, 6), two({seed, 4}, 5, 6);
            const ModelRows held{k < 3 ? n : n - n / 2, k < 3 ? 0 : n / 2};  // half of the points as fantasies
            const Feasible& feasible = seed % 4 == 3 ? below : anywhere;
            CHECK(maximizer.maximize(acquisition, incumbents, held, seen, feasible, one, row));
            CHECK(maximizer.maximize(plainly, incumbents, held, seen, feasible, two, other));
            CHECK(same_row(row, other, d));
            seen.insert(row);
        }
    }
}

// With a deadline that is far off the answer is that without one; with one that has passed it is a worse point, but an
// unseen one.
TEST(deadlines_cut_the_search_short) {
    const MoveSet moves = conditional_space();
    constexpr std::size_t d = 4, n = 12;
    const std::vector<double> points = every_point(moves);
    std::vector<double> told;
    const gp::Regressor model = model_of(moves, points, n, 3, told);
    Seen seen;
    for (std::size_t i = 0; i < n; ++i) seen.insert(Column{told.data() + i * d, d});
    const auto ask = [&](const Deadline& deadline, double* out) {
        Ensemble acquisition({Kind::log_ei, 2.0, {}});
        acquisition.add(model, -1.0);
        Philox stream({5, 7}, 0, 0);
        CHECK(Maximizer(moves, {}).maximize(acquisition, {told.data(), 3, d}, {n, 0}, seen, anywhere, stream, {out, d},
                                            deadline));
        double value = 0.0;
        acquisition.values({out, 1, d}, {&value, 1});
        return value;
    };
    double unhurried[d], in_time[d], late[d];
    const double best = ask({}, unhurried);
    CHECK(ask(Deadline::in(1e5), in_time) == best && same_row(unhurried, in_time, d));
    CHECK(ask(Deadline::in(-1.0), late) <= best);
    CHECK(!seen.contains(late));
}

// A region of trust holds every number within its reach of the centre's, and leaves categories alone.
TEST(a_region_of_trust_is_kept_to) {
    const MoveSet moves(spaces::codec({spaces::Column{}, spaces::choice(3), spaces::Column{}}), {false, true, false},
                        21);
    const std::vector<double> rows{0.2, 0.5, 0.9, 0.8, 0.5, 0.1, 0.5, 1.0 / 6.0, 0.5}, y{-0.4, 0.3, 1.0};
    gp::Regressor model(lapack, moves.types(), {-1.0, 0.0, -1.0, 0.2, -5.0});
    model.assign({rows.data(), 3, moves.d()});
    model.set_targets(y);
    Ensemble acquisition({Kind::ucb, 3.0, {}});
    acquisition.add(model, 0.0);
    SearchOptions options;
    options.n_global = 60;
    const Maximizer maximizer(moves, options, {rows.data(), 3}, 0.15);
    std::vector<double> full, candidates;
    Philox stream({1, 1}, 0, 0);
    maximizer.candidates({rows.data(), 1, 3}, stream, full, candidates);
    std::size_t moved = 0;
    for (std::size_t i = 0; i < candidates.size(); i += 3) {
        CHECK(std::fabs(candidates[i] - 0.2) <= 0.15 && candidates[i + 2] >= 0.75);
        moved += candidates[i + 1] != rows[1];
    }
    CHECK(moved > 5 && moved < candidates.size() / 6);
    double out[3];
    CHECK(maximizer.maximize(acquisition, {rows.data(), 1, 3}, {3, 0}, {}, anywhere, stream, out));
    CHECK(std::fabs(out[0] - 0.2) <= 0.15 && out[2] >= 0.75);
}

// Thompson sampling without a path: how often each point is drawn, against plain Monte Carlo over the joint posterior
// of all the points.
void draws_are_the_minimisers_of_the_posterior(bool with_prior) {
    const MoveSet moves(spaces::codec({spaces::choice(2), spaces::integer(0, 2)}), {true, false}, 21);
    constexpr std::size_t d = 2, m = 6;
    const std::vector<double> points = every_point(moves);
    CHECK(points.size() == m * d);
    const std::vector<double> rows{points[0], points[1], points[4], points[5], points[10], points[11]},
        y{0.2, -0.3, 0.4};
    gp::Regressor model(lapack, moves.types(), {-0.5, -0.5, 0.2, -1.5});
    model.assign({rows.data(), 3, moves.d()});
    model.set_targets(y);
    Seen seen;
    seen.insert(Column{points.data(), d});
    const Feasible feasible = [&](Rows at, std::span<bool> allowed) {
        for (std::size_t i = 0; i < at.n; ++i) allowed[i] = !same_row(at[i].data(), points.data() + d, d);
    };
    const UserPrior prior({&user_kernels::around_a_third, "density kernel 'third'"}, 6.0);

    gp::Prediction exact;
    model.predict({points.data(), m, d}, exact);
    std::vector<double> root(m * m), share(m, 0.0), drawn(m, 0.0);
    model.covariance({points.data(), m, d}, {root.data(), m, m});
    linalg::cholesky_factor(lapack, root.data(), m, m);
    Philox stream({9, 9}, 0, 0);
    constexpr std::size_t n_plain = 20000, n_drawn = 800;
    for (std::size_t k = 0; k < n_plain; ++k) {
        double z[m], least = std::numeric_limits<double>::infinity();
        std::size_t best = m;
        for (double& v : z) v = stream.normal();
        for (std::size_t i = 2; i < m; ++i) {  // one is seen, one not allowed
            double f = exact.mean[i] + gp::dot({root.data() + i * m, i + 1}, z);
            if (with_prior) f -= prior.at({points.data() + i * d, d}, 3);
            if (f < least) best = i;
            least = std::min(least, f);
        }
        share[best] += 1.0 / n_plain;
    }
    SearchOptions options;
    options.n_global = 30;  // so many that every point is among them
    const Maximizer maximizer(moves, options);
    for (std::size_t k = 0; k < n_drawn; ++k) {
        double out[d];
        CHECK(maximizer.draw(lapack, model, with_prior ? &prior : nullptr, 3, {}, seen, feasible, stream, out));
        for (std::size_t i = 0; i < m; ++i)
            if (same_row(out, points.data() + i * d, d)) drawn[i] += 1.0 / n_drawn;
    }
    CHECK(drawn[0] == 0.0 && drawn[1] == 0.0);
    for (std::size_t i = 2; i < m; ++i)
        CHECK_NEAR(drawn[i], share[i], 4.5 * std::sqrt(share[i] * (1.0 - share[i]) / n_drawn));
}

// The needle: a point that random tries do not meet is found by counting, and nothing is found where nothing is left.
TEST(anything_unseen_is_found_where_it_is) {
    constexpr std::size_t d = 3;
    const MoveSet moves(spaces::codec({spaces::integer(0, 49), spaces::choice(30), spaces::integer(-7, 12)}),
                        {false, true, false}, 21);
    const double needle[d] = {moves.coordinate(0, 17), moves.coordinate(1, 29), moves.coordinate(2, 3)};
    const Feasible only = [&](Rows rows, std::span<bool> allowed) {
        for (std::size_t i = 0; i < rows.n; ++i) allowed[i] = same_row(rows[i].data(), needle, d);
    };
    Seen seen;
    double out[d] = {};
    Philox stream({1, 2}, 3, 4);
    const Maximizer maximizer(moves, {});
    CHECK(maximizer.anything_unseen(seen, only, stream, out));
    CHECK(same_row(out, needle, d));
    seen.insert(needle);
    CHECK(!maximizer.anything_unseen(seen, only, stream, out));
    // The tries are bounded where a column is continuous, or the space too large to count through.
    const Feasible nowhere = [](Rows, std::span<bool> allowed) { std::ranges::fill(allowed, false); };
    const MoveSet continuous(spaces::codec({spaces::choice(2), spaces::Column{}}), {true, false}, 21);
    CHECK(!Maximizer(continuous, {}).anything_unseen(seen, nowhere, stream, out));
    const MoveSet vast(spaces::codec({spaces::integer(0, 2000), spaces::integer(0, 2000)}), {false, false}, 21);
    CHECK(!Maximizer(vast, {}).anything_unseen(seen, nowhere, stream, out));
}

// A ball of a billionth of the cube, which no random row and no perturbation meets: only what was added is in it, and
// within a region of trust only what was added there.
TEST(added_candidates_are_searched_as_well) {
    constexpr std::size_t d = 3;
    const MoveSet moves(spaces::codec({spaces::Column{}, spaces::Column{}, spaces::Column{}}), {false, false, false},
                        21);
    const std::vector<double> told{0.9, 0.9, 0.9, 0.1, 0.5, 0.9};
    gp::Regressor model(lapack, moves.types(), {-0.5, -0.5, -0.5, 0.2, -3.0, -1.0});
    model.assign({told.data(), 2, d});
    const std::vector<double> y{0.5, -0.5};
    model.set_targets(y);
    Ensemble acquisition({Kind::ucb, 2.0, {}});
    acquisition.add(model, -0.5);
    const Feasible ball = [](Rows rows, std::span<bool> allowed) {
        for (std::size_t i = 0; i < rows.n; ++i) {
            double square = 0.0;
            for (std::size_t j = 0; j < d; ++j) square += (rows(i, j) - 0.25) * (rows(i, j) - 0.25);
            allowed[i] = square < 1e-6;
        }
    };
    Seen seen;
    double out[d] = {};
    Philox stream({5, 6}, 7, 8);
    CHECK(!Maximizer(moves, {}).maximize(acquisition, {told.data(), 1, d}, {2, 0}, seen, ball, stream, out));
    const std::vector<double> inside{0.25, 0.25, 0.25, 0.2505, 0.25, 0.2495};
    Maximizer maximizer(moves, {});
    maximizer.add_candidates({inside.data(), 2, d});
    CHECK(maximizer.maximize(acquisition, {told.data(), 1, d}, {2, 0}, seen, ball, stream, out));
    bool allowed = false;
    ball({out, 1, d}, {&allowed, 1});
    CHECK(allowed);
    Maximizer elsewhere(moves, {}, {told.data(), d}, 0.2);
    elsewhere.add_candidates({inside.data(), 2, d});
    CHECK(!elsewhere.maximize(acquisition, {told.data(), 1, d}, {2, 0}, seen, ball, stream, out));
}

TEST(draws_are_the_minimisers_of_the_posterior) {
    draws_are_the_minimisers_of_the_posterior(false);
}

TEST(draws_with_a_prior_are_the_minimisers_of_the_posterior) {
    draws_are_the_minimisers_of_the_posterior(true);
}

}  // namespace
