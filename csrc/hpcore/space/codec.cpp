#include "hpcore/space/codec.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>

#include "hpcore/normal.hpp"
#include "hpcore/wide.hpp"

namespace hpcore::space {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

// u times 2^64 as an integer, and that times (last + 1) / 2^64: floor(u * levels) without rounding up.
std::uint64_t scaled(double u, std::uint64_t last) {
    if (u >= 1.0) return last;
    const auto fixed = static_cast<std::uint64_t>(std::ldexp(u, 64));
    if (last == std::numeric_limits<std::uint64_t>::max()) return fixed;
    return multiply_wide(fixed, last + 1).high;
}

// The smallest u in [0, 1] for which `reached(u)` holds, for a predicate that is false, then true. Non-negative
// doubles are ordered as their bit patterns are, so 62 halvings visit every representable u.
template <class Predicate>
double first_where(Predicate reached) {
    std::uint64_t low = 0;
    std::uint64_t high = std::bit_cast<std::uint64_t>(1.0);
    while (low < high) {
        const std::uint64_t mid = low + (high - low) / 2;
        if (reached(std::bit_cast<double>(mid)))
            high = mid;
        else
            low = mid + 1;
    }
    return std::bit_cast<double>(low);
}

double before(double u) {
    return std::nextafter(u, 0.0);
}

std::int64_t integer_at(const Column& c, std::uint64_t level) {
    // Unsigned arithmetic wraps, so ranges wider than 2^63 come out right.
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(c.whole_low) + level * c.whole_step);
}

}  // namespace

Codec::Codec(std::vector<Column> columns, std::vector<std::size_t> order)
    : columns_(std::move(columns)), derived_(columns_.size()), order_(std::move(order)) {
    const std::size_t d = columns_.size();
    std::vector<bool> placed(d, false);
    if (order_.size() != d) throw std::invalid_argument("order must list every column once");
    for (const std::size_t j : order_) {
        if (j >= d || placed[j]) throw std::invalid_argument("order must list every column once");
        for (const auto& condition : columns_[j].conditions) {
            if (condition.parent >= d || !placed[condition.parent])
                throw std::invalid_argument("a parent must come before its child");
        }
        placed[j] = true;
    }
    for (std::size_t j = 0; j < d; ++j) {
        const Column& c = columns_[j];
        Derived& k = derived_[j];
        if (c.kind == Kind::choice) continue;
        double low = c.low, high = c.high;
        if (c.gridded) {  // a level's cell reaches half a step to either side
            const double step = c.kind == Kind::integer ? static_cast<double>(c.whole_step) : c.step;
            const double first = level_as_double(j, 0);
            const double final = level_as_double(j, c.last);
            // On a log scale the lowest cell must stay above zero; half the lowest value is the edge for 1, 2, 3.
            low = c.scale == Scale::log || c.scale == Scale::log_normal ? std::max(first - 0.5 * step, 0.5 * first)
                                                                        : first - 0.5 * step;
            high = final + 0.5 * step;
        }
        k.edge_low = low;
        k.edge_high = high;
        switch (c.scale) {
            case Scale::linear:
                k.a = low;
                k.b = high;
                break;
            case Scale::log:
                k.a = std::log(low);
                k.b = std::log(high);
                break;
            case Scale::normal:
            case Scale::log_normal: {
                const bool logged = c.scale == Scale::log_normal;
                const double z_low = ((logged ? std::log(low) : low) - c.mean) / c.std;
                const double z_high = ((logged ? std::log(high) : high) - c.mean) / c.std;
                k.reflect = z_low > 0.0;
                k.a = normal_cdf(k.reflect ? -z_high : z_low);
                k.b = normal_cdf(k.reflect ? -z_low : z_high);
                break;
            }
        }
    }
}

double Codec::level_as_double(std::size_t j, std::uint64_t level) const {
    const Column& c = columns_[j];
    return c.kind == Kind::integer ? static_cast<double>(integer_at(c, level)) : real_at(j, level);
}

double real_at(const Column& c, std::uint64_t level) {
    double x = 0.0;
    if (c.ticks > 0.0) {
        x = static_cast<double>(c.tick_low + static_cast<std::int64_t>(level) * c.tick_step) / c.ticks;
    } else {
        x = c.low + static_cast<double>(level) * c.step;
        if (!std::isfinite(x)) x = 2.0 * (0.5 * c.low + static_cast<double>(level) * (0.5 * c.step));
    }
    return std::clamp(x, c.low, c.high);
}

