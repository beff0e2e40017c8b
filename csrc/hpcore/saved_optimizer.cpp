#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "hpcore/optimizer.hpp"
#include "hpcore/optimizer_parts.hpp"
#include "hpcore/saved_bytes.hpp"

namespace hpcore {
namespace {

using saved::Hash;
using saved::Reader;
using saved::Writer;

constexpr std::array<std::uint8_t, 8> magic{'h', 'p', 'c', 'o', 'r', 'e', '\r', '\n'};
// Format 1 has no withdrawn trials, and says how many trials were given, but not which.
constexpr std::uint64_t format = 2;
// Set in the word of a trial's state if the trial was given.
constexpr std::uint64_t given_mark = 256;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void require(bool condition, const char* what) {
    if (!condition) throw Damaged(std::string("the saved search has ") + what);
}

bool all_nan(Column x) {
    return std::all_of(x.begin(), x.end(), [](double v) { return std::isnan(v); });
}
bool all_finite(Column x) {
    return std::all_of(x.begin(), x.end(), [](double v) { return std::isfinite(v); });
}

}  // namespace

// Of the space, the objectives and the limits.
std::uint64_t Optimizer::fingerprint() const {
    Hash hash;
    for (const double sign : signs_) hash.add(sign);
    hash.add(std::uint64_t{n_limits_});
    for (std::size_t j = 0; j < d(); ++j) {
        for (const char c : space_.names()[j]) hash.add(std::uint64_t{static_cast<unsigned char>(c)});
        const space::Column& column = space_.codec()->column(j);
        hash.add(static_cast<std::uint64_t>(column.kind));
        hash.add(static_cast<std::uint64_t>(column.scale));
        for (const double x : {column.low, column.high, column.mean, column.std, column.step, column.ticks})
            hash.add(x);
        for (const std::uint64_t x :
             {std::uint64_t{column.gridded}, std::uint64_t{space_.categorical()[j]}, column.last,
              static_cast<std::uint64_t>(column.whole_low), column.whole_step,
              static_cast<std::uint64_t>(column.tick_low), static_cast<std::uint64_t>(column.tick_step)})
            hash.add(x);
        for (const double x : column.cumulative) hash.add(x);
        for (const auto& condition : column.conditions) {
            for (const std::uint64_t x : {std::uint64_t{condition.parent}, std::uint64_t{condition.by_level},
                                          condition.level_low, condition.level_high})
                hash.add(x);
            for (const std::uint64_t level : condition.levels) hash.add(level);
            hash.add(condition.real_low);
            hash.add(condition.real_high);
            if (condition.alternative) hash.add(std::uint64_t{1});
        }
    }
    return hash.value();
}

std::vector<std::uint8_t> Optimizer::save() const {
    const Turn turn(mutex_);
    const records::Trials trials = trials_.view();
    const std::size_t words = 1 + d() + 2 * m() + 1 + n_limits_;
    Writer out(8 * (16 + words * trials.n() + d() * queue_.size() + (2 + m()) * reports_.size()));
    std::uint64_t mark = 0;
    for (std::size_t i = 0; i < 8; ++i) mark |= std::uint64_t{magic[i]} << (8 * i);
    for (const std::uint64_t word :
         {mark, format, fingerprint(), seed_.low, seed_.high, std::uint64_t{d()}, std::uint64_t{m()},
          std::uint64_t{n_limits_}, std::uint64_t{trials.n_given}, std::uint64_t{trials.n()}})
        out.write(word);
    for (std::size_t i = 0; i < trials.n(); ++i) {
        out.write(std::uint64_t{trials.state[i]} + (trials_.is_given(i) ? given_mark : 0));
        out.write(trials.rows, i, d());
        out.write(trials.values, i, m());
        out.write(trials.std_errors, i, m());
        out.write(trials.cost.empty() ? nan : trials.cost[i]);
        out.write(trials.violations, i, n_limits_);
    }
    out.write(std::uint64_t{queue_.size()});
    for (const auto& row : queue_) out.write(Column(row));
    out.write(std::uint64_t{reports_.size()});
    std::vector<std::uint64_t> reported;
    for (const auto& [number, report] : reports_) reported.push_back(number);
    std::sort(reported.begin(), reported.end());
    for (const std::uint64_t number : reported) {
        const Report& report = reports_.at(number);
        out.write(number);
        out.write(report.step);
        out.write(Column(report.values));
    }
    return out.finish();
}

void Optimizer::load(std::span<const std::uint8_t> bytes) {
    require(bytes.size() >= 16 && std::equal(magic.begin(), magic.end(), bytes.begin()), "another beginning");
    Reader in(bytes.first(bytes.size() / 8 * 8));
    in.word();
    const std::uint64_t version = in.word();
    if (version > format)
        throw LaterVersion("the saved search has format " + std::to_string(version) + ", this library reads format " +
                           std::to_string(format));
    require(bytes.size() % 8 == 0 && bytes.size() >= 24, "a wrong length");
    Hash hash;
    hash.add(bytes.first(bytes.size() - 8));
    require(Reader(bytes.last(8)).word() == hash.value(), "a wrong checksum: bytes of it have changed");

    const Turn turn(mutex_);
    if (trials_.n() > 0 || !queue_.empty())
        throw std::invalid_argument("load needs an optimizer without trials, this one has " +
                                    std::to_string(trials_.n()));
    require(in.word() == fingerprint(), "another space, other objectives or other limits");
    Philox::Key key;
    key.low = in.word();
    key.high = in.word();
    require(in.word() == d() && in.word() == m() && in.word() == n_limits_, "another shape");
    const std::uint64_t n_given = in.word();
    const std::size_t n = in.count(1 + d() + 2 * m() + 1 + n_limits_);
    require(n_given <= n, "more given trials than trials");

    records::TrialTable trials(d(), m(), n_limits_);
    space::Remaining remaining(space_, key, repeats_);
    Best best;
    bool has_cost = false;
    std::size_t n_results = 0;
    std::vector<double> row(d()), canonical(d()), values(m()), errors(m()), violations(n_limits_);
    const auto check_row = [&] {
        require(std::all_of(row.begin(), row.end(), [](double u) { return std::isnan(u) || (u >= 0.0 && u <= 1.0); }),
                "a row outside of the cube");
    };
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t word = in.word();
        const std::uint64_t state = version == 1 ? word : word % given_mark;
        // Of a format 1 with trials that run, any may have been given.
        const bool given = version == 1 ? i < n_given : word >= given_mark;
        require(word < 2 * given_mark && (state <= records::failed || (version > 1 && state == records::withdrawn)),
                "an unknown state");
        in.read(row);
        in.read(values);
        in.read(errors);
        const double cost = in.number();
        in.read(violations);
        check_row();
        canonical = row;
        try {
            snap(canonical.data());
        } catch (const std::invalid_argument&) {
            throw Damaged("the saved search has a row without a number in an active column");
        }
        for (std::size_t j = 0; j < d(); ++j)
            require(canonical[j] == row[j] || (std::isnan(canonical[j]) && std::isnan(row[j])),
                    "a row that is not canonical");
        const bool complete = state == records::complete;
        require(all_finite(values) || (!complete && all_nan(values)), "a value that is not finite");
        require(complete || state == records::pruned || all_nan(values), "a value of a trial without one");
        for (const double error : errors) require(std::isnan(error) || is_size(error), "a wrong standard error");
        require(std::isnan(cost) || is_size(cost), "a wrong cost");
        for (const double beyond : violations) require(!std::isinf(beyond), "a violation that is infinite");

        const std::size_t number = trials.append(canonical, given);
        if (state == records::running || state == records::withdrawn)
            require(all_nan(errors) && std::isnan(cost) && all_nan(violations), "a result of a trial without one");
        if (state == records::withdrawn) {
            trials.withdraw(number);
            continue;
        }
        remaining.discard(canonical.data());
        if (state == records::running) continue;
        ++n_results;
        has_cost = has_cost || !std::isnan(cost);
        trials.finish(number, {.state = static_cast<records::State>(state),
                               .values = all_nan(values) ? Column() : Column(values),
                               .std_error = all_nan(errors) ? Column() : Column(errors),
                               .cost = cost,
                               .violations = all_nan(violations) ? Column() : Column(violations)});
        if (m() == 1 && complete && keeps_limits(violations)) best.take(number, values[0]);
    }
    require(trials.view().n_given == n_given, "another number of given trials");
    std::deque<std::vector<double>> queue;
    for (std::size_t count = in.count(d()); count > 0; --count) {
        in.read(row);
        check_row();
        queue.push_back(row);
    }
    std::unordered_map<std::uint64_t, Report> reports;
    for (std::size_t count = in.count(2 + m()); count > 0; --count) {
        const std::uint64_t number = in.word();
        Report report{in.number(), std::vector<double>(m())};
        in.read(report.values);
        require(number < n && trials.view().state[static_cast<std::size_t>(number)] == records::running,
                "a report of a trial that is not running");
        require(std::isfinite(report.step) && all_finite(report.values), "a report that is not finite");
        reports[number] = std::move(report);
    }
    require(in.words_left() == 1, "a wrong length");

    std::unique_ptr<Sampler> sampler = make_();
    seed_ = key;
    trials_ = std::move(trials);
    remaining_ = std::move(remaining);
    queue_ = std::move(queue);
    reports_ = std::move(reports);
    best_ = best;
    has_cost_ = has_cost;
    has_withdrawn_ = false;
    n_results_ = n_results;
    predictor_.reset();
    sampler_ = std::move(sampler);
}

}  // namespace hpcore
