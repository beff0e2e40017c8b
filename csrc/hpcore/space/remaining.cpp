#include "hpcore/space/remaining.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "hpcore/streams.hpp"

namespace hpcore::space {

namespace {

// Size up to which a space is listed whole, in a random order given by the seed; a larger one is enumerated in order.
constexpr std::uint64_t listed_until = 100'000;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double place_of(const Codec& codec, std::size_t j, std::uint64_t level) {
    const Column& column = codec.column(j);
    if (column.kind == Kind::real) return codec.encode_real(j, codec.real_at(j, level));
    if (column.kind == Kind::choice) return codec.encode_whole(j, static_cast<std::int64_t>(level));
    // All of 64 bits: the sum wraps round to the value.
    return codec.encode_whole(
        j, static_cast<std::int64_t>(static_cast<std::uint64_t>(column.whole_low) + level * column.whole_step));
}

bool all_gridded(const Codec& codec) {
    for (std::size_t j = 0; j < codec.size(); ++j)
        if (!codec.column(j).gridded) return false;
    return true;
}

// 128 bits, as much of them as PCG64 needs.
struct Wide {
    std::uint64_t high = 0, low = 0;

    friend Wide operator+(Wide a, Wide b) {
        const std::uint64_t low = a.low + b.low;
        return {a.high + b.high + (low < a.low), low};
    }
    friend Wide operator*(Wide a, Wide b) {
        const std::uint64_t mask = 0xffff'ffff, a0 = a.low & mask, a1 = a.low >> 32, b0 = b.low & mask,
                            b1 = b.low >> 32;
        const std::uint64_t middle = (a0 * b0 >> 32) + (a1 * b0 & mask) + a0 * b1;
        const std::uint64_t carried = a1 * b1 + (a1 * b0 >> 32) + (middle >> 32);
        return {carried + a.high * b.low + a.low * b.high, a.low * b.low};
    }
};

// numpy.random.PCG64 seeded by a numpy.random.SeedSequence: O'Neill 2014, "PCG: a family of simple fast
// space-efficient statistically good algorithms"; O'Neill 2015, "Developing a seed_seq alternative".
class NumpyGenerator {
  public:
    explicit NumpyGenerator(const std::vector<std::uint64_t>& entropy) {
        const std::array<std::uint64_t, 4> seed = seeded(entropy);
        const Wide stream{seed[2], seed[3]};
        increment_ = {stream.high << 1 | stream.low >> 63, stream.low << 1 | 1};
        step();
        state_ = state_ + Wide{seed[0], seed[1]};
        step();
    }

    // Uniform in {0, ..., most}, by masks as `random_interval` of numpy, where most < 2^32.
    std::uint32_t below_or(std::uint32_t most) {
        std::uint32_t mask = most;
        for (const unsigned shift : {1u, 2u, 4u, 8u, 16u}) mask |= mask >> shift;
        for (;;)
            if (const std::uint32_t x = next_32() & mask; x <= most) return x;
    }

  private:
    static std::array<std::uint64_t, 4> seeded(const std::vector<std::uint64_t>& entropy) {
        std::vector<std::uint32_t> words;
        for (const std::uint64_t number : entropy) {
            words.push_back(static_cast<std::uint32_t>(number));
            if (number >> 32) words.push_back(static_cast<std::uint32_t>(number >> 32));
        }
        std::uint32_t factor = 0x43b0d7e5;
        const auto hashed = [&factor](std::uint32_t x) {
            x ^= factor;
            factor *= 0x931e8875;
            x *= factor;
            return x ^ x >> 16;
        };
        const auto mixed = [](std::uint32_t x, std::uint32_t y) {
            const std::uint32_t z = 0xca01f9ddu * x - 0x4973f715u * y;
            return z ^ z >> 16;
        };
        std::array<std::uint32_t, 4> pool{};
        for (std::size_t i = 0; i < 4; ++i) pool[i] = hashed(i < words.size() ? words[i] : 0);
        for (std::size_t from = 0; from < 4; ++from)
            for (std::size_t to = 0; to < 4; ++to)
                if (from != to) pool[to] = mixed(pool[to], hashed(pool[from]));
        for (std::size_t from = 4; from < words.size(); ++from)
            for (std::uint32_t& to : pool) to = mixed(to, hashed(words[from]));

        std::array<std::uint64_t, 4> out{};
        std::uint32_t turn = 0x8b51f9dd;
        for (std::size_t i = 0; i < 8; ++i) {
            std::uint32_t x = pool[i % 4] ^ turn;
            turn *= 0x58f38ded;
            x *= turn;
            x ^= x >> 16;
            out[i / 2] |= std::uint64_t{x} << (i % 2 * 32);
        }
        return out;
    }

    void step() { state_ = state_ * Wide{0x2360'ed05'1fc6'5da4, 0x4385'df64'9fcc'f645} + increment_; }

    std::uint64_t next_64() {
        step();
        const std::uint64_t x = state_.high ^ state_.low, turn = state_.high >> 58;
        return x >> turn | x << ((64 - turn) & 63);
    }

