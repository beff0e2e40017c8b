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
constexpr std::size_t most_counted = 64;  // categories that a draw looks at one by one
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

void Batch::reset(std::size_t axes, std::size_t room, std::size_t unit) {
    padded_ = padded_to(room, unit);
    n_ = 0;
    x_.resize(axes * padded_);
    for (std::size_t a = 0; a < axes; ++a) std::fill_n(x_.data() + a * padded_ + room, padded_ - room, 0.0);
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
            prior_shares_.push_back(std::exp(prior_tables_.back()));
        }
    }
    tables_.resize(tables);
    for (const std::size_t j : stepped_)
        if (!axes_[j].unordered) max_levels_ = std::max(max_levels_, axes_[j].levels);
    whole_.resize(stepped_.size() * max_levels_);
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

    // Masses in [0, 1] of the kernels of each smooth axis: half the sum of two erf, so nothing cancels. From 6 on erf
    // is 1 to the last bit, as one of the two is where kernels are narrow.
    log_scale_ = 0.0;
    low_.resize(ds * room);
    mass_.resize(ds * room);
    centres_.resize(n * ds);
    product_.assign(room, 1.0);
    nearest_.assign(room, 0.5 * root_half);  // the prior component, of mean 1/2 and deviation 1, comes last
    for (std::size_t s = 0; s < ds; ++s) {
        const std::size_t j = smooth_[s];
        inverse_[s] = root_half / h_[j];
        log_scale_ -= std::log(h_[j] * root_two_pi);
        double* low = low_.data() + s * room;
        double* mass = mass_.data() + s * room;
        const bool narrow = 0.5 * inverse_[s] >= 6.0;
        nearest_[n] = 0.5 * root_half;
        for (std::size_t k = 0; k < n; ++k) {
            const double x = points_[k * d + j];
            centres_[k * ds + s] = x * inverse_[s];
            low[k] = x * inverse_[s];
            mass[k] = (1.0 - x) * inverse_[s];
            nearest_[k] = std::min(low[k], mass[k]);
        }
        if (narrow) {
            erf_array(nearest_.data(), room);
            for (std::size_t k = 0; k < n; ++k) {
                const bool left = low[k] < mass[k];
                low[k] = left ? nearest_[k] : 1.0;
                mass[k] = left ? 1.0 : nearest_[k];
            }
            low[n] = mass[n] = nearest_[n];
        } else {
            std::fill(low + n, low + room, 0.5 * root_half);
            std::fill(mass + n, mass + room, 0.5 * root_half);
            erf_array(low, room);
            erf_array(mass, room);
        }
        for (std::size_t k = 0; k <= n; ++k) {
            mass[k] = 0.5 * (mass[k] + low[k]);
            low[k] = 0.5 * (1.0 - low[k]);
            product_[k] *= mass[k];
        }
    }
    for (std::size_t k = 0; k < n; ++k) scaled_[k] /= product_[k];

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
        // Masses of cells by their distance from the centre, to both sides.
        around_.resize(2 * L - 1);
        around_[L - 1] = erfs_[0] - -erfs_[0];
        for (std::size_t i = 1; i < L; ++i) around_[L - 1 + i] = around_[L - 1 - i] = erfs_[i] - erfs_[i - 1];
        for (std::size_t c = 0; c < L; ++c) {
            if (!wanted[c]) continue;
            const double whole = whole_[t * max_levels_ + c] = erfs_[c] + erfs_[L - 1 - c];
            const double* mass = around_.data() + (L - 1 - c);
            for (std::size_t l = 0; l < L; ++l) table[c * L + l] = mass[l] / whole;
        }
        return;
    }
    erfs_.assign(padded_to(L + 1, 8), 0.0);
    for (std::size_t c = 0; c < L; ++c) {
        if (!wanted[c]) continue;
        const double centre = axis.middle(c);
        for (std::size_t i = 0; i <= L; ++i) erfs_[i] = std::fabs(axis.edges[i] - centre) * unit;
        erf_array(erfs_.data(), erfs_.size());
        const double whole = whole_[t * max_levels_ + c] = erfs_[0] + erfs_[L];
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
    tpe::kernel_sums({padded, n_, smooth_.size(), stepped_.size(), x_scaled_.data(), centres_.data(), scaled_.data(),
                      x_level_.data(), level_.data(), tables.data(), levels.data(), own_.data(), other_.data()},
                     out.data());
}

void Mixture::log_density(const Batch& batch, MutableColumn out) {
    std::vector<double> prior(batch.padded());
    log_prior(batch, prior);
    log_density(batch, prior, out);
}

