#include "hpcore/space/parameter.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "hpcore/space/grid.hpp"
#include "hpcore/space/text.hpp"

namespace hpcore::space {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

// Grids of a Normal up to this size know the share of the cube of each value; larger ones compute it.
constexpr std::uint64_t max_shares = 10'000;
// The least share that a value gets where shares are listed: any less, and the doubles of the cube might step over it.
constexpr double min_share = 0x1p-40;
// What 53 bits of probability can reach, in standard deviations: a Normal's grid without bounds covers this.
constexpr double reach = 8.3;

[[noreturn]] void refuse(std::string_view what, const std::string& name, const std::string& expected,
                         const std::string& got) {
    throw std::invalid_argument(argument(what, name) + " must " + expected + ", got " + got);
}

void check_finite(std::string_view what, const std::string& name, double x) {
    if (!std::isfinite(x)) refuse(what, name, "be finite", text(x));
}

template <class T>
void check_bounds(const std::string& name, T low, T high) {
    if (low > high) refuse("low", name, "be <= high", "low=" + text(low) + ", high=" + text(high));
}

void check_step(const std::string& name, double step) {
    check_finite("step", name, step);
    if (!(step > 0.0)) refuse("step", name, "be > 0", text(step));
}

void put_on_grid(Column& column, const std::string& name, double high, double step) {
    if (!make_grid(column, high, step))
        refuse("step", name, "leave at most 2**63 values in the range", "step=" + text(step));
}

// The scale on which a parameter is uniform. Over a ten-thousandth of its value a logarithm is straight, and rounded
// it could not tell 2^62 from 2^62 + 1.
Scale log_or_linear(bool log, double low, double high) {
    return log && high > 1.0001 * low ? Scale::log : Scale::linear;
}

// The sum rounded once, as if of exact numbers. Shewchuk 1997, Adaptive precision floating-point arithmetic: partial
// sums that do not overlap, in increasing size.
double exact_sum(const std::vector<double>& terms) {
    std::vector<double> partials;
    for (double x : terms) {
        std::size_t kept = 0;
        for (double y : partials) {
            if (std::fabs(x) < std::fabs(y)) std::swap(x, y);
            const double high = x + y, low = y - (high - x);
            if (low != 0.0) partials[kept++] = low;
            x = high;
        }
        partials.resize(kept);
        partials.push_back(x);
    }
    double sum = 0.0, rest = 0.0;
    std::size_t n = partials.size();
    while (n > 0 && rest == 0.0) {
        const double x = sum, y = partials[--n];
        sum = x + y;
        rest = y - (sum - x);
    }
    // Halfway between two doubles, what is left decides.
    if (n > 0 && ((rest < 0.0 && partials[n - 1] < 0.0) || (rest > 0.0 && partials[n - 1] > 0.0))) {
        const double twice = 2.0 * rest, next = sum + twice;
        if (twice == next - sum) sum = next;
    }
    return sum;
}

// Upper edge of each value's share of [0, 1].
std::vector<double> edges_of(const std::vector<double>& weights) {
    const double total = exact_sum(weights);
    std::vector<double> shares(weights.size());
    std::transform(weights.begin(), weights.end(), shares.begin(),
                   [total](double weight) { return std::max(weight / total, min_share); });
    const double sum = exact_sum(shares);
    std::vector<double> edges(shares.size());
    std::partial_sum(shares.begin(), shares.end(), edges.begin());
    for (double& edge : edges) edge /= sum;
    edges.back() = 1.0;
    return edges;
}

// Probability of each value of a Normal's grid: of what lies nearer to it than to another.
std::vector<double> cell_shares(const Column& column, bool log) {
    const double half = 0.5 * column.step;
    const auto z = [&](double edge) {
        return ((log ? std::log(edge) : edge) - column.mean) / (column.std * std::sqrt(2.0));
    };
    const double lowest = real_at(column, 0);
    // On a log scale the lowest cell must stay above zero.
    double a = z(log ? std::max(lowest - half, 0.5 * lowest) : lowest - half);
    std::vector<double> shares;
    shares.reserve(column.last + 1);
    for (std::uint64_t level = 0; level <= column.last; ++level) {
        const double b = z(real_at(column, level) + half);
        // Differences of the tail that is smaller, so that none is rounded away.
        shares.push_back(a > 0.0 ? std::erfc(a) - std::erfc(b) : std::erfc(-b) - std::erfc(-a));
        a = b;
    }
    return shares;
}

}  // namespace

Parameter::Parameter(std::string name, Column column, bool ordered)
    : name_(std::move(name)), column_(std::move(column)), ordered_(ordered) {}

Parameter Parameter::named(std::string name) const {
    Parameter out = *this;
    out.name_ = std::move(name);
    return out;
}

Parameter real(std::string name, double low, double high, const RealOptions& options) {
    check_finite("low", name, low);
    check_finite("high", name, high);
    check_bounds(name, low, high);
    if (options.log && low <= 0.0) refuse("low", name, "be > 0 on a log scale", text(low));
    Column column;
    column.low = low + 0.0;  // 0.0 for -0.0
    column.high = high + 0.0;
    if (options.step) {
        check_step(name, *options.step);
        put_on_grid(column, name, high, *options.step);
    }
    column.scale = log_or_linear(options.log, column.low, column.high);
    return Parameter(std::move(name), std::move(column));
}

