#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "hpcore/space/codec.hpp"

// Search spaces, in the words of the tests. A default column is a number in [0, 1].
namespace spaces {

using hpcore::space::Codec;
using hpcore::space::Column;
using hpcore::space::Kind;

inline Column choice(std::uint64_t levels) {
    Column c;
    c.kind = Kind::choice;
    c.gridded = true;
    c.last = levels - 1;
    return c;
}

inline Column integer(std::int64_t low, std::int64_t high) {
    Column c;
    c.kind = Kind::integer;
    c.gridded = true;
    c.whole_low = low;
    c.low = static_cast<double>(low);
    c.high = static_cast<double>(high);
    c.last = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    return c;
}

// The column, active only where its parent has one of these levels.
inline Column when(std::size_t parent, std::vector<std::uint64_t> levels, Column c) {
    Column::Condition condition;
    condition.parent = parent;
    condition.levels = std::move(levels);
    c.conditions.push_back(std::move(condition));
    return c;
}

// Parents stand before their children.
inline std::shared_ptr<const Codec> codec(std::vector<Column> columns) {
    std::vector<std::size_t> order(columns.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    return std::make_shared<Codec>(std::move(columns), std::move(order));
}

}  // namespace spaces