void Mixture::log_prior(const Batch& batch, MutableColumn out) const {
    constexpr double peak = -0.5 * 1.8378770664093453;  // log of 1 / sqrt(2 pi)
    static const double log_mass = std::log(normal_mass(prior_mean, prior_deviation, 0.0, 1.0));
    const std::size_t padded = batch.padded();
    std::ranges::fill(out, static_cast<double>(smooth_.size()) * (peak - log_mass));
    for (const std::size_t j : smooth_) {
        const Column x = batch.column(j);
        for (std::size_t i = 0; i < padded; ++i) out[i] -= 0.5 * (x[i] - 0.5) * (x[i] - 0.5);
    }
    for (std::size_t t = 0; t < stepped_.size(); ++t) {
        const Column x = batch.column(stepped_[t]);
        const double* table = prior_tables_.data() + prior_at_[t];
        for (std::size_t i = 0; i < padded; ++i) out[i] += table[static_cast<std::size_t>(x[i])];
    }
}

void Mixture::log_density(const Batch& batch, Column log_prior, MutableColumn out) {
    kernel_sums(batch, out);
    finish(log_scale_, log_prior, out);
}

// Sums over kernels, times exp(log_scale), to log densities.
void Mixture::finish(double log_scale, Column log_prior, MutableColumn out) {
    prior_.resize(out.size());
    const double log_weight = std::log(prior_weight_);  // -infinity of 0
    for (std::size_t i = 0; i < prior_.size(); ++i) prior_[i] = log_prior[i] + log_weight;
    finish_log(out.data(), out.size(), log_scale, prior_.data(), std::log(total_));
}

