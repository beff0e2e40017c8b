#include "hpcore/space/row_set.hpp"

#include <bit>
#include <cmath>

namespace hpcore::space {
namespace {

constexpr std::size_t first_room = 16;

// Slot of a hash, or the free slot where it belongs.
std::size_t place(const std::vector<std::uint64_t>& slots, std::uint64_t hash) {
    const std::size_t mask = slots.size() - 1;
    std::size_t at = static_cast<std::size_t>(hash) & mask;
    while (slots[at] != 0 && slots[at] != hash) at = (at + 1) & mask;
    return at;
}

}  // namespace

std::uint64_t RowSet::hash(hpcore::Column row) {
    std::uint64_t h = 0x9E3779B97F4A7C15u;
    for (const double u : row) {
        std::uint64_t x = std::isnan(u) ? ~std::uint64_t{0} : std::bit_cast<std::uint64_t>(u + 0.0);
        // Mixing of the splitmix64 generator (Steele, Lea & Flood 2014).
        x = (x ^ h) + 0x9E3779B97F4A7C15u;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
        h = x ^ (x >> 31);
    }
    return h == 0 ? 1 : h;
}

bool RowSet::contains(std::uint64_t hash) const {
    return n_ > 0 && slots_[place(slots_, hash)] == hash;
}

bool RowSet::insert(std::uint64_t hash) {
    if (contains(hash)) return false;
    if (4 * (n_ + 1) > 3 * slots_.size()) grow();  // at most three quarters full
    slots_[place(slots_, hash)] = hash;
    ++n_;
    return true;
}

void RowSet::grow() {
    std::vector<std::uint64_t> larger(slots_.empty() ? first_room : 2 * slots_.size(), 0);
    for (const std::uint64_t hash : slots_)
        if (hash != 0) larger[place(larger, hash)] = hash;
    slots_.swap(larger);
}

void RowSet::clear() {
    slots_.clear();
    n_ = 0;
}

std::vector<std::uint64_t> RowSet::hashes() const {
    std::vector<std::uint64_t> out;
    out.reserve(n_);
    for (const std::uint64_t hash : slots_)
        if (hash != 0) out.push_back(hash);
    return out;
}

}  // namespace hpcore::space
