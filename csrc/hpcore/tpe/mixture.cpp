#include "hpcore/tpe/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "hpcore/normal.hpp"
#include "hpcore/tpe/kernel_sums.hpp"

namespace hpcore::tpe {
namespace {

constexpr double root_half = 0.5 * std::numbers::sqrt2;
constexpr double root_two_pi = 2.5066282746310002;
constexpr double prior_mean = 0.5, prior_deviation = 1.0;

std::size_t padded_to(std::size_t n, std::size_t unit) {
    return (n + unit - 1) / unit * unit;
}

// Mass that a normal distribution has in [a, b].
double normal_mass(double mean, double deviation, double a, double b) {
    const double za = (a - mean) / deviation, zb = (b - mean) / deviation;
    return za > 0.0 ? normal_cdf(-za) - normal_cdf(-zb) : normal_cdf(zb) - normal_cdf(za);
}

}  // namespace

void Batch::reset(std::size_t axes, std::size_t room) {
    padded_ = padded_to(room, block);
    n_ = 0;
    x_.assign(axes * padded_, 0.0);
}

Mixture::Mixture(std::vector<Axis> axes) : axes_(std::move(axes)), h_(axes_.size(), 1.0) {
    const double prior_mass = normal_mass(prior_mean, prior_deviation, 0.0, 1.0);
    std::size_t tables = 0;
    for (std::size_t j = 0; j < axes_.size(); ++j) {
        const Axis& axis = axes_[j];
        if (axis.continuous()) {
            smooth_.push_back(j);
            continue;
        }
        stepped_.push_back(j);
        table_at_.push_back(tables);
        if (!axis.unordered) tables += axis.levels * axis.levels;
        prior_at_.push_back(prior_tables_.size());
        for (std::size_t l = 0; l < axis.levels; ++l) {
            const double share =
                axis.unordered
                    ? axis.width(l)
                    : normal_mass(prior_mean, prior_deviation, axis.edges[l], axis.edges[l + 1]) / prior_mass;
            prior_tables_.push_back(std::log(share));
        }
    }
    tables_.resize(tables);
    own_.resize(stepped_.size());
    other_.resize(stepped_.size());
    inverse_.resize(smooth_.size());
}

void Mixture::fit(Rows points, Column weights, double prior_weight, Column h, double q) {
    const std::size_t n = points.n, d = axes_.size(), ds = smooth_.size(), dt = stepped_.size();
    const std::size_t room = padded_to(n + 1, 8);
    n_ = n;
    q_ = q;
    prior_weight_ = prior_weight;
    std::ranges::copy(h, h_.begin());
    points_.assign(points.flat().begin(), points.flat().end());
    weight_.assign(weights.begin(), weights.end());
    scaled_ = weight_;
    running_.resize(n + 1);
    double sum = 0.0;
    for (std::size_t k = 0; k < n; ++k) running_[k] = sum += weights[k];
    running_[n] = total_ = sum + prior_weight;

    // Masses in [0, 1] of the kernels of each smooth axis: half the sum of two erf, so nothing cancels.
    log_scale_ = 0.0;
    low_.resize(ds * room);
    mass_.resize(ds * room);
    centres_.resize(n * ds);
    for (std::size_t s = 0; s < ds; ++s) {
        const std::size_t j = smooth_[s];
        inverse_[s] = root_half / h_[j];
        log_scale_ -= std::log(h_[j] * root_two_pi);
        double* low = low_.data() + s * room;
        double* mass = mass_.data() + s * room;
        for (std::size_t k = 0; k < n; ++k) {
            const double x = points_[k * d + j];
            centres_[k * ds + s] = x * inverse_[s];
            low[k] = x * inverse_[s];
            mass[k] = (1.0 - x) * inverse_[s];
        }
        std::fill(low + n, low + room, 0.5 * root_half);  // the prior component, of mean 1/2 and deviation 1
        std::fill(mass + n, mass + room, 0.5 * root_half);
    }
    erf_array(low_.data(), low_.size());
    erf_array(mass_.data(), mass_.size());
    for (std::size_t s = 0; s < ds; ++s) {
        double* low = low_.data() + s * room;
        double* mass = mass_.data() + s * room;
        for (std::size_t k = 0; k <= n; ++k) {
            mass[k] = 0.5 * (mass[k] + low[k]);
            low[k] = 0.5 * (1.0 - low[k]);
        }
        for (std::size_t k = 0; k < n; ++k) scaled_[k] /= mass[k];
    }

    level_.resize(n * dt);
    for (std::size_t t = 0; t < dt; ++t) {
        const Axis& axis = axes_[stepped_[t]];
        for (std::size_t k = 0; k < n; ++k)
            level_[k * dt + t] = static_cast<std::uint32_t>(points_[k * d + stepped_[t]]);
        if (axis.unordered) {
            const double whole = 1.0 + static_cast<double>(axis.levels) * q_;
            own_[t] = (1.0 + q_) / whole;
            other_[t] = q_ / whole;
            continue;
        }
        std::vector<bool> wanted(axis.levels, false);
        for (std::size_t k = 0; k < n; ++k) wanted[level_[k * dt + t]] = true;
        fill_table(t, wanted);
    }
}

void Mixture::fill_table(std::size_t t, const std::vector<bool>& wanted) {
    const std::size_t j = stepped_[t];
    const Axis& axis = axes_[j];
    const std::size_t L = axis.levels;
    double* table = tables_.data() + table_at_[t];
    // Signed erf at every edge, seen from a centre; a cell's mass is the difference at its two edges.
    const double unit = root_half / h_[j];
    if (axis.even) {  // distances between edges and centres are the same few for every centre
        erfs_.assign(padded_to(L, 8), 0.0);
        for (std::size_t i = 0; i < L; ++i) erfs_[i] = (static_cast<double>(i) + 0.5) / static_cast<double>(L) * unit;
        erf_array(erfs_.data(), erfs_.size());
        for (std::size_t c = 0; c < L; ++c) {
            if (!wanted[c]) continue;
            const double whole = erfs_[c] + erfs_[L - 1 - c];
            double left = -erfs_[c];
            for (std::size_t l = 0; l < L; ++l) {
                const double right = l < c ? -erfs_[c - l - 1] : erfs_[l - c];
                table[c * L + l] = (right - left) / whole;
                left = right;
            }
        }
        return;
    }
    erfs_.assign(padded_to(L + 1, 8), 0.0);
    for (std::size_t c = 0; c < L; ++c) {
        if (!wanted[c]) continue;
        const double centre = axis.middle(c);
        for (std::size_t i = 0; i <= L; ++i) erfs_[i] = std::fabs(axis.edges[i] - centre) * unit;
        erf_array(erfs_.data(), erfs_.size());
        const double whole = erfs_[0] + erfs_[L];
        double left = -erfs_[0];
        for (std::size_t l = 0; l < L; ++l) {
            const double right = l < c ? -erfs_[l + 1] : erfs_[l + 1];
            table[c * L + l] = (right - left) / whole;
            left = right;
        }
    }
}

void Mixture::kernel_sums(const Batch& batch, MutableColumn out) {
    const std::size_t padded = batch.padded();
    x_scaled_.resize(smooth_.size() * padded);
    for (std::size_t s = 0; s < smooth_.size(); ++s) {
        const Column x = batch.column(smooth_[s]);
        for (std::size_t i = 0; i < padded; ++i) x_scaled_[s * padded + i] = x[i] * inverse_[s];
    }
    x_level_.resize(stepped_.size() * padded);
    std::vector<const double*> tables(stepped_.size());
    std::vector<std::size_t> levels(stepped_.size());
    for (std::size_t t = 0; t < stepped_.size(); ++t) {
        const Column x = batch.column(stepped_[t]);
        for (std::size_t i = 0; i < padded; ++i) x_level_[t * padded + i] = static_cast<std::int32_t>(x[i]);
        tables[t] = axes_[stepped_[t]].unordered ? nullptr : tables_.data() + table_at_[t];
        levels[t] = axes_[stepped_[t]].levels;
    }
    tpe::kernel_sums(
        {batch.size(), padded, n_, smooth_.size(), stepped_.size(), x_scaled_.data(), centres_.data(), scaled_.data(),
         x_level_.data(), level_.data(), tables.data(), levels.data(), own_.data(), other_.data()},
        out.data());
}

void Mixture::log_density(const Batch& batch, MutableColumn out) {
    constexpr double peak = -0.5 * 1.8378770664093453;  // log of 1 / sqrt(2 pi)
    static const double log_mass = std::log(normal_mass(prior_mean, prior_deviation, 0.0, 1.0));
    const double constant = static_cast<double>(smooth_.size()) * (peak - log_mass);
    std::vector<double> prior(batch.padded(), constant);
    for (const std::size_t j : smooth_) {
        const Column x = batch.column(j);
        for (std::size_t i = 0; i < batch.padded(); ++i) prior[i] -= 0.5 * (x[i] - 0.5) * (x[i] - 0.5);
    }
    for (std::size_t t = 0; t < stepped_.size(); ++t) {
        const Column x = batch.column(stepped_[t]);
        const double* table = prior_tables_.data() + prior_at_[t];
        for (std::size_t i = 0; i < batch.padded(); ++i) prior[i] += table[static_cast<std::size_t>(x[i])];
    }
    log_density(batch, prior, out);
}

void Mixture::log_density(const Batch& batch, Column log_prior, MutableColumn out) {
    kernel_sums(batch, out);
    std::vector<double> prior(batch.padded());
    const double log_weight = prior_weight_ > 0.0 ? std::log(prior_weight_) : -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < prior.size(); ++i) prior[i] = log_prior[i] + log_weight;
    finish_log(out.data(), batch.padded(), log_scale_, prior.data(), std::log(total_));
}

