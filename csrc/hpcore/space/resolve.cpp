#include "hpcore/space/resolve.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "hpcore/space/text.hpp"

namespace hpcore::space {
namespace {

using Level = std::optional<std::uint64_t>;

constexpr double two63 = 0x1p63;

std::string text_of(const Number& value) {
    return std::visit([](auto x) { return text(x); }, value);
}

double as_double(const Number& value) {
    return std::visit([](auto x) { return static_cast<double>(x); }, value);
}

// The next whole number at or after (below: at or before) a number; the nearest of 64 bits if there is none.
std::int64_t whole(const Number& value, bool below) {
    if (const auto* w = std::get_if<std::int64_t>(&value)) return *w;
    const double x = below ? std::floor(std::get<double>(value)) : std::ceil(std::get<double>(value));
    if (x >= two63) return std::numeric_limits<std::int64_t>::max();
    if (x < -two63) return std::numeric_limits<std::int64_t>::min();
    return static_cast<std::int64_t>(x);
}

// The first level whose value is not below a bound (above = true), or the last one whose value is not above it; none
// if every value is.
Level level_at(const Parameter& parent, const Number& bound, bool above) {
    const Column& c = parent.column();
    if (c.kind == Kind::real) {
        // By bisection, as values of a grid are rounded: `first` is the first level past the border.
        const double x = as_double(bound);
        std::uint64_t first = 0, beyond = c.last + 1;
        while (first < beyond) {
            const std::uint64_t middle = first + (beyond - first) / 2;
            if (above ? real_at(c, middle) >= x : real_at(c, middle) > x)
                beyond = middle;
            else
                first = middle + 1;
        }
        if (above) return first <= c.last ? Level(first) : std::nullopt;
        return first > 0 ? Level(first - 1) : std::nullopt;
    }
    const std::int64_t low = c.kind == Kind::integer ? c.whole_low : 0;
    const std::uint64_t step = c.kind == Kind::integer ? c.whole_step : 1;
    const auto high = static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + c.last * step);
    const auto steps = [low](std::int64_t w) {
        return static_cast<std::uint64_t>(w) - static_cast<std::uint64_t>(low);
    };
    // Beyond 64 bits a bound is beyond every value.
    if (const auto* x = std::get_if<double>(&bound))
        if (above ? *x >= two63 : *x < -two63) return std::nullopt;
    const std::int64_t w = whole(bound, !above);
    if (above) {
        if (w > high) return std::nullopt;
        if (w <= low) return 0;
        return steps(w) / step + (steps(w) % step != 0);
    }
    if (w < low) return std::nullopt;
    return w >= high ? c.last : steps(w) / step;
}

// The level of a value; none if the parent has no such value.
Level level_of(const Parameter& parent, const Number& value) {
    const Column& c = parent.column();
    if (c.kind == Kind::real) {
        const double x = as_double(value);
        if (!(x >= c.low && x <= c.high)) return std::nullopt;
        const std::uint64_t level = level_of_real(c, x);
        const double nearest = real_at(c, level);
        const double ulp =
            std::nextafter(std::fabs(nearest), std::numeric_limits<double>::infinity()) - std::fabs(nearest);
        // A sum such as 0.1 + 0.2 is a few roundings away from the grid's own 0.3, and means it.
        return std::fabs(x - nearest) > 1e-9 * c.step + 4.0 * ulp ? std::nullopt : Level(level);
    }
    const Level from = level_at(parent, value, true), to = level_at(parent, value, false);
    return from && to && *from == *to ? from : std::nullopt;
}

}  // namespace

Column::Condition resolve(const std::string& child, const When& when, const Parameter& parent, std::size_t position) {
    const Column& c = parent.column();
    const auto refuse = [&](const std::string& why) {
        throw std::invalid_argument("the condition of " + quoted(child) + " on " + quoted(when.parent) + " " + why);
    };
    const auto check = [&](const Number& value) {
        if (std::isnan(as_double(value))) refuse("must be a number, got nan");
        if (c.kind == Kind::choice && std::holds_alternative<double>(value))
            refuse("must be the index of a choice, got " + text_of(value));
    };
    Column::Condition out;
    out.parent = position;
    out.alternative = when.alternative;
    out.by_level = c.gridded;
    for (const Number& value : when.values) {
        check(value);
        if (!c.gridded)
            refuse("must give bounds, as a single value of a continuous parameter has no probability, got " +
                   text_of(value));
        const Level level = level_of(parent, value);
        if (!level) refuse("must be something that " + quoted(when.parent) + " can be, got " + text_of(value));
        out.levels.push_back(*level);
    }
    if (!out.levels.empty()) {
        std::sort(out.levels.begin(), out.levels.end());
        out.levels.erase(std::unique(out.levels.begin(), out.levels.end()), out.levels.end());
        return out;
    }
    std::string range;
    for (const auto& [name, bound] : {std::pair{"at_least ", &when.at_least}, std::pair{"at_most ", &when.at_most}}) {
        if (!*bound) continue;
        check(**bound);
        range += (range.empty() ? "" : ", ") + std::string(name) + text_of(**bound);
    }
    if (parent.categorical()) refuse("needs choices with an order, got " + range);
    if (!c.gridded) {
        out.real_low = when.at_least ? std::max(as_double(*when.at_least), c.low) : c.low;
        out.real_high = when.at_most ? std::min(as_double(*when.at_most), c.high) : c.high;
        if (!(out.real_low <= out.real_high)) refuse("can never hold, got " + range);
        return out;
    }
    const Level low = when.at_least ? level_at(parent, *when.at_least, true) : Level(0);
    const Level high = when.at_most ? level_at(parent, *when.at_most, false) : Level(c.last);
    if (!low || !high || *low > *high) refuse("can never hold, got " + range);
    out.level_low = *low;
    out.level_high = *high;
    return out;
}

}  // namespace hpcore::space
