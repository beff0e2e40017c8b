#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace hpcore::tpe {

// The trials of one group of columns, divided into the best and the rest: O(log n) a trial.
//
// The division is a function of the set of (value, trial) alone, not of the order in which they came; of equal values
// the earlier trial is better.
class Ranking {
  public:
    struct Entry {
        double value;
        std::uint32_t trial;
        bool operator<(const Entry& other) const {
            return value < other.value || (value == other.value && trial < other.trial);
        }
    };

    // share in (0, 1]; at most `most` are good, and at least one once a trial has a finite value.
    Ranking(double share, std::size_t most) : share_(share), most_(most) {}

    // value: records::rank_of the trial's result.
    void insert(Entry entry) {
        // Trials finish almost in order, so this is almost always an append.
        members_.insert(std::upper_bound(members_.begin(), members_.end(), entry.trial), entry.trial);
        if (entry.trial >= good_mark_.size()) good_mark_.resize(entry.trial + 1, false);
        if (entry.value < std::numeric_limits<double>::infinity()) ++n_finite_;
        if (!good_.empty() && entry < good_.back()) {
            good_.insert(std::upper_bound(good_.begin(), good_.end(), entry), entry);
            good_mark_[entry.trial] = true;
            if (good_.size() > n_good()) {
                push(good_.back());
                good_mark_[good_.back().trial] = false;
                good_.pop_back();
            }
        } else {
            push(entry);
        }
        while (good_.size() < n_good()) {
            std::pop_heap(rest_.begin(), rest_.end(), after);
            good_.push_back(rest_.back());
            good_mark_[rest_.back().trial] = true;
            rest_.pop_back();
        }
    }

    std::size_t n_finite() const { return n_finite_; }
    const std::vector<Entry>& good() const { return good_; }                // best first
    const std::vector<std::uint32_t>& members() const { return members_; }  // by trial, failed ones included
    bool is_good(std::uint32_t trial) const { return good_mark_[trial]; }

  private:
    static bool after(const Entry& a, const Entry& b) { return b < a; }
    void push(Entry entry) {
        rest_.push_back(entry);
        std::push_heap(rest_.begin(), rest_.end(), after);
    }
    std::size_t n_good() const {
        if (n_finite_ == 0) return 0;
        const double wanted = std::ceil(share_ * static_cast<double>(n_finite_));
        return std::clamp(static_cast<std::size_t>(wanted), std::size_t{1}, std::min(most_, n_finite_));
    }

    double share_;
    std::size_t most_, n_finite_ = 0;
    std::vector<Entry> good_, rest_;  // rest_ is a heap with its best on top
    std::vector<std::uint32_t> members_;
    std::vector<bool> good_mark_;
};

}  // namespace hpcore::tpe
