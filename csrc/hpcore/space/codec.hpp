#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hpcore/view.hpp"

// Between parameter values and the unit cube. A column is one parameter. A value is a double (`real`) for a
// floating-point parameter and an int64 (`whole`) for an integer (its value) or a choice (its index).
//
// The cube is uniform under the parameter's distribution: u is its cumulative distribution function. A value that
// lies on a grid owns a cell of the cube and is encoded as the cell's middle.
namespace hpcore::space {

enum class Kind { real, integer, choice };
enum class Scale { linear, log, normal, log_normal };

// What a parameter is to the cube. Functions of space.hpp make columns that satisfy what is said here; the codec takes
// them at their word, and checks the order of parents only.
//
//            kind     scale              low, high        gridded  fields of the grid
//   real     real     any                low <= high      either   last, step > 0, ticks
//   integer  integer  linear or log      of whole values  true     last, whole_low, whole_step >= 1
//   choice   choice   linear (not read)  not read         true     last = number of choices - 1
struct Column {
    Kind kind = Kind::real;
    Scale scale = Scale::linear;
    // Bounds, both values themselves, in the parameter's own units: finite, and > 0 on a log scale. Only of a Normal
    // without a grid, an open end is infinite, or 0 below on a log scale. A grid's are its first and last value.
    double low = 0.0;
    double high = 1.0;
    double mean = 0.0;  // of a Normal, in units of the value or of its logarithm; finite
    double std = 1.0;   // > 0

    // A grid of last + 1 levels; `gridded` false means continuous. For `choice` the level is the index. At most 2^63
    // levels of reals; all 2^64 of whole numbers.
    bool gridded = false;
    std::uint64_t last = 0;
    std::int64_t whole_low = 0;  // integer columns: value = whole_low + level * whole_step, up to 2^63 - 1
    std::uint64_t whole_step = 1;
    double step = 0.0;  // real columns: value = low + level * step, cut to [low, high] ...
    // ... computed as (tick_low + level * tick_step) / ticks where that is exact in its numerator (ticks > 0), so
    // that level 3 of step 0.1 is the double that people write as 0.3. Numerators are less than 2^53 in size, and
    // ticks is a power of ten up to 10^22: the quotient of two exact doubles, rounded once.
    std::int64_t tick_low = 0;
    std::int64_t tick_step = 0;
    double ticks = 0.0;

    // Upper edge of each level's share of [0, 1]: (last + 1,), ascending by 2^-41 or more, the last one 1. Empty =
    // equal shares of a choice, and by the scale elsewhere.
    std::vector<double> cumulative;

    // Parent's level is one of `levels` (if any), or in [level_low, level_high]; or, for a continuous parent (by_level
    // false), its value in [real_low, real_high]. Levels ascend, none is twice or above the parent's last; no range is
    // empty. The parent is another column, and comes before this one in the order.
    struct Condition {
        std::size_t parent = 0;
        bool alternative = false;  // begins another alternative; false for the first condition of a column
        bool by_level = true;
        std::vector<std::uint64_t> levels;
        std::uint64_t level_low = 0;
        std::uint64_t level_high = 0;
        double real_low = 0.0;
        double real_high = 0.0;
    };
    // A disjunction of conjunctions: all conditions must hold up to the next one that begins an alternative.
    std::vector<Condition> conditions;
};

// True if all conditions of an alternative are met, or if there are no conditions.
template <class Met>
bool any_alternative(const std::vector<Column::Condition>& conditions, Met met) {
    bool all = true;
    for (const Column::Condition& condition : conditions) {
        if (condition.alternative) {
            if (all) return true;
            all = true;
        }
        all = all && met(condition);
    }
    return all;
}

// The value at a level of a real grid.
double real_at(const Column& column, std::uint64_t level);

// The level of an integer's or a real's grid that is nearest to a value, clamped to the grid.
std::uint64_t level_of_real(const Column& column, double x);

struct Value {
    bool active = false;
    double real = 0.0;
    std::int64_t whole = 0;
};

// Immutable after construction, so that any number of threads may share one.
class Codec {
  public:
    // Throws std::invalid_argument on a column whose parent does not come before it in `order`.
    Codec(std::vector<Column> columns, std::vector<std::size_t> order);

    std::size_t size() const { return columns_.size(); }
    const Column& column(std::size_t j) const { return columns_[j]; }
    const std::vector<std::size_t>& order() const { return order_; }

    // One row: u (d,) -> out (d,). An inactive column's u is not read; an active column's u is clamped to [0, 1] and
    // NaN raises std::invalid_argument.
    void decode(hpcore::Column u, std::span<Value> out) const;

    // The cube's representative of what u decodes to, in place: decode(snap(u)) == decode(u), snap is idempotent,
    // and inactive columns become NaN. scratch (d,) becomes what decode gives.
    void snap(MutableColumn u, std::span<Value> scratch) const;

    // u of one value. For every value that decode can produce, decoding the answer gives it back exactly; for
    // another one (a double between two that the cube's 2^-53 spacing can reach) the nearest.
    double encode_real(std::size_t j, double x) const;
    double encode_whole(std::size_t j, std::int64_t w) const;

    // Derivative of a continuous real column's value by its coordinate, at a value: 0 if there is one value only,
    // infinite where doubles cannot say it. NaN for a grid or a choice, whose values jump.
    double slope(std::size_t j, double x) const;

    std::uint64_t level_of_real(std::size_t j, double x) const { return space::level_of_real(columns_[j], x); }

    // End of a level's cell in the cube; the last one's ends at 1. For gridded columns and choices.
    double cell_end(std::size_t j, std::uint64_t level) const;

    double real_at(std::size_t j, std::uint64_t level) const { return space::real_at(columns_[j], level); }

  private:
    struct Derived {                             // precomputed from a column
        double a = 0.0, b = 1.0;                 // bounds on the working scale (value, log, or normal probability)
        double edge_low = 0.0, edge_high = 1.0;  // the same for a grid's outer cell edges, in the parameter's units
        bool reflect = false;                    // a Normal cut to its upper tail is computed as the lower one
    };

    double quantile(std::size_t j, double u) const;      // continuous scale, grid columns included
    double distribution(std::size_t j, double x) const;  // inverse of quantile up to rounding
    std::uint64_t level_at(std::size_t j, double u) const;
    double real_value(std::size_t j, double u) const;
    double encode_level(std::size_t j, std::uint64_t level) const;
    double level_as_double(std::size_t j, std::uint64_t level) const;
    bool holds(const Column::Condition& c, std::span<const Value> values) const;

    std::vector<Column> columns_;
    std::vector<Derived> derived_;
    std::vector<std::size_t> order_;
};

}  // namespace hpcore::space
