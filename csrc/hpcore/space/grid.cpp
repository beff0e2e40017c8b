#include "hpcore/space/grid.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "hpcore/space/natural.hpp"

namespace hpcore::space {
namespace {

constexpr std::int64_t exact = std::int64_t{1} << 53;  // doubles hold every whole number below it
constexpr int max_places = 22;                         // and every power of ten up to this one

// The shortest decimal that reads as a double: digits * 10^exponent, where digits do not end in 0.
struct Decimal {
    bool negative = false;
    std::uint64_t digits = 0;
    int exponent = 0;
};

Decimal decimal_of(double x) {
    char buffer[40];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, x, std::chars_format::scientific).ptr;
    const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
    const std::size_t e = text.find('e');
    Decimal out;
    for (const char c : text.substr(0, e)) {
        if (c == '-') out.negative = true;
        if (c >= '0' && c <= '9') out.digits = 10 * out.digits + static_cast<std::uint64_t>(c - '0');
    }
    const bool fraction = text.find('.') != std::string_view::npos;
    const auto places = fraction ? static_cast<int>(e - text.find('.') - 1) : 0;
    for (const char c : text.substr(e + 2)) out.exponent = 10 * out.exponent + (c - '0');
    if (text[e + 1] == '-') out.exponent = -out.exponent;
    out.exponent -= places;
    if (out.digits == 0) out.exponent = 0;
    return out;
}

Natural power(std::uint64_t base, int exponent) {
    Natural out = 1, square = base;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1) out *= square;
        square *= square;
    }
    return out;
}

// |x| * 10^places, which is whole.
Natural scaled(const Decimal& x, int places) {
    return Natural(x.digits) * power(10, x.exponent + places);
}

// The same, as a whole number with its sign if it is less than 2^53 in size; else 2^53.
std::int64_t tick(const Decimal& x, int places) {
    auto out = static_cast<std::int64_t>(x.digits);
    for (int k = x.exponent + places; k > 0 && out != 0 && out < exact; --k) out *= 10;
    if (out >= exact) return exact;
    return x.negative ? -out : out;
}

}  // namespace

bool make_grid(Column& column, double high, double step) {
    const double low = column.low;
    const Decimal first = decimal_of(low), final = decimal_of(high), stride = decimal_of(step);
    // Twice the distance of the larger bound to the next double: a power of two.
    const double size = std::max(std::fabs(low), std::fabs(high));
    const int slack = 1 + (size > 0.0 ? std::max(std::ilogb(size) - 52, -1074) : -1074);
    // Everything as whole numbers of 10^-places; 10^places is a multiple of 2^places.
    const int places = std::max({-first.exponent, -final.exponent, 3 - stride.exponent, -slack, 0});
    const Natural by = scaled(stride, places);
    Natural above = 0, below = 0;  // of the grid's length: high + slack - low
    (final.negative ? below : above) += scaled(final, places);
    (first.negative ? above : below) += scaled(first, places);
    const Natural rounding =
        slack < 0 ? power(5, places) * power(2, places + slack) : power(10, places) * power(2, slack);
    above += std::min(rounding, Natural(stride.digits) * power(10, stride.exponent + places - 3));

    // The last level: the largest k with k * step <= length, less than 2^63.
    if (below + by * Natural(std::uint64_t{1} << 63) <= above) return false;
    std::uint64_t last = 0;
    for (std::uint64_t bit = std::uint64_t{1} << 62; bit > 0; bit >>= 1)
        if (below + by * Natural(last + bit) <= above) last += bit;

    column.gridded = true;
    column.last = last;
    column.step = step;
    const int shift = std::max({-first.exponent, -stride.exponent, 0});
    if (shift <= max_places) {
        const std::int64_t tick_low = tick(first, shift), tick_step = tick(stride, shift);
        if (tick_low < exact && tick_step < exact && last <= static_cast<std::uint64_t>(2 * exact / tick_step)) {
            double ticks = 1.0;
            for (int k = 0; k < shift; ++k) ticks *= 10.0;
            const std::int64_t tick_high = tick_low + static_cast<std::int64_t>(last) * tick_step;
            const double x = static_cast<double>(tick_high) / ticks;
            if (tick_high < exact && x <= high) {
                column.tick_low = tick_low;
                column.tick_step = tick_step;
                column.ticks = ticks;
                column.high = x;
                return true;
            }
        }
    }
    column.high = std::min(high, low + static_cast<double>(last) * step);
    return true;
}

}  // namespace hpcore::space
