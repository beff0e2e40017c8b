#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "hpcore/rng.hpp"
#include "hpcore/space/row_set.hpp"
#include "hpcore/space/space.hpp"
#include "hpcore/view.hpp"

namespace hpcore::space {

// The canonical rows of a space without continuous columns, one after the other: parents before children, the last
// column fastest, levels ascending.
class GridWalk {
  public:
    // codec: has no continuous column, and outlives the walk.
    explicit GridWalk(const Codec& codec);

    // Write the next row (d,), NaN where inactive; false, and nothing written, after the last one.
    bool next(double* row);

  private:
    struct Step {
        std::size_t position;  // in the codec's order
        std::uint64_t level;   // that the column shows
    };

    bool holds(std::size_t column) const;

    const Codec* codec_;
    std::vector<Step> path_;                            // active columns so far
    std::vector<std::optional<std::uint64_t>> chosen_;  // by column, none where inactive
    std::size_t position_ = 0;
    bool ended_ = false;
};

// Points that a search has not proposed yet. Python has the same in hpcore/optimizer/remaining.py, where constraints
// are looked at as well.
class Remaining {
  public:
    // key: the seed of the order in which the last points of a finite space come. A point of a finite space may be
    // proposed `repeats` times, at least once; those of other spaces are not counted if repeats > 1.
    Remaining(Space space, Philox::Key key, std::size_t repeats);

    // True if no column is continuous. The number of points may be too large to be known.
    bool finite() const { return finite_; }
    // Different points that were proposed.
    std::size_t n_seen() const { return finite_ ? counts_.size() : rows_.size(); }
    // True if a canonical row (d,) may still be proposed.
    bool contains(const double* row) const;
    // Count a canonical row (d,) as proposed. If memory runs out nothing is changed.
    void discard(const double* row);
    // Start again with these canonical rows as the only proposed ones.
    void begin_anew(Rows rows);

    // Write a canonical row (d,) that may still be proposed; false if there is none, or if the space is not finite.
    // The row stays the next one until it is discarded.
    //
    // Spaces of up to 100,000 points are listed in a random order, larger ones are walked through, until 100,000 rows
    // more than were proposed hold nothing new.
    bool next(double* row);

  private:
    void enumerate();
    bool advance();

    Space space_;
    Philox::Key key_;
    std::size_t repeats_;
    bool finite_;
    std::optional<std::uint64_t> size_;                      // of a finite space
    std::unordered_map<std::uint64_t, std::size_t> counts_;  // of a finite space, by RowSet::hash
    RowSet rows_;                                            // of other spaces

    std::size_t round_ = 1;  // of the enumeration: the first one gives points that were never proposed
    std::size_t place_ = 0;  // in the enumeration, before which no point remains
    bool enumerating_ = false, here_ = false;
    std::vector<double> listed_, current_;
    std::vector<std::size_t> order_;
    std::optional<GridWalk> walk_;
};

// 0 .. n - 1 in the order of numpy's Generator(PCG64(SeedSequence([key.low, key.high, number, purpose,
// attempt]))).permutation(n), for n < 2^32.
std::vector<std::size_t> numpy_permutation(Philox::Key key, std::uint64_t number, std::uint64_t purpose,
                                           std::uint64_t attempt, std::size_t n);

}  // namespace hpcore::space