// In single precision, as |x - c|^2 = |x|^2 + |c|^2 - 2 x.c, and without tables. A Gaussian's mass in a cell is the
// mean of its density at both sides of the middle, so it is at least that of a cell around the centre, times the
// density's ratio at the two middles.
void Mixture::log_bound(const Batch& batch, Column log_prior, MutableColumn out) {
    const std::size_t d = axes_.size(), dt = stepped_.size(), padded = batch.padded();
    std::vector<std::size_t> numeric = smooth_, categories;
    for (std::size_t t = 0; t < dt; ++t) (axes_[stepped_[t]].unordered ? categories : numeric).push_back(stepped_[t]);
    const std::size_t dn = numeric.size(), dc = categories.size();
    double log_scale = log_scale_, squares = 0.0;
    rough_x_.resize(dn * padded);
    rough_offset_.assign(padded, 0.0f);
    const std::size_t even = n_ + n_ % 2;  // one that weighs nothing makes their number even
    rough_centres_.assign(even * dn, 0.0f);
    rough_bias_.assign(even, 0.0f);
    rough_weight_.assign(even, 0.0f);
    std::vector<double>& weight = uniform_;
    weight = scaled_;
    for (std::size_t a = 0; a < dn; ++a) {
        const std::size_t j = numeric[a];
        const Axis& axis = axes_[j];
        const double unit = root_half / h_[j] * 1.2011224087864498;  // sqrt(log2 e)
        squares += 0.25 * unit * unit;
        float* x = rough_x_.data() + a * padded;
        const Column from = batch.column(j);
        if (axis.continuous()) {
            for (std::size_t i = 0; i < padded; ++i) {
                x[i] = static_cast<float>((from[i] - 0.5) * unit);
                rough_offset_[i] -= x[i] * x[i];
            }
            for (std::size_t k = 0; k < n_; ++k) {
                const auto c = static_cast<float>((points_[k * d + j] - 0.5) * unit);
                rough_centres_[k * dn + a] = 2.0f * c;
                rough_bias_[k] -= c * c;
            }
            continue;
        }
        const std::size_t t = static_cast<std::size_t>(std::ranges::find(stepped_, j) - stepped_.begin());
        // Logarithms of the masses of cells around the centre, and where they lie.
        erfs_.assign(padded_to(axis.levels, 8), 0.0);
        for (std::size_t l = 0; l < axis.levels; ++l) erfs_[l] = 0.5 * axis.width(l) * root_half / h_[j];
        erf_array(erfs_.data(), erfs_.size());
        const double widest = *std::max_element(erfs_.begin(), erfs_.end());
        log_scale += std::log(2.0 * widest);
        std::vector<float> middle(axis.levels), share(axis.levels);
        for (std::size_t l = 0; l < axis.levels; ++l) {
            middle[l] = static_cast<float>((axis.middle(l) - 0.5) * unit);
            share[l] = (axis.even ? 0.0f : static_cast<float>(std::log2(erfs_[l] / widest))) - middle[l] * middle[l];
        }
        for (std::size_t i = 0; i < padded; ++i) {
            const auto l = static_cast<std::size_t>(from[i]);
            x[i] = middle[l];
            rough_offset_[i] += share[l];
        }
        for (std::size_t k = 0; k < n_; ++k) {
            const std::uint32_t l = level_[k * dt + t];
            rough_centres_[k * dn + a] = 2.0f * middle[l];
            rough_bias_[k] -= middle[l] * middle[l];
            weight[k] /= whole_[t * max_levels_ + l];
        }
    }
    rough_category_.resize(dc * padded);
    rough_level_.assign(even * dc, 0.0f);
    rough_gain_.resize(dc);
    for (std::size_t a = 0; a < dc; ++a) {
        const std::size_t j = categories[a];
        const std::size_t t = static_cast<std::size_t>(std::ranges::find(stepped_, j) - stepped_.begin());
        const Column from = batch.column(j);
        for (std::size_t i = 0; i < padded; ++i) rough_category_[a * padded + i] = static_cast<float>(from[i]);
        for (std::size_t k = 0; k < n_; ++k) rough_level_[k * dc + a] = static_cast<float>(level_[k * dt + t]);
        rough_gain_[a] = static_cast<float>(std::log2(own_[t] / other_[t]));
        log_scale += std::log(other_[t]);
    }
    double heaviest = 0.0;
    for (const double w : weight) heaviest = std::max(heaviest, w);
    for (std::size_t k = 0; k < n_; ++k) rough_weight_[k] = static_cast<float>(weight[k] / heaviest);
    // What is left out is a thousandth of the prior component at most.
    constexpr double log2_e = 1.4426950408889634;
    const double lowest = *std::min_element(log_prior.begin(), log_prior.end()) + std::log(prior_weight_);
    const double cut =
        (lowest - log_scale - std::log(heaviest)) * log2_e - std::log2(static_cast<double>(n_ + 1)) - 10.0;
    rough_sums({padded, even, dn, dc, rough_x_.data(), rough_offset_.data(), rough_centres_.data(), rough_bias_.data(),
                rough_weight_.data(), rough_category_.data(), rough_level_.data(), rough_gain_.data(),
                static_cast<float>(cut)},
               out.data());
    // Exponents are sums of so many terms, none larger than four times the squares, each rounded by 2^-24.
    const double error = 1e-3 + 8.0 * squares * static_cast<double>(dn + dc + 4) * 0x1p-24;
    finish(log_scale + std::log(heaviest) - error, log_prior, out);
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
        double* out = &batch.at(j, first);
        const auto level_of = [&](std::size_t i) { return level_[origin_[i] * stepped_.size() + t]; };
        if (axis.unordered && axis.levels > most_counted) {
            for (std::size_t i = 0; i < n; ++i)
                out[i] = static_cast<double>(origin_[i] == n_ ? axis.level_of(uniform_[i])
                                                              : category_at(uniform_[i], t, level_of(i)));
            continue;
        }
        // The level at which a cumulative probability passes u. Neighbours come from one kernel if shared out evenly.
        double levels[8], u[8];
        std::vector<double>& edges = around_;
        edges.resize(axis.levels);
        for (std::size_t i = 0, end = 0; i < n; i = end) {
            while (end < n && origin_[end] == origin_[i]) ++end;
            if (origin_[i] == n_ && axis.unordered) {
                for (std::size_t k = i; k < end; ++k) out[k] = static_cast<double>(axis.level_of(uniform_[k]));
                continue;
            }
            const double* row = origin_[i] == n_ ? prior_shares_.data() + prior_at_[t]
                                                 : tables_.data() + table_at_[t] + level_of(i) * axis.levels;
            double sum = 0.0;
            for (std::size_t l = 0; l + 1 < axis.levels; ++l)
                edges[l] = sum += !axis.unordered ? row[l] : l == level_of(i) ? own_[t] : other_[t];
            for (std::size_t k = i; k < end; k += 8) {
                const std::size_t some = std::min<std::size_t>(8, end - k);
                for (std::size_t m = 0; m < 8; ++m) u[m] = uniform_[k + std::min(m, some - 1)];
                count_below(edges.data(), axis.levels - 1, u, 8, levels);
                std::copy_n(levels, some, out + k);
            }
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