void Mixture::draw(Philox& random, Batch& batch, std::size_t first, std::size_t n, bool even) {
    if (n == 0) return;  // a batch without room has no slot to begin at
    const std::size_t d = axes_.size(), room = padded_to(n_ + 1, 8), padded = padded_to(n, 8);
    uniform_.resize(padded);
    origin_.resize(n);
    if (even) {  // systematic sampling: no search, and neighbours read the same kernel
        const double unit = total_ / static_cast<double>(n), offset = random.uniform();
        std::size_t k = 0;
        for (std::size_t i = 0; i < n; ++i) {
            while (k < n_ && running_[k] <= (static_cast<double>(i) + offset) * unit) ++k;
            origin_[i] = k;
        }
    } else {
        random.fill_uniform({uniform_.data(), n});
        for (std::size_t i = 0; i < n; ++i) {
            const auto next = std::upper_bound(running_.begin(), running_.end(), uniform_[i] * total_);
            origin_[i] = std::min(static_cast<std::size_t>(next - running_.begin()), n_);
        }
    }
    for (std::size_t s = 0; s < smooth_.size(); ++s) {
        const std::size_t j = smooth_[s];
        const double *low = low_.data() + s * room, *mass = mass_.data() + s * room;
        mean_.resize(n_ + 1);
        for (std::size_t k = 0; k < n_; ++k) mean_[k] = points_[k * d + j];
        mean_[n_] = prior_mean;
        random.fill_uniform({uniform_.data(), n});
        for (std::size_t i = 0; i < n; ++i) uniform_[i] = low[origin_[i]] + uniform_[i] * mass[origin_[i]];
        std::fill(uniform_.begin() + static_cast<std::ptrdiff_t>(n), uniform_.end(), 0.5);
        quantile_array(uniform_.data(), padded);
        double* out = &batch.at(j, first);
        for (std::size_t i = 0; i < n; ++i) {
            const double deviation = origin_[i] == n_ ? prior_deviation : h_[j];
            out[i] = std::min(std::max(mean_[origin_[i]] + deviation * uniform_[i], 0.0), 1.0);
        }
    }
    for (std::size_t t = 0; t < stepped_.size(); ++t) {
        const std::size_t j = stepped_[t];
        const Axis& axis = axes_[j];
        random.fill_uniform({uniform_.data(), n});
        for (std::size_t i = 0; i < n; ++i) {
            double left = uniform_[i];
            std::size_t level = 0;
            if (axis.unordered) {
                level = origin_[i] == n_ ? axis.level_of(left)
                                         : category_at(left, t, level_[origin_[i] * stepped_.size() + t]);
            } else if (origin_[i] == n_) {
                const double* row = prior_tables_.data() + prior_at_[t];
                while (level + 1 < axis.levels && left >= std::exp(row[level])) left -= std::exp(row[level++]);
            } else {
                const double* row =
                    tables_.data() + table_at_[t] + level_[origin_[i] * stepped_.size() + t] * axis.levels;
                while (level + 1 < axis.levels && left >= row[level]) left -= row[level++];
            }
            batch.at(j, first + i) = static_cast<double>(level);
        }
    }
}

// The category at which the kernel's cumulative probability passes u, in the order of the levels.
std::size_t Mixture::category_at(double u, std::size_t t, std::size_t centre) const {
    const std::size_t last = axes_[stepped_[t]].levels - 1;
    const double before = other_[t] * static_cast<double>(centre);
    if (u < before) return std::min(static_cast<std::size_t>(u / other_[t]), centre);
    const double beyond = u - before - own_[t];
    if (beyond < 0.0) return centre;
    return std::min(centre + 1 + static_cast<std::size_t>(beyond / other_[t]), last);
}

}  // namespace hpcore::tpe
