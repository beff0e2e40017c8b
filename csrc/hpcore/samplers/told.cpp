#include "hpcore/samplers/told.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "hpcore/records/limits.hpp"
#include "hpcore/records/tradeoff.hpp"
#include "hpcore/samplers/agreement.hpp"
#include "hpcore/samplers/failures.hpp"

namespace hpcore::samplers {
namespace {

using records::Trials;

void append(std::vector<double>& out, std::span<const double> row) {
    out.insert(out.end(), row.begin(), row.end());
}

std::vector<double> gathered(Rows rows, const std::vector<std::size_t>& numbers) {
    std::vector<double> out;
    out.reserve(numbers.size() * rows.d);
    for (const std::size_t i : numbers) append(out, rows[i]);
    return out;
}

// Of several columns one after the other.
std::vector<double> by_column(Rows rows, const std::vector<std::size_t>& numbers) {
    std::vector<double> out;
    out.reserve(numbers.size() * rows.d);
    for (std::size_t k = 0; k < rows.d; ++k)
        for (const std::size_t i : numbers) out.push_back(rows(i, k));
    return out;
}

// A standard error; 0 where not known.
double known_error(double error) {
    return std::isnan(error) ? 0.0 : std::min(error, std::numeric_limits<double>::max());
}

KnownAt limit_of(const Trials& trials, std::size_t k) {
    KnownAt out;
    for (std::size_t i = 0; i < trials.n(); ++i) {
        if (!std::isfinite(trials.violations(i, k))) continue;
        append(out.rows, trials.rows[i]);
        out.values.push_back(trials.violations(i, k));
    }
    return out;
}

KnownAt success_of(const Trials& trials, const Split& parts) {
    KnownAt out;
    for (std::size_t i = 0; i < trials.n(); ++i) {
        if (!parts.complete[i] && !parts.failed[i]) continue;
        append(out.rows, trials.rows[i]);
        out.values.push_back(parts.failed[i] ? 1.0 : -1.0);
    }
    return out;
}

void scalarise(const Trials& trials, const std::vector<std::size_t>& numbers, Column weights, Told& told) {
    const std::vector<double> values = gathered(trials.values, numbers);
    const Rows all{values.data(), numbers.size(), trials.m()};
    told.values = records::chebyshev(all, weights);
    if (trials.std_errors.empty()) return;
    // Those of the first objective, in the units of the distance.
    const double unit = weights[0] / 2 / records::half_range(all)[0];
    for (const std::size_t i : numbers) told.std_errors.push_back(known_error(unit * trials.std_errors(i, 0)));
}

std::vector<double> gradients_of(const Trials& trials, const std::vector<std::size_t>& numbers, const Told& told) {
    if (trials.gradients.empty() || trials.m() > 1) return {};
    std::vector<double> out = gathered(trials.gradients, numbers);
    if (std::all_of(out.begin(), out.end(), [](double g) { return std::isnan(g); })) return {};
    const std::vector<double> values = gathered(trials.values, numbers);
    const std::size_t n = numbers.size(), d = trials.d();
    if (!agree({told.rows.data(), n, d}, values, {out.data(), n, d})) return {};
    return out;
}

}  // namespace

Told told_of(const Trials& trials, bool per_cost, const KnownAt& known_costs, Column weights) {
    const Split parts = split(trials);
    std::vector<std::size_t> numbers;
    bool any_failed = false;
    for (std::size_t i = 0; i < trials.n(); ++i) {
        if (parts.complete[i]) numbers.push_back(i);
        any_failed = any_failed || parts.failed[i];
    }
    Told told;
    told.n = numbers.size();
    told.rows = gathered(trials.rows, numbers);
    if (weights.size() > 1) {
        scalarise(trials, numbers, weights, told);
    } else {
        told.values = by_column(trials.values, numbers);
        if (!trials.std_errors.empty()) told.std_errors = by_column(trials.std_errors, numbers);
        for (double& error : told.std_errors) error = known_error(error);
    }
    for (std::size_t k = 0; k < trials.n_limits(); ++k) told.limits.push_back(limit_of(trials, k));
    if (trials.n_limits() > 0) {
        const std::vector<double> total = records::total_violation(trials.violations);
        for (const std::size_t i : numbers) told.violations.push_back(total[i]);
    }
    if (any_failed) {
        told.limits.push_back(success_of(trials, parts));
        for (std::size_t i = 0; i < trials.n(); ++i)
            if (parts.failed[i]) append(told.failed, trials.rows[i]);
    }
    if (per_cost) told.cost = cost_of(trials, known_costs);
    told.gradients = gradients_of(trials, numbers, told);
    told.numbers = std::move(numbers);
    return told;
}

std::vector<double> log_costs(const Trials& trials) {
    double least = std::numeric_limits<double>::infinity();
    for (const double cost : trials.cost)
        if (cost > 0.0) least = std::min(least, cost);
    std::vector<double> out;
    if (std::isinf(least)) return out;
    for (const double cost : trials.cost) out.push_back(std::isnan(cost) ? cost : std::log(std::max(cost, least)));
    return out;
}

KnownAt cost_of(const Trials& trials, const KnownAt& known) {
    KnownAt out = known;
    const std::vector<double> told = log_costs(trials);
    for (std::size_t i = 0; i < told.size(); ++i) {
        if (!std::isfinite(told[i])) continue;
        append(out.rows, trials.rows[i]);
        out.values.push_back(told[i]);
    }
    return out;
}

}  // namespace hpcore::samplers