double Codec::quantile(std::size_t j, double u) const {
    const Column& c = columns_[j];
    const Derived& k = derived_[j];
    switch (c.scale) {
        case Scale::linear: {
            const double width = k.b - k.a;
            if (width < inf) return k.a + u * width;
            return k.a * (1.0 - u) + k.b * u;  // a range wider than the largest double
        }
        case Scale::log:
            return std::exp(k.a + u * (k.b - k.a));
        case Scale::normal:
        case Scale::log_normal: {
            const double share = k.reflect ? 1.0 - u : u;
            // The quantile at 0 and 1 is infinite: an open end stops where doubles next to 1 do, at 8.2 std, and one
            // in the far tail where as little of what there is lies beyond.
            const double p =
                std::clamp(k.a + share * (k.b - k.a), std::max(k.a, 0x1p-54 * k.b), std::min(k.b, 1.0 - 0x1p-53));
            // On a grid much coarser than the rounding errors of both functions, so that the value is an increasing
            // function of u, and its way back exact: 2^40 values a standard deviation.
            const double z = std::nearbyint((k.reflect ? -normal_quantile(p) : normal_quantile(p)) * 0x1p40) * 0x1p-40;
            const double x = c.mean + c.std * z;
            return c.scale == Scale::log_normal ? std::exp(x) : x;
        }
    }
    return u;
}

double Codec::distribution(std::size_t j, double x) const {
    const Column& c = columns_[j];
    const Derived& k = derived_[j];
    double u = 0.0;
    switch (c.scale) {
        case Scale::linear: {
            const double width = k.b - k.a;
            u = width < inf ? (x - k.a) / width : (0.5 * x - 0.5 * k.a) / (0.5 * k.b - 0.5 * k.a);
            break;
        }
        case Scale::log:
            u = (std::log(x) - k.a) / (k.b - k.a);
            break;
        case Scale::normal:
        case Scale::log_normal: {
            const double z = ((c.scale == Scale::log_normal ? std::log(x) : x) - c.mean) / c.std;
            u = (normal_cdf(k.reflect ? -z : z) - k.a) / (k.b - k.a);
            if (k.reflect) u = 1.0 - u;
            break;
        }
    }
    if (!(u > 0.0)) return 0.0;  // a range of one value is 0 / 0
    return std::min(u, 1.0);
}

double Codec::slope(std::size_t j, double x) const {
    const Column& c = columns_[j];
    const Derived& k = derived_[j];
    if (c.kind != Kind::real || c.gridded) return std::numeric_limits<double>::quiet_NaN();
    if (!(c.low < c.high)) return 0.0;
    const double width = k.b - k.a;
    switch (c.scale) {
        case Scale::linear:
            return width;
        case Scale::log:
            return x * width;
        case Scale::normal:
        case Scale::log_normal: {
            // u is the distribution function, cut to the bounds: du/dz = density / width.
            const bool logged = c.scale == Scale::log_normal;
            const double z = ((logged ? std::log(x) : x) - c.mean) / c.std;
            const double density = std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
            return (logged ? x : 1.0) * c.std * width / density;
        }
    }
    return width;
}

std::uint64_t level_of_real(const Column& c, double x) {
    double position = 0.0;
    if (c.kind == Kind::integer) {
        position = (x - static_cast<double>(c.whole_low)) / static_cast<double>(c.whole_step);
    } else if (c.step > 0.0) {
        position = (x - c.low) / c.step;
        if (!std::isfinite(position)) position = 2.0 * ((0.5 * x - 0.5 * c.low) / c.step);
    }
    if (!(position > 0.0)) return 0;
    // Compared as doubles first: converting a larger double to an integer is undefined.
    if (position >= static_cast<double>(c.last)) return c.last;
    return std::min(static_cast<std::uint64_t>(position + 0.5), c.last);
}

std::uint64_t Codec::level_at(std::size_t j, double u) const {
    const Column& c = columns_[j];
    if (u <= 0.0) return 0;  // the ends are reached whatever is rounded on the way
    if (u >= 1.0) return c.last;
    if (!c.cumulative.empty()) {
        const auto edge = std::upper_bound(c.cumulative.begin(), c.cumulative.end(), u);
        return std::min(static_cast<std::uint64_t>(edge - c.cumulative.begin()), c.last);
    }
    if (c.kind == Kind::choice || c.scale == Scale::linear) return scaled(u, c.last);
    return level_of_real(j, quantile(j, u));
}

double Codec::real_value(std::size_t j, double u) const {
    const Column& c = columns_[j];
    if (c.gridded) return real_at(j, level_at(j, u));
    if (u >= 1.0 && c.high < inf) return c.high;
    if (u <= 0.0 && c.low > (c.scale == Scale::log_normal ? 0.0 : -inf)) return c.low;
    return std::clamp(quantile(j, u), c.low, c.high);
}

