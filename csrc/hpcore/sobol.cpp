#include "hpcore/sobol.hpp"

#include <array>
#include <bit>

#include "hpcore/sobol_directions.hpp"
#include "hpcore/streams.hpp"

namespace hpcore {
namespace {

constexpr std::size_t bits = 32;

using Directions = std::array<std::array<std::uint32_t, bits>, sobol_columns>;

// v_k of every column, the first bit of the fraction highest: Joe & Kuo 2003, eq. 2.
Directions make_directions() {
    Directions v{};
    for (std::size_t k = 0; k < bits; ++k) v[0][k] = std::uint32_t{1} << (bits - 1 - k);
    for (std::size_t j = 1; j < sobol_columns; ++j) {
        const SobolColumn& column = sobol_table[j - 1];
        const auto degree = static_cast<std::size_t>(std::bit_width(column.polynomial)) - 1;
        for (std::size_t k = 0; k < bits; ++k) {
            if (k < degree) {
                v[j][k] = static_cast<std::uint32_t>(column.first[k]) << (bits - 1 - k);
                continue;
            }
            std::uint32_t next = v[j][k - degree] ^ (v[j][k - degree] >> degree);
            for (std::size_t i = 1; i < degree; ++i)
                if ((column.polynomial >> (degree - i)) & 1u) next ^= v[j][k - i];
            v[j][k] = next;
        }
    }
    return v;
}

// Stafford's variant 13 of the finaliser of MurmurHash3: every bit of the answer depends on every bit of the question.
std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

// Every bit of x, from the highest, flipped by a hash of the ones above it; 64 bits, of which the first 32 are x's.
std::uint64_t scramble(std::uint32_t x, std::uint64_t key) {
    std::uint64_t out = 0;
    for (std::size_t b = 0; b < bits; ++b) {
        // The leading one tells prefixes of different lengths apart.
        const std::uint64_t prefix = (std::uint64_t{1} << b) | (b == 0 ? 0 : x >> (bits - b));
        const std::uint32_t flip = static_cast<std::uint32_t>(mix(mix(prefix) ^ key) >> 63);
        out = (out << 1) | (((x >> (bits - 1 - b)) & 1u) ^ flip);
    }
    // Deeper bits are random in a scrambling to the end.
    const std::uint64_t rest = mix(mix((std::uint64_t{1} << bits) | x) ^ key) >> bits;
    return (out << bits) | rest;
}

}  // namespace

void sobol_point(Philox::Key key, std::uint64_t number, MutableColumn out) {
    static const Directions directions = make_directions();
    Philox columns(key, 0, streams::sobol_columns), groups(key, 0, streams::sobol_groups);
    std::uint32_t index = 0;
    for (std::size_t j = 0; j < out.size(); ++j) {
        if (j % sobol_columns == 0) {
            // Aligned runs of 2^m numbers, whose high bits are alike, stay together: what is even about them is kept.
            const std::uint64_t order = groups.next();
            index = static_cast<std::uint32_t>(number);
            if (j > 0) index = static_cast<std::uint32_t>(scramble(index, order) >> bits);
        }
        std::uint32_t x = 0;
        for (std::uint32_t rest = index; rest != 0; rest &= rest - 1)
            x ^= directions[j % sobol_columns][static_cast<std::size_t>(std::countr_zero(rest))];
        out[j] = static_cast<double>(scramble(x, columns.next()) >> 11) * 0x1.0p-53;
    }
}

}  // namespace hpcore
