#include "hpcore/fidelity/search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "hpcore/acquisition/functions.hpp"

namespace hpcore::fidelity {
namespace {

using acquisition::MoveSet;

constexpr double smallest_step = 0.02, largest_step = 0.3;  // standard deviations of a move of a number

// Moves some coordinates of `full` (d,), at least one.
void perturb(const MoveSet& moves, Philox& stream, double* full) {
    const std::size_t d = moves.d();
    const double share = std::max(0.2, 1.5 / static_cast<double>(d));
    const std::size_t always = stream.below(d);
    const double std = smallest_step * std::pow(largest_step / smallest_step, stream.uniform());
    for (std::size_t j = 0; j < d; ++j) {
        if (j != always && stream.uniform() >= share) continue;
        if (moves.categorical(j)) {
            full[j] = stream.uniform();
            continue;
        }
        const double cell = moves.gridded(j) ? 1.0 / static_cast<double>(moves.last_level(j) + 1) : 0.0;
        double u = full[j] + std::max(std, cell) * stream.normal();
        u = u < 0.0 ? -u : u > 1.0 ? 2.0 - u : u;
        full[j] = std::clamp(u, 0.0, 1.0);
    }
}

// Candidates, each with its coordinates in inactive columns, its canonical row and its acquisition.
class Candidates {
  public:
    Candidates(const Model& model, const MoveSet& moves, double best, const acquisition::Seen& seen,
               const acquisition::Feasible& feasible)
        : model_(model), moves_(moves), best_(best), seen_(seen), feasible_(feasible) {}

    std::size_t size() const { return score_.size(); }
    const double* full(std::size_t i) const { return full_.data() + i * moves_.d(); }
    const double* row(std::size_t i) const { return row_.data() + i * moves_.d(); }
    const Normal& at_full(std::size_t i) const { return at_full_[i]; }

    // Row `full` (d,) as it will be evaluated, unless it was seen.
    void add(std::vector<double> full) {
        std::vector<double> row(moves_.d());
        moves_.snap(full.data(), row.data());
        if (seen_.contains(row.data(), row.size())) return;
        new_full_.insert(new_full_.end(), full.begin(), full.end());
        new_row_.insert(new_row_.end(), row.begin(), row.end());
    }

    void evaluate() {
        const std::size_t d = moves_.d(), k = new_row_.size() / d;
        const auto allowed = std::make_unique<bool[]>(k);
        std::fill_n(allowed.get(), k, true);
        if (feasible_ && k > 0) feasible_(new_row_.data(), k, allowed.get());
        std::vector<Normal> found(k);
        model_.at_full(new_row_.data(), k, found.data());
        for (std::size_t i = 0; i < k; ++i) {
            if (!allowed[i]) continue;
            const auto at = static_cast<std::ptrdiff_t>(i * d), end = static_cast<std::ptrdiff_t>((i + 1) * d);
            full_.insert(full_.end(), new_full_.begin() + at, new_full_.begin() + end);
            row_.insert(row_.end(), new_row_.begin() + at, new_row_.begin() + end);
            at_full_.push_back(found[i]);
            score_.push_back(
                acquisition::log_expected_improvement(found[i].mean, std::sqrt(found[i].variance), best_).value);
        }
        new_full_.clear();
        new_row_.clear();
    }

    // Indices of the best k, best first.
    std::vector<std::size_t> top(std::size_t k) const {
        std::vector<std::size_t> order(size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        k = std::min(k, order.size());
        std::partial_sort(
            order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(),
            [&](std::size_t a, std::size_t b) { return score_[a] != score_[b] ? score_[a] > score_[b] : a < b; });
        order.resize(k);
        return order;
    }

  private:
    const Model& model_;
    const MoveSet& moves_;
    double best_;
    const acquisition::Seen& seen_;
    const acquisition::Feasible& feasible_;
    std::vector<double> full_, row_, score_, new_full_, new_row_;
    std::vector<Normal> at_full_;
};

}  // namespace

Proposal propose(const Model& model, const acquisition::MoveSet& moves, const SearchOptions& options,
                 const acquisition::Seen& seen, const acquisition::Feasible& feasible, const double* extra,
                 std::size_t n_extra, Philox& stream) {
    const std::size_t d = moves.d(), m = model.rows().points().size();
    std::vector<double> means(m);
    for (std::size_t p = 0; p < m; ++p) means[p] = model.at_full(p).mean;
    std::vector<std::size_t> order(m);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return means[a] < means[b]; });
    const double best = m > 0 ? means[order[0]] : 0.0;

    Candidates candidates(model, moves, best, seen, feasible);
    std::vector<double> full(d);
    for (std::size_t i = 0; i < options.n_random; ++i) {
        stream.fill_uniform(full.data(), d);
        candidates.add(full);
    }
    for (std::size_t i = 0; i < n_extra; ++i) candidates.add({extra + i * d, extra + (i + 1) * d});
    std::vector<double> row(d);
    for (std::size_t t = 0; t < std::min(options.n_incumbents, m); ++t) {
        model.rows().points().row(order[t], row.data());
        for (std::size_t i = 0; i < options.n_near; ++i) {
            // Inactive columns have a coordinate too, in case that a move wakes them up.
            for (std::size_t j = 0; j < d; ++j) full[j] = std::isnan(row[j]) ? stream.uniform() : row[j];
            perturb(moves, stream, full.data());
            candidates.add(full);
        }
    }
    candidates.evaluate();
    for (std::size_t round = 0; round < options.n_rounds; ++round) {
        for (const std::size_t i : candidates.top(options.n_best))
            for (std::size_t k = 0; k < options.n_round; ++k) {
                full.assign(candidates.full(i), candidates.full(i) + d);
                perturb(moves, stream, full.data());
                candidates.add(full);
            }
        candidates.evaluate();
    }
    const std::vector<std::size_t> top = candidates.top(1);
    if (top.empty()) return {};
    return {{candidates.row(top[0]), candidates.row(top[0]) + d}, candidates.at_full(top[0])};
}

}  // namespace hpcore::fidelity