double Codec::encode_level(std::size_t j, std::uint64_t level) const {
    const Column& c = columns_[j];
    double u = 0.0;
    if (!c.cumulative.empty()) {
        const double left = level == 0 ? 0.0 : c.cumulative[level - 1];
        u = 0.5 * (left + c.cumulative[level]);
    } else if (c.kind == Kind::choice || c.scale == Scale::linear) {
        u = (static_cast<double>(level) + 0.5) / (static_cast<double>(c.last) + 1.0);
    } else {
        u = distribution(j, level_as_double(j, level));
    }
    u = std::clamp(u, 0.0, 1.0);
    if (level_at(j, u) == level) return u;
    // The middle was rounded into another cell: more levels than the cube has doubles there, or a cell in a far tail.
    const double first = first_where([&](double v) { return level_at(j, v) >= level; });
    return level_at(j, first) == level || first == 0.0 ? first : before(first);
}

double Codec::cell_end(std::size_t j, std::uint64_t level) const {
    const Column& c = columns_[j];
    if (level >= c.last) return 1.0;
    if (c.kind == Kind::choice && !c.cumulative.empty()) return c.cumulative[level];
    if (c.kind == Kind::choice || c.scale == Scale::linear)
        return (static_cast<double>(level) + 1.0) / (static_cast<double>(c.last) + 1.0);
    return distribution(j, 0.5 * level_as_double(j, level) + 0.5 * level_as_double(j, level + 1));
}

double Codec::encode_real(std::size_t j, double x) const {
    const Column& c = columns_[j];
    if (c.gridded) return encode_level(j, level_of_real(j, x));
    if (x <= c.low) return 0.0;
    if (x >= c.high) return 1.0;
    const double guess = distribution(j, x);
    if (real_value(j, guess) == x) return guess;
    const double first = first_where([&](double v) { return real_value(j, v) >= x; });
    const double upper = real_value(j, first);
    if (upper == x || first == 0.0) return first;
    const double lower = real_value(j, before(first));
    return upper - x < x - lower ? first : before(first);
}

double Codec::encode_whole(std::size_t j, std::int64_t w) const {
    const Column& c = columns_[j];
    if (c.kind == Kind::choice) return encode_level(j, static_cast<std::uint64_t>(w));
    return encode_level(j, (static_cast<std::uint64_t>(w) - static_cast<std::uint64_t>(c.whole_low)) / c.whole_step);
}

bool Codec::holds(const Column::Condition& condition, std::span<const Value> values) const {
    const Value& parent = values[condition.parent];
    if (!parent.active) return false;
    const Column& c = columns_[condition.parent];
    if (!condition.by_level) return parent.real >= condition.real_low && parent.real <= condition.real_high;
    std::uint64_t level = 0;
    if (c.kind == Kind::choice) {
        level = static_cast<std::uint64_t>(parent.whole);
    } else if (c.kind == Kind::integer) {
        level = (static_cast<std::uint64_t>(parent.whole) - static_cast<std::uint64_t>(c.whole_low)) / c.whole_step;
    } else {
        level = level_of_real(condition.parent, parent.real);
    }
    if (!condition.levels.empty())
        return std::find(condition.levels.begin(), condition.levels.end(), level) != condition.levels.end();
    return level >= condition.level_low && level <= condition.level_high;
}

void Codec::decode(hpcore::Column u, std::span<Value> out) const {
    for (const std::size_t j : order_) {
        const Column& c = columns_[j];
        Value& value = out[j];
        value = Value{};
        value.active =
            any_alternative(c.conditions, [&](const Column::Condition& condition) { return holds(condition, out); });
        if (!value.active) continue;
        if (std::isnan(u[j]))
            throw std::invalid_argument("column " + std::to_string(j) + " is active but its coordinate is NaN");
        const double v = std::clamp(u[j], 0.0, 1.0);
        if (c.kind == Kind::real)
            value.real = real_value(j, v);
        else if (c.kind == Kind::integer)
            value.whole = integer_at(c, level_at(j, v));
        else
            value.whole = static_cast<std::int64_t>(level_at(j, v));
    }
}

void Codec::snap(MutableColumn u, std::span<Value> scratch) const {
    decode(u, scratch);
    for (std::size_t j = 0; j < columns_.size(); ++j) {
        if (!scratch[j].active)
            u[j] = std::numeric_limits<double>::quiet_NaN();
        else if (columns_[j].kind == Kind::real)
            u[j] = encode_real(j, scratch[j].real);
        else
            u[j] = encode_whole(j, scratch[j].whole);
    }
}

}  // namespace hpcore::space
