// The samplers at work without Python: rows in the cube, a function of seed and trials alone, whatever the objectives.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "check.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/records/trial_table.hpp"
#include "hpcore/samplers/samplers.hpp"
#include "hpcore/sobol.hpp"
#include "spaces.hpp"

using namespace hpcore;
using namespace hpcore::samplers;
using records::TrialTable;

namespace {

using Numbers = std::vector<double>;
using Make = std::unique_ptr<Sampler> (*)();

const linalg::Lapack& lapack = linalg::plain_lapack();
constexpr Philox::Key key{11, 12};
constexpr std::size_t d = 3;

// Two numbers and a category of three.
std::shared_ptr<const space::Codec> codec() {
    static const auto made = spaces::codec({space::Column{}, space::Column{}, spaces::choice(3)});
    return made;
}
const std::vector<bool> categorical{false, false, true};

std::unique_ptr<Sampler> gp() {
    return make_gp(codec(), categorical, {}, lapack);
}
std::unique_ptr<Sampler> tpe() {
    return make_tpe(codec(), categorical);
}
std::unique_ptr<Sampler> by_auto() {
    return make_auto(codec(), categorical, {8}, lapack);
}
const Make learners[] = {gp, tpe, by_auto};

Ask ask_for(const TrialTable& table, std::size_t count = 1) {
    Ask ask;
    ask.key = key;
    ask.number = table.n();
    ask.count = count;
    return ask;
}

Numbers snapped(Numbers rows) {
    std::vector<space::Value> scratch(d);
    for (std::size_t at = 0; at < rows.size(); at += d) codec()->snap({rows.data() + at, d}, scratch);
    return rows;
}

Numbers suggest(Sampler& sampler, const TrialTable& table, const Ask& ask, Level* level = nullptr) {
    const Numbers pending = table.pending();
    Proposal proposal = sampler.suggest(table.view(), {pending.data(), pending.size() / d, d}, ask);
    if (level != nullptr) *level = proposal.level;
    CHECK(!proposal.rows.empty() && proposal.rows.size() <= ask.count * d && proposal.rows.size() % d == 0);
    for (const double u : proposal.rows) CHECK(u >= 0.0 && u <= 1.0);
    return snapped(std::move(proposal.rows));
}

// Trials of one kind: objectives, limits, failures, costs, gradients, standard errors.
struct Kind {
    std::size_t m = 1, k = 0;
    bool fails = false, costs = false, slopes = false, errors = false;
};
const Kind kinds[] = {{},
                      {1, 2},
                      {1, 0, true},
                      {1, 0, false, true},
                      {1, 0, false, false, true},
                      {1, 0, false, false, false, true},
                      {2},
                      {3, 1, true, true},
                      {4},
                      {9, 1, true, true, false, true}};

void run(TrialTable& table, const Kind& kind, const Numbers& row) {
    const double x = row[0], y = row[1], gap = row[2] < 0.5 ? 0.2 : 0.0;
    Numbers values, beyond;
    for (std::size_t i = 0; i < kind.m; ++i) {
        const double centre = 0.3 + 0.1 * static_cast<double>(i);
        values.push_back((x - centre) * (x - centre) + 0.5 * (y - 0.6) * (y - 0.6) + gap);
    }
    for (std::size_t j = 0; j < kind.k; ++j) beyond.push_back(x + y - 1.2 - 0.1 * static_cast<double>(j));
    const Numbers slope{2.0 * (x - 0.3), y - 0.6, std::nan("")}, errors(kind.m, 0.01);
    records::Result result;
    result.values = values;
    result.violations = beyond;
    if (kind.costs) result.cost = 1.0 + 5.0 * x;
    if (kind.slopes) result.gradient = slope;
    if (kind.errors && table.n() % 2 == 0) result.std_error = errors;
    if (kind.fails && y > 0.8) {
        result.state = records::failed;
        result.values = {};
        result.std_error = {};
    }
    table.add(row, result);
}

TEST(rows_that_need_no_results) {
    const TrialTable table(d, 1);
    Ask ask = ask_for(table, 3);
    ask.number = 4;
    const auto random = make_random(d), sobol = make_sobol(d);
    CHECK(!random->uses_pending() && !sobol->uses_pending());
    const Numbers points = sobol->suggest(table.view(), {}, ask).rows;
    for (std::size_t k = 0; k < 3; ++k) {
        Numbers point(d);
        sobol_point(key, 4 + k, point);
        CHECK(std::equal(point.begin(), point.end(), points.begin() + static_cast<std::ptrdiff_t>(k * d)));
    }
    const Numbers uniform = random->suggest(table.view(), {}, ask).rows;
    CHECK(uniform.size() == 9 && std::set<double>(uniform.begin(), uniform.end()).size() == 9);
    ask.attempt = 1;  // a refused point of the sequence is replaced by a random one
    CHECK(sobol->suggest(table.view(), {}, ask).rows == random->suggest(table.view(), {}, ask).rows);
    CHECK(random->suggest(table.view(), {}, ask).rows != uniform);
}

TEST(a_new_sampler_proposes_what_an_old_one_does) {
    for (const Make make : learners)
        for (const Kind& kind : kinds) {
            TrialTable table(d, kind.m, kind.k);
            const auto old = make();
            for (std::size_t n = 0; n < 14; ++n) {
                Ask ask = ask_for(table);
                ask.per_cost = kind.costs;
                const Numbers row = suggest(*old, table, ask);
                CHECK(suggest(*old, table, ask) == row);
                if (n % 5 == 3) CHECK(suggest(*make(), table, ask) == row);
                run(table, kind, row);
            }
        }
}

TEST(a_search_finds_the_best) {
    for (const Make make : learners) {
        TrialTable table(d, 1);
        const auto sampler = make();
        for (std::size_t n = 0; n < 40; ++n) run(table, {}, suggest(*sampler, table, ask_for(table)));
        double best = 1.0;
        for (std::size_t i = 0; i < 40; ++i) best = std::min(best, table.view().values(i, 0));
        CHECK(best < 0.003);
    }
}

TEST(a_batch_knows_its_own) {
    for (const Make make : learners)
        for (const Kind& kind : {Kind{}, Kind{2}, Kind{4}}) {
            TrialTable table(d, kind.m);
            const auto sampler = make();
            while (table.n() < 10) run(table, kind, suggest(*sampler, table, ask_for(table)));
            table.append(suggest(*sampler, table, ask_for(table)));
            const Numbers rows = suggest(*sampler, table, ask_for(table, 4));
            CHECK(rows.size() == 4 * d);
            std::set<Numbers> distinct;
            for (std::size_t at = 0; at < rows.size(); at += d)
                distinct.insert(Numbers(rows.begin() + static_cast<std::ptrdiff_t>(at),
                                        rows.begin() + static_cast<std::ptrdiff_t>(at + d)));
            CHECK(distinct.size() == 4);
        }
}

TEST(constraints_are_kept_also_where_hardly_any_row_is_allowed) {
    for (const Make make : {Make{gp}, Make{tpe}}) {
        TrialTable table(d, 1);
        const auto sampler = make();
        std::size_t n_near = 0;
        while (table.n() < 16) {
            Ask ask = ask_for(table);
            ask.feasible = [](Rows rows, std::span<bool> allowed) {
                for (std::size_t i = 0; i < rows.n; ++i) allowed[i] = std::fabs(rows(i, 0) - rows(i, 1)) < 1e-9;
            };
            ask.around = [&](Rows near, std::uint64_t number, std::uint64_t attempt) {
                ++n_near;
                Philox stream(key, number, 1000 + attempt);
                Numbers rows;
                for (std::size_t i = 0; i < 20 + near.n; ++i) {
                    const double x = i < near.n ? 0.9 * near(i, 0) : stream.uniform();
                    rows.insert(rows.end(), {x, x, 1.0 / 6.0});
                }
                return rows;
            };
            Numbers row = suggest(*sampler, table, ask);
            if (table.n() >= 9) CHECK(std::fabs(row[0] - row[1]) < 1e-9);
            if (table.n() < 9) row[1] = row[0];  // a start that is allowed
            run(table, {}, row);
        }
        CHECK(n_near >= 7);
    }
}

TEST(without_time_there_is_a_cheaper_level) {
    const Kind kind{2};
    TrialTable table(d, 2);
    while (table.n() < 20) run(table, kind, suggest(*make_random(d), table, ask_for(table)));
    Ask late = ask_for(table, 3);
    late.deadline = Deadline::in(0.0);
    Level level = Level::full;
    CHECK(suggest(*gp(), table, late, &level).size() == 3 * d && level == Level::draft);
    suggest(*by_auto(), table, late, &level);
    CHECK(level == Level::full);  // number 20 is TPE's, which has the time
    const auto auto_of_gp = make_auto(codec(), categorical, {}, lapack);
    CHECK(suggest(*auto_of_gp, table, late, &level).size() == 3 * d && level == Level::draft);
    CHECK(auto_of_gp->proposed_by(20) == AutoRule::Choice::gp && !auto_of_gp->proposed_by(19));
    GpOptions options;  // of one value no model can be made
    options.n_startup = 1;
    TrialTable one(d, 1);
    run(one, {}, {0.5, 0.5, 0.5});
    late.number = 1;
    CHECK(suggest(*make_gp(codec(), categorical, options, lapack), one, late, &level) ==
          suggest(*make_sobol(d), one, ask_for(one, 3)));
    CHECK(level == Level::sobol);
    late.number = table.n();
    // TPE's order of the trials may be an earlier one, and leaves no trace.
    const auto hurried = tpe();
    suggest(*hurried, table, late, &level);
    CHECK(level == Level::full);  // the first order is made in any case
    run(table, kind, {0.3, 0.6, 0.5});
    late.number = table.n();
    suggest(*hurried, table, late, &level);
    CHECK(level == Level::earlier_ranking);
    CHECK(suggest(*hurried, table, ask_for(table), &level) == suggest(*tpe(), table, ask_for(table)));
    CHECK(level == Level::full);
}

TEST(some_have_rows_at_once) {
    TrialTable table(d, 1), two(d, 2);
    const auto at_once = [](const std::unique_ptr<Sampler>& sampler, const TrialTable& of) {
        return sampler->at_once(of.view(), {}, ask_for(of, 2));
    };
    CHECK(at_once(gp(), table)->level == Level::full);  // a point of the start
    while (table.n() < 12) run(table, {}, suggest(*make_random(d), table, ask_for(table)));
    for (const Make make : {Make{gp}, Make{by_auto}}) {
        const auto proposal = at_once(make(), table);
        CHECK(proposal && proposal->level == Level::draft && proposal->rows.size() == 2 * d);
    }
    CHECK(at_once(tpe(), table)->level == Level::full);
    CHECK(!at_once(tpe(), two) && !at_once(make_random(d), table));
}

TEST(costs_known_in_advance_draw_the_start) {
    // Cost grows steeply with the first column: the start is cheap.
    Numbers points, costs;
    for (std::size_t i = 0; i < 32; ++i) {
        Numbers point(d);
        sobol_point({1, 1}, i, point);
        costs.push_back(std::exp(8.0 * point[0]));
        points.insert(points.end(), point.begin(), point.end());
    }
    points = snapped(points);
    for (const Make make : {Make{gp}, Make{tpe}}) {
        double mean[2] = {0.0, 0.0};
        for (const bool known : {false, true}) {
            TrialTable table(d, 1);
            const auto sampler = make();
            if (known) sampler->know_costs({points.data(), 32, d}, costs);
            for (std::size_t n = 0; n < 6; ++n) {
                Ask ask = ask_for(table);
                ask.per_cost = known;
                const Numbers row = suggest(*sampler, table, ask);
                mean[known ? 1 : 0] += row[0] / 6.0;
                run(table, {}, row);
            }
        }
        CHECK(mean[1] < mean[0] - 0.1);
    }
}

TEST(points_of_a_grid_may_be_repeated) {
    const auto grid = spaces::codec({spaces::integer(1, 4)});
    for (const std::size_t repeats : {1, 2}) {
        const auto sampler = make_gp(grid, {false}, {}, lapack);
        sampler->allow_repeats(repeats);
        TrialTable table(1, 1);
        std::multiset<double> seen;
        std::vector<space::Value> scratch(1);
        while (table.n() < 4 * repeats) {
            Ask ask;
            ask.key = key;
            ask.number = table.n();
            Numbers row(1);
            for (bool refused = true; refused; ++ask.attempt) {  // as a caller does, in the start
                row = sampler->suggest(table.view(), {}, ask).rows;
                grid->snap(row, scratch);
                refused = seen.count(row[0]) >= repeats;
            }
            seen.insert(row[0]);
            records::Result result;
            const Numbers value{row[0]};
            result.values = value;
            table.add(row, result);
        }
        for (const double u : seen) CHECK(seen.count(u) == repeats);
    }
}

TEST(the_rule_of_auto) {
    using Choice = AutoRule::Choice;
    const TrialTable one(d, 1), two(d, 2);
    const AutoRule rule({}, true, true), alone({}, false, false), slow({{}, 0.01}, true, true);
    CHECK(rule.choose(0, one.view(), false) == Choice::gp);
    CHECK(rule.choose(103, one.view(), false) == Choice::tpe && rule.choose(102, one.view(), false) == Choice::gp);
    CHECK(rule.choose(256 + 7, one.view(), false) == Choice::gp);
    CHECK(rule.choose(256 + 8, one.view(), false) == Choice::tpe);
    CHECK(rule.choose(256 + 32, one.view(), false) == Choice::cmaes);
    CHECK(rule.choose(256 + 32, one.view(), true) == Choice::tpe);
    CHECK(rule.choose(256 + 32, two.view(), false) == Choice::tpe);
    CHECK(alone.choose(256 + 32, one.view(), false) == Choice::tpe);
    CHECK(rule.choose(64000, one.view(), false) == Choice::tpe);  // no time for the Gaussian process
    CHECK(slow.choose(99, one.view(), false) == Choice::gp && slow.choose(102, one.view(), false) != Choice::gp);
    CHECK(AutoRule({5}, true, true).choose(4, one.view(), false) == Choice::gp);
    CHECK(AutoRule({5}, true, true).choose(9, one.view(), false) == Choice::tpe);
    TrialTable given(d, 1), sloped(d, 1), noisy(d, 1);
    const Numbers row{0.5, 0.5, 0.5}, value{1.0}, slope{1.0, 1.0, std::nan("")}, error{0.1};
    records::Result result;
    result.values = value;
    for (int i = 0; i < 100; ++i) given.add(row, result, true);
    CHECK(rule.choose(256 + 32, given.view(), false) == Choice::gp);  // the search's own are counted
    result.gradient = slope;
    sloped.add(row, result);
    CHECK(rule.choose(1, sloped.view(), false) == Choice::gradient);
    CHECK(alone.choose(1, sloped.view(), false) == Choice::gp);
    result.gradient = {};
    result.std_error = error;
    noisy.add(row, result);
    CHECK(rule.choose(256 + 32, noisy.view(), false) == Choice::tpe);
}

// Proposes the centre, and counts how often.
class Centre final : public Sampler {
  public:
    explicit Centre(std::size_t& count) : count_(count) {}
    Proposal suggest(const records::Trials&, Rows, const Ask& ask) override {
        count_ += ask.count;
        return {Numbers(ask.count * d, 0.5), Level::full};
    }

