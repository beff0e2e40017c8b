#include "hpcore/acquisition/move_set.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace hpcore::acquisition {

using space::Column;
using space::Kind;
using space::Value;

namespace {

constexpr std::uint64_t longest_table = 256;

}  // namespace

MoveSet::MoveSet(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& categorical,
                 std::size_t smooth_levels)
    : codec_(std::move(codec)) {
    const std::size_t d = codec_->size();
    if (categorical.size() != d) throw std::invalid_argument("categorical must have one entry a column");
    types_.resize(d);
    last_.assign(d, 0);
    fixed_.assign(d, false);
    smooth_.assign(d, false);
    table_.resize(d);
    std::vector<bool> parent(d, false);
    for (std::size_t j = 0; j < d; ++j) {
        const Column& c = codec_->column(j);
        types_[j].categorical = categorical[j];
        types_[j].conditional = !c.conditions.empty();
        for (const Column::Condition& condition : c.conditions) parent[condition.parent] = true;
        const bool grid = c.kind != Kind::real || c.gridded;
        if (grid) last_[j] = c.last;
        fixed_[j] = grid && c.last == 0;
        smooth_[j] = !grid || (!types_[j].categorical && c.last >= smooth_levels);
        if (grid && c.last < longest_table) {
            std::vector<double> table;
            for (std::uint64_t l = 0; l <= c.last; ++l) table.push_back(coordinate(j, l));
            table_[j].swap(table);
        }
    }
    // A step along the gradient must not switch other columns on or off: parents move as candidates and levels only.
    for (std::size_t j = 0; j < d; ++j)
        if (parent[j]) smooth_[j] = false;
}

void MoveSet::snap(MutableColumn full, MutableColumn row, std::span<Value> scratch) const {
    std::ranges::copy(full, row.begin());
    codec_->snap(row, scratch);
    for (std::size_t j = 0; j < d(); ++j)
        if (!std::isnan(row[j])) full[j] = row[j];
}

std::uint64_t MoveSet::level(std::size_t j, hpcore::Column row, std::span<Value> values) const {
    const Column& c = codec_->column(j);
    const auto missing = [](double u) { return std::isnan(u); };
    if (std::ranges::none_of(row, missing)) {
        codec_->decode(row, values);
    } else {  // inactive, or recorded without a value: neither matters here
        std::vector<double> whole(row.begin(), row.end());
        std::ranges::replace_if(whole, missing, 0.5);
        codec_->decode(whole, values);
        if (!values[j].active) {  // without a parent's value
            std::uint64_t low = 0, high = c.last;
            while (low < high) {
                const std::uint64_t middle = low + (high - low) / 2;
                if (coordinate(j, middle) < row[j])
                    low = middle + 1;
                else
                    high = middle;
            }
            return low;
        }
    }
    if (c.kind == Kind::real) return codec_->level_of_real(j, values[j].real);
    if (c.kind == Kind::choice) return static_cast<std::uint64_t>(values[j].whole);
    // Unsigned arithmetic wraps, so ranges wider than 2^63 come out right.
    return (static_cast<std::uint64_t>(values[j].whole) - static_cast<std::uint64_t>(c.whole_low)) / c.whole_step;
}

double MoveSet::coordinate(std::size_t j, std::uint64_t level) const {
    if (!table_[j].empty()) return table_[j][level];
    const Column& c = codec_->column(j);
    if (c.kind == Kind::real) return codec_->encode_real(j, codec_->real_at(j, level));
    if (c.kind == Kind::choice) return codec_->encode_whole(j, static_cast<std::int64_t>(level));
    return codec_->encode_whole(
        j, static_cast<std::int64_t>(static_cast<std::uint64_t>(c.whole_low) + level * c.whole_step));
}

double MoveSet::squared_distance(hpcore::Column a, hpcore::Column b) const {
    double sum = 0.0;
    for (std::size_t j = 0; j < d(); ++j) {
        const bool off_a = std::isnan(a[j]), off_b = std::isnan(b[j]);
        if (off_a && off_b) continue;
        if (off_a || off_b)
            sum += 0.25;
        else if (categorical(j))
            sum += a[j] != b[j] ? 1.0 : 0.0;
        else
            sum += (a[j] - b[j]) * (a[j] - b[j]);
    }
    return sum;
}

}  // namespace hpcore::acquisition
