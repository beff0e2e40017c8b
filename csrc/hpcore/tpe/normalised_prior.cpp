#include "hpcore/tpe/normalised_prior.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "hpcore/streams.hpp"

namespace hpcore::tpe {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr std::size_t n_starts = 2048, n_walks = 16, n_steps = 256, n_kept = 8, n_pool = 4096;

}  // namespace

NormalisedPrior::NormalisedPrior(Kernel<DensityKernel> kernel, const std::vector<Axis>& axes,
                                 std::vector<std::size_t> columns)
    : kernel_(std::move(kernel)), axes_(axes), columns_(std::move(columns)) {
    const std::size_t d = axes_.size();
    Philox random(streams::prior_key, 0, streams::own_key);
    Batch starts;
    starts.reset(d, n_starts);
    std::vector<double> level(n_starts), room(d);
    for (std::size_t i = 0; i < n_starts; ++i) {
        for (std::size_t a = 0; a < d; ++a) starts.at(a, i) = axes_[a].coordinate(random.uniform());
        level[i] = raw(starts, i, room);
    }
    std::vector<std::size_t> order(n_starts);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return level[a] > level[b]; });

    // Walks from the best starts; the step follows acceptance, and the last states of each walk are kept.
    std::vector<double> states;
    Batch walk;
    walk.reset(d, 2);
    for (std::size_t w = 0; w < n_walks; ++w) {
        for (std::size_t a = 0; a < d; ++a) walk.at(a, 0) = starts.at(a, order[w]);
        double here = level[order[w]], step = 0.2;
        for (std::size_t s = 0; s < n_steps; ++s) {
            for (std::size_t a = 0; a < d; ++a) {
                const Axis& axis = axes_[a];
                double u = axis.position(walk.at(a, 0));
                if (axis.unordered)
                    u = random.uniform() < 0.3 ? random.uniform() : u;
                else
                    u += step * random.normal();
                // Reflected at the faces, which keeps the walk symmetric.
                u = std::fabs(u - 2.0 * std::floor(0.5 * u + 0.5));
                walk.at(a, 1) = axis.coordinate(std::min(u, 1.0));
            }
            const double there = raw(walk, 1, room);
            const bool moves = there >= here || random.uniform() < std::exp(there - here);
            if (moves) {
                for (std::size_t a = 0; a < d; ++a) walk.at(a, 0) = walk.at(a, 1);
                here = there;
            }
            step = std::clamp(step * (moves ? 1.1 : 0.96), 1e-4, 0.5);
            if (s % (n_steps / 2 / n_kept) == 0 && s >= n_steps / 2)
                for (std::size_t a = 0; a < d; ++a) states.push_back(walk.at(a, 0));
        }
    }
    const std::size_t n = states.size() / d;
    std::vector<double> h(d), weights(n, 1.0);
    for (std::size_t a = 0; a < d; ++a) {
        double mean = 0.0, square = 0.0;
        for (std::size_t i = 0; i < n; ++i) mean += axes_[a].position(states[i * d + a]);
        mean /= static_cast<double>(n);
        for (std::size_t i = 0; i < n; ++i) {
            const double gap = axes_[a].position(states[i * d + a]) - mean;
            square += gap * gap;
        }
        // Scott's rule, on the wide side.
        h[a] = std::clamp(1.5 * std::sqrt(square / static_cast<double>(n)) *
                              std::pow(static_cast<double>(n), -1.0 / (static_cast<double>(d) + 4.0)),
                          1e-3, 1.0);
    }
    Mixture proposal(axes_);
    proposal.fit({states.data(), n, d}, weights, 0.25 * static_cast<double>(n), h, 1.0);
    pool_.reset(d, n_pool);
    pool_.resize(n_pool);
    proposal.draw(random, pool_, 0, n_pool, true);
    std::vector<double> log_proposal(pool_.padded());
    proposal.log_density(pool_, log_proposal);
    running_.resize(n_pool);
    double peak = -inf;
    for (std::size_t i = 0; i < n_pool; ++i) {
        // A level's mass against the user's density, which is one over the cube.
        double cells = 0.0;
        for (std::size_t a = 0; a < d; ++a)
            if (!axes_[a].continuous()) cells += std::log(axes_[a].width(static_cast<std::size_t>(pool_.at(a, i))));
        running_[i] = raw(pool_, i, room) + cells - log_proposal[i];
        peak = std::max(peak, running_[i]);
    }
    if (peak == -inf) kernel_.fail("answered -infinity everywhere it was asked");
    double sum = 0.0;
    for (double& r : running_) r = sum += std::exp(r - peak);
    log_mass_ = peak + std::log(sum / static_cast<double>(n_pool));
}

double NormalisedPrior::raw(const Batch& batch, std::size_t i, std::vector<double>& u) const {
    for (std::size_t a = 0; a < columns_.size(); ++a) u[columns_[a]] = axes_[a].position(batch.at(a, i));
    return hpcore::log_density(kernel_, u);
}

void NormalisedPrior::log_density(const Batch& batch, std::vector<double>& out) const {
    out.assign(batch.padded(), 0.0);
    std::vector<double> room(columns_.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        out[i] = raw(batch, i, room) - log_mass_;
        // The mixture's kernels are masses of levels, not densities.
        for (std::size_t a = 0; a < axes_.size(); ++a)
            if (!axes_[a].continuous()) out[i] += std::log(axes_[a].width(static_cast<std::size_t>(batch.at(a, i))));
    }
}

void NormalisedPrior::draw(Philox& random, Batch& batch, std::size_t i) const {
    const double at = random.uniform() * running_.back();
    const auto found = std::upper_bound(running_.begin(), running_.end() - 1, at) - running_.begin();
    for (std::size_t a = 0; a < axes_.size(); ++a) batch.at(a, i) = pool_.at(a, static_cast<std::size_t>(found));
}

}  // namespace hpcore::tpe