    std::uint32_t next_32() {
        // The higher half of a word is kept for the next call.
        has_half_ = !has_half_;
        if (!has_half_) return half_;
        const std::uint64_t x = next_64();
        half_ = static_cast<std::uint32_t>(x >> 32);
        return static_cast<std::uint32_t>(x);
    }

    Wide state_, increment_;
    std::uint32_t half_ = 0;
    bool has_half_ = false;
};

}  // namespace

std::vector<std::size_t> numpy_permutation(Philox::Key key, std::uint64_t number, std::uint64_t purpose,
                                           std::uint64_t attempt, std::size_t n) {
    NumpyGenerator generator({key.low, key.high, number, purpose, attempt});
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = n; i-- > 1;) std::swap(order[i], order[generator.below_or(static_cast<std::uint32_t>(i))]);
    return order;
}

GridWalk::GridWalk(const Codec& codec) : codec_(&codec), chosen_(codec.size()) {
    path_.reserve(codec.size());
}

bool GridWalk::holds(std::size_t column) const {
    return any_alternative(codec_->column(column).conditions, [this](const Column::Condition& condition) {
        const auto& level = chosen_[condition.parent];
        if (!level) return false;
        if (!condition.by_level) {
            const double x = codec_->real_at(condition.parent, *level);
            return condition.real_low <= x && x <= condition.real_high;
        }
        if (!condition.levels.empty())
            return std::binary_search(condition.levels.begin(), condition.levels.end(), *level);
        return *level >= condition.level_low && *level <= condition.level_high;
    });
}

bool GridWalk::next(double* row) {
    if (ended_) return false;
    const std::vector<std::size_t>& order = codec_->order();
    for (; position_ < order.size(); ++position_)
        if (holds(order[position_])) {
            path_.push_back({position_, 0});
            chosen_[order[position_]] = 0;
        }
    for (std::size_t j = 0; j < chosen_.size(); ++j) row[j] = chosen_[j] ? place_of(*codec_, j, *chosen_[j]) : nan;
    while (!path_.empty()) {
        Step& last = path_.back();
        const std::size_t j = order[last.position];
        if (last.level < codec_->column(j).last) {
            // Columns after this one are no longer chosen: they were taken back on the way here.
            chosen_[j] = ++last.level;
            position_ = last.position + 1;
            return true;
        }
        chosen_[j].reset();
        path_.pop_back();
    }
    ended_ = true;
    return true;
}

Remaining::Remaining(Space space, Philox::Key key, std::size_t repeats)
    : space_(std::move(space)), key_(key), repeats_(repeats), finite_(all_gridded(*space_.codec())) {
    if (finite_) size_ = space_.finite_size();
}

bool Remaining::contains(const double* row) const {
    if (!finite_) return repeats_ > 1 || !rows_.contains({row, space_.size()});
    const auto found = counts_.find(RowSet::hash({row, space_.size()}));
    return found == counts_.end() || found->second < repeats_;
}

void Remaining::discard(const double* row) {
    if (finite_)
        ++counts_[RowSet::hash({row, space_.size()})];
    else
        rows_.insert({row, space_.size()});
}

void Remaining::begin_anew(Rows rows) {
    counts_.clear();
    rows_.clear();
    round_ = 1;
    place_ = 0;
    enumerating_ = here_ = false;
    for (std::size_t i = 0; i < rows.n; ++i) discard(rows[i].data());
}

void Remaining::enumerate() {
    const std::size_t d = space_.size();
    current_.resize(d);
    here_ = false;
    walk_.emplace(*space_.codec());
    if (!size_ || *size_ > listed_until) {
        for (std::size_t i = 0; i < place_; ++i) walk_->next(current_.data());
    } else if (listed_.empty()) {
        std::vector<double> rows;
        while (walk_->next(current_.data())) rows.insert(rows.end(), current_.begin(), current_.end());
        order_ = numpy_permutation(key_, 0, streams::unseen, 0, rows.size() / d);
        listed_ = std::move(rows);
    }
    enumerating_ = true;
}

// Put the row at the place into current_; false after the last one.
bool Remaining::advance() {
    if (listed_.empty()) return walk_->next(current_.data());
    if (place_ == order_.size()) return false;
    std::copy_n(listed_.begin() + static_cast<std::ptrdiff_t>(order_[place_] * space_.size()), space_.size(),
                current_.begin());
    return true;
}

bool Remaining::next(double* row) {
    if (!finite_ || (repeats_ == 1 && size_ && counts_.size() >= *size_)) return false;
    if (!enumerating_) enumerate();
    std::vector<Value> values(space_.size());
    for (std::size_t passed = 0;;) {
        if (!here_) {
            if (!advance()) {
                if (round_ == repeats_) return false;
                ++round_;
                place_ = 0;
                enumerate();
                continue;
            }
            space_.codec()->snap(current_, values);
            here_ = true;
        }
        const auto found = counts_.find(RowSet::hash(current_));
        if (found == counts_.end() || found->second < round_) {
            std::copy(current_.begin(), current_.end(), row);
            return true;
        }
        here_ = false;
        ++place_;
        // Levels that the cube cannot tell apart are one point: there may be 2^63 of them in the far end of a Normal.
        if (listed_.empty() && ++passed > counts_.size() + listed_until) return false;
    }
}

}  // namespace hpcore::space