  private:
    std::size_t& count_;
};

TEST(auto_takes_samplers_of_another_make) {
    std::size_t n_cmaes = 0, n_gradient = 0;
    const auto sampler = make_auto(codec(), categorical, {1}, lapack, std::make_unique<Centre>(n_cmaes),
                                   std::make_unique<Centre>(n_gradient));
    TrialTable table(d, 1);
    while (table.n() < 30) run(table, {}, suggest(*make_random(d), table, ask_for(table)));
    const Numbers rows = suggest(*sampler, table, ask_for(table, 4));
    CHECK(rows.size() == 4 * d && n_cmaes == 2 && n_gradient == 0);  // two of TPE, then two of CMA-ES
    CHECK(sampler->proposed_by(31) == AutoRule::Choice::tpe && sampler->proposed_by(32) == AutoRule::Choice::cmaes);
    CHECK((Numbers(rows.begin() + 6, rows.end()) == Numbers(6, 0.5)));
    run(table, {1, 0, false, false, true}, {0.1, 0.2, 0.5});
    suggest(*sampler, table, ask_for(table));
    CHECK(n_gradient == 1);
}

TEST(wrong_options_are_refused) {
    CHECK_THROWS(make_tpe(codec(), {false}), std::invalid_argument);
    CHECK_THROWS(make_gp(codec(), {false}, {}, lapack), std::invalid_argument);
    CHECK_THROWS(make_auto(codec(), {false}, {}, lapack), std::invalid_argument);
    GpOptions options;
    options.n_startup = 0;
    CHECK_THROWS(make_gp(codec(), categorical, options, lapack), std::invalid_argument);
    const auto two_groups = spaces::codec({spaces::choice(2), spaces::when(0, {1}, space::Column{})});
    TpeOptions with_prior;
    with_prior.prior = {[](const double*, std::size_t, double* out) {
                            *out = 0.0;
                            return kernel_ok;
                        },
                        "flat"};
    CHECK_THROWS(make_tpe(two_groups, {true, false}, with_prior), std::invalid_argument);
    CHECK(make_tpe(codec(), categorical, with_prior) != nullptr);
    TpeOptions candidates;
    candidates.set_candidates(100);
    CHECK(candidates.engine.n_uniform == 14 && candidates.engine.n_mutants == 28 && candidates.engine.n_draws == 58);
}

TEST(options_of_the_gaussian_process_change_its_proposals) {
    TrialTable table(d, 1);
    while (table.n() < 12) run(table, {}, suggest(*make_random(d), table, ask_for(table)));
    std::set<Numbers> seen;
    const auto note = [&](const GpOptions& options) {
        seen.insert(suggest(*make_gp(codec(), categorical, options, lapack), table, ask_for(table)));
    };
    note({});  // trial 12, half-log
    for (const auto acquisition : {GpOptions::Acquisition::noisy_log_ei, GpOptions::Acquisition::ucb,
                                   GpOptions::Acquisition::pi, GpOptions::Acquisition::thompson}) {
        GpOptions options;
        options.acquisition = acquisition;
        note(options);
    }
    for (const auto transform : {GpOptions::Transform::standard, GpOptions::Transform::log}) {
        GpOptions options;
        options.transform = transform;
        note(options);
    }
    GpOptions options;
    options.warp = true;
    note(options);
    options = {};
    options.n_draws = 3;
    note(options);
    options = {};
    options.n_startup = 13;
    note(options);
    CHECK(seen.size() == 10);
}

}  // namespace
