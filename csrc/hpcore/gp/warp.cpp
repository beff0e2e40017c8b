#include "hpcore/gp/warp.hpp"

#include <algorithm>
#include <cmath>

#include "hpcore/optim/lbfgsb.hpp"

namespace hpcore::gp {
namespace {

// The ends of the range are kept off 0 and 1, where the slopes of w may be infinite.
constexpr double margin = 1e-6;
constexpr double most = 2.0;  // bound on |log a| and |log b|

double inside(double u) {
    return margin + (1.0 - 2.0 * margin) * u;
}

}  // namespace

Warp::Warp(const std::vector<ColumnType>& columns, const std::vector<double>& parameters)
    : parameters_(parameters), a_(columns.size(), 0.0), b_(columns.size(), 0.0) {
    std::size_t k = 0;
    for (std::size_t j = 0; j < columns.size(); ++j) {
        if (columns[j].categorical) continue;
        a_[j] = std::exp(parameters_[k++]);
        b_[j] = std::exp(parameters_[k++]);
    }
}

std::size_t Warp::n_parameters(const std::vector<ColumnType>& columns) {
    return 2 * static_cast<std::size_t>(
                   std::count_if(columns.begin(), columns.end(), [](const ColumnType& c) { return !c.categorical; }));
}

void Warp::apply(Column row, MutableColumn out) const {
    for (std::size_t j = 0; j < a_.size(); ++j) {
        out[j] = row[j];
        if (!moves(j) || std::isnan(row[j])) continue;
        const double t = std::exp(a_[j] * std::log(inside(row[j])));
        out[j] = -std::expm1(b_[j] * std::log1p(-t));
    }
}

double Warp::slope(std::size_t j, double u) const {
    if (identity() || !moves(j)) return 1.0;
    const double log_v = std::log(inside(u)), log_rest = std::log1p(-std::exp(a_[j] * log_v));
    return (1.0 - 2.0 * margin) * a_[j] * b_[j] * std::exp((a_[j] - 1.0) * log_v + (b_[j] - 1.0) * log_rest);
}

void Warp::by_parameters(std::size_t j, double u, double& by_log_a, double& by_log_b) const {
    const double log_v = std::log(inside(u)), t = std::exp(a_[j] * log_v), log_rest = std::log1p(-t);
    by_log_a = b_[j] * std::exp((b_[j] - 1.0) * log_rest) * t * a_[j] * log_v;
    by_log_b = -std::exp(b_[j] * log_rest) * log_rest * b_[j];
}

std::vector<double> fit_warp(const linalg::Lapack& lapack, const Points& points, Column y, Column known_noise,
                             const FitOptions& options, std::vector<double>& theta, const Deadline& deadline) {
    const std::vector<ColumnType>& columns = points.columns();
    const std::size_t n = points.size(), d = columns.size(), m = theta.size(), extra = Warp::n_parameters(columns);
    std::vector<double> data(n * d), row(d);
    const MutableRows rows{data.data(), n, d};
    for (std::size_t i = 0; i < n; ++i) points.row(i, rows[i]);
    Points warped(columns);
    std::vector<double> low, high;
    options.prior.bounds(Layout(columns), low, high);
    low.resize(m + extra, -most);
    high.resize(m + extra, most);
    std::vector<double> start = theta;
    start.resize(m + extra, 0.0);

    optim::BoxMinimizer::Options search;
    search.max_iterations = options.max_iterations;
    search.max_evaluations = 2 * options.max_iterations;
    search.first_step = 0.2;
    search.gradient_tolerance = 1e-3;
    search.value_tolerance = 1e-6;
    optim::BoxMinimizer minimizer(start, low, high, search);
    std::vector<double> gradient(m + extra), slopes(n * d);
    const MutableRows by_input{slopes.data(), n, d};
    while (!minimizer.done()) {
        if (deadline.passed()) return {};
        const std::vector<double>& at = minimizer.trial();
        const Warp warp(columns, {at.begin() + static_cast<std::ptrdiff_t>(m), at.end()});
        warped.truncate(0);
        for (std::size_t i = 0; i < n; ++i) {
            warp.apply(rows[i], row);
            warped.append(row);
        }
        LogPosterior density(lapack, warped, y, known_noise, options.prior);
        const Column of_density{at.data(), m};
        double value = density(of_density, {gradient.data(), m});
        density.input_gradient(of_density, by_input);
        std::fill(gradient.begin() + static_cast<std::ptrdiff_t>(m), gradient.end(), 0.0);
        for (std::size_t i = 0; i < n; ++i) {
            std::size_t k = m;
            for (std::size_t j = 0; j < d; ++j) {
                if (columns[j].categorical) continue;
                const double u = rows(i, j);
                double by_a = 0.0, by_b = 0.0;
                if (!std::isnan(u)) warp.by_parameters(j, u, by_a, by_b);
                gradient[k++] += by_input(i, j) * by_a;
                gradient[k++] += by_input(i, j) * by_b;
            }
        }
        for (std::size_t k = m; k < m + extra; ++k) {
            value -= 0.5 * at[k] * at[k] / (warp_prior_std * warp_prior_std);
            gradient[k] -= at[k] / (warp_prior_std * warp_prior_std);
        }
        for (double& g : gradient) g = -g;
        minimizer.tell(-value, gradient);
    }
    const std::vector<double>& best = minimizer.x();
    std::copy_n(best.begin(), m, theta.begin());
    return {best.begin() + static_cast<std::ptrdiff_t>(m), best.end()};
}

}  // namespace hpcore::gp
