#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Values and names in the texts of errors.
namespace hpcore::space {

// The shortest number that reads as this double, with a point or an exponent.
inline std::string text(double x) {
    if (std::isnan(x)) return "nan";
    if (std::isinf(x)) return x > 0.0 ? "inf" : "-inf";
    const double size = std::fabs(x);
    const bool plain = size == 0.0 || (size >= 1e-4 && size < 1e16);
    char buffer[40];
    const auto form = plain ? std::chars_format::fixed : std::chars_format::scientific;
    std::string out(buffer, std::to_chars(buffer, buffer + sizeof buffer, x, form).ptr);
    if (plain && out.find('.') == std::string::npos) out += ".0";
    return out;
}

inline std::string text(std::int64_t x) {
    return std::to_string(x);
}
inline std::string text(std::size_t x) {
    return std::to_string(x);
}

inline std::string quoted(std::string_view name) {
    std::string out(1, '\'');
    out.append(name);
    out.push_back('\'');
    return out;
}

// An argument of a parameter, which may have no name yet.
inline std::string argument(std::string_view what, std::string_view parameter) {
    std::string out(what);
    if (!parameter.empty()) out.append(" of ").append(quoted(parameter));
    return out;
}

}  // namespace hpcore::space
