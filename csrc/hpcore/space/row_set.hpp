#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hpcore/view.hpp"

namespace hpcore::space {

// Canonical rows of the cube (Codec::snap), by 64-bit hashes of their bits: 11 to 21 bytes a row, whatever its length.
// Two of a million different rows are taken for one with a probability of 3e-8.
class RowSet {
  public:
    // False if it was there. If memory runs out the set is as it was.
    bool insert(hpcore::Column row) { return insert(hash(row)); }
    bool contains(hpcore::Column row) const { return contains(hash(row)); }
    std::size_t size() const { return n_; }
    void clear();

    // The same by hashes; 0 is none.
    bool insert(std::uint64_t hash);
    bool contains(std::uint64_t hash) const;
    std::vector<std::uint64_t> hashes() const;  // in no order
    // NaN equals NaN, 0 equals -0.
    static std::uint64_t hash(hpcore::Column row);

  private:
    void grow();

    std::vector<std::uint64_t> slots_;  // a power of two of them, 0 where free; collisions go to the next free one
    std::size_t n_ = 0;
};

}  // namespace hpcore::space