Parameter integer(std::string name, std::int64_t low, std::int64_t high, const IntegerOptions& options) {
    check_bounds(name, low, high);
    if (options.log && low < 1) refuse("low", name, "be >= 1 on a log scale", text(low));
    if (options.step < 1) refuse("step", name, "be >= 1", text(options.step));
    Column column;
    column.kind = Kind::integer;
    column.gridded = true;
    column.whole_low = low;
    column.whole_step = static_cast<std::uint64_t>(options.step);
    // Unsigned arithmetic wraps, so ranges wider than 2^63 come out right.
    const auto first = static_cast<std::uint64_t>(low);
    column.last = (static_cast<std::uint64_t>(high) - first) / column.whole_step;
    column.low = static_cast<double>(low);
    column.high = static_cast<double>(static_cast<std::int64_t>(first + column.last * column.whole_step));
    column.scale = log_or_linear(options.log, column.low, column.high);
    return Parameter(std::move(name), std::move(column));
}

Parameter choice(std::string name, std::size_t n_choices, const ChoiceOptions& options) {
    if (n_choices < 1) refuse("n_choices", name, "be >= 1", text(n_choices));
    Column column;
    column.kind = Kind::choice;
    column.gridded = true;
    column.last = n_choices - 1;
    if (!options.weights.empty()) {
        if (options.weights.size() != n_choices)
            refuse("weights", name, "have one entry per choice (" + text(n_choices) + ")",
                   text(options.weights.size()));
        double sum = 0.0;
        for (const double weight : options.weights) {
            if (!(weight > 0.0)) refuse("weights", name, "be > 0", text(weight));
            sum += weight;
        }
        if (!(sum < inf)) refuse("weights", name, "have a finite sum", text(sum));
        column.cumulative = edges_of(options.weights);
    }
    return Parameter(std::move(name), std::move(column), options.ordered);
}

Parameter normal(std::string name, double mean, double std, const NormalOptions& options) {
    check_finite("mean", name, mean);
    check_finite("std", name, std);
    if (!(std > 0.0)) refuse("std", name, "be > 0", text(std));
    if (options.low) check_finite("low", name, *options.low);
    if (options.high) check_finite("high", name, *options.high);
    const double nothing = options.log ? 0.0 : -inf;
    const double low = options.low.value_or(nothing), high = options.high.value_or(inf);
    check_bounds(name, low, high);
    if (options.log && options.low && low <= 0.0) refuse("low", name, "be > 0 on a log scale", text(low));

    const auto end = [&](double t) { return !options.log ? t : t <= 709.0 ? std::exp(t) : inf; };
    const double reach_low = end(mean - reach * std), reach_high = end(mean + reach * std);
    const std::string prior = "mean=" + text(mean) + ", std=" + text(std);
    if ((!options.low && reach_low == nothing) || (!options.high && reach_high == inf))
        refuse("mean and std", name,
               "keep values within the range of a double (8.3 std to either side, unless low and high are given)",
               prior);
    if (low > reach_high || high < reach_low)
        refuse("low and high", name, "leave some probability within 8.3 std of the mean",
               "low=" + text(low) + ", high=" + text(high) + " for " + prior);

    Column column;
    column.mean = mean;
    column.std = std;
    column.low = low + 0.0;
    column.high = high + 0.0;
    if (options.step) {
        const double step = *options.step;
        check_step(name, step);
        // Multiples of step, unless a lower bound says where the grid begins. The sum makes -0.0 a 0.0.
        const double first = options.low ? column.low : std::ceil(reach_low / step) * step + 0.0;
        const double last = options.high ? high : reach_high;
        if (!std::isfinite(first) || !std::isfinite(last) || first > last || !(first > nothing))
            refuse(
                "step", name,
                "have a multiple within 8.3 std of the mean and the bounds, " + text(reach_low) + " .. " + text(last),
                text(step));
        column.low = first;
        put_on_grid(column, name, last, step);
    }
    // The smallest double stands for an open end above zero.
    const double above = options.log ? std::max(column.low, std::numeric_limits<double>::denorm_min()) : column.low;
    const double width = options.log ? std::log(column.high) - std::log(above) : column.high - column.low;
    column.scale = options.log ? Scale::log_normal : Scale::normal;
    // The density is even there, and differences of probabilities are mostly rounding.
    if (width < 1e-4 * std) column.scale = options.log ? Scale::log : Scale::linear;
    if (column.gridded && column.last > 0 && column.last < max_shares)
        column.cumulative = edges_of(cell_shares(column, options.log));
    return Parameter(std::move(name), std::move(column));
}

Parameter when(Parameter parameter, When condition) {
    if (condition.values.empty() && !condition.at_least && !condition.at_most)
        throw std::invalid_argument(argument("a condition", parameter.name_) +
                                    " must give values, at_least or at_most, got none");
    if (!condition.values.empty() && (condition.at_least || condition.at_most))
        throw std::invalid_argument(argument("a condition", parameter.name_) +
                                    " must give either values or bounds, got both");
    condition.alternative = std::exchange(parameter.open_alternative_, false);
    parameter.conditions_.push_back(std::move(condition));
    return parameter;
}

Parameter or_when(Parameter parameter) {
    if (parameter.conditions_.empty() || parameter.open_alternative_)
        throw std::invalid_argument(argument("an alternative", parameter.name_) +
                                    " must have at least one condition, got none");
    parameter.open_alternative_ = true;
    return parameter;
}

}  // namespace hpcore::space
