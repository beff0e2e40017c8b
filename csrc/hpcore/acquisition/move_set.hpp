#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hpcore/gp/covariance.hpp"
#include "hpcore/space/codec.hpp"
#include "hpcore/space/row_set.hpp"
#include "hpcore/view.hpp"

namespace hpcore::acquisition {

// The search space as the acquisition's maximiser moves in it: levels, neighbours, which columns have a gradient.
//
// A point is kept twice. `full` has a coordinate in every column; `row` is its canonical form, NaN where a column is
// inactive. The full form is what lets a category change and its children wake up somewhere sensible.
class MoveSet {
  public:
    // Grids of more than `smooth_levels` levels are moved along the gradient like continuous columns, then snapped.
    // `categorical` marks the columns without an order; a choice may have one.
    MoveSet(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& categorical, std::size_t smooth_levels);

    std::size_t d() const { return types_.size(); }
    const std::vector<gp::ColumnType>& types() const { return types_; }
    bool gridded(std::size_t j) const { return last_[j] > 0 || fixed_[j]; }
    bool categorical(std::size_t j) const { return types_[j].categorical; }
    bool smooth(std::size_t j) const { return smooth_[j]; }
    std::uint64_t last_level(std::size_t j) const { return last_[j]; }

    // full (d,) -> row (d,), and back into full where active. scratch (d,) is written.
    void snap(MutableColumn full, MutableColumn row, std::span<space::Value> scratch) const;
    // The level of gridded column j, active in the canonical `row`, and the coordinate of a level. scratch (d,) is
    // written.
    std::uint64_t level(std::size_t j, Column row, std::span<space::Value> scratch) const;
    double coordinate(std::size_t j, std::uint64_t level) const;
    // Squared distance of two canonical rows (d,): 1 for two categories, 1/4 where one row is inactive, 0 where both
    // are.
    double squared_distance(Column a, Column b) const;

  private:
    std::shared_ptr<const space::Codec> codec_;
    std::vector<gp::ColumnType> types_;
    std::vector<std::uint64_t> last_;
    std::vector<bool> fixed_, smooth_;
    std::vector<std::vector<double>> table_;  // coordinates of the levels of a short grid
};

// Rows that have been evaluated or asked for.
using Seen = space::RowSet;

}  // namespace hpcore::acquisition
