#include "hpcore/gp/fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "hpcore/optim/lbfgsb.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::gp {
namespace {

std::vector<double> medians(const Layout& layout, const Prior& prior) {
    std::vector<double> theta(layout.size());
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] = prior.of(layout, i).mean;
    return theta;
}

}  // namespace

std::vector<double> fit_map(const linalg::Lapack& lapack, const Points& points, Column y, Column known_noise,
                            const FitOptions& options, const Deadline& deadline) {
    LogPosterior posterior(lapack, points, y, known_noise, options.prior);
    const Layout& layout = posterior.layout();
    std::vector<double> low, high;
    options.prior.bounds(layout, low, high);
    std::vector<double> best = medians(layout, options.prior);
    if (points.size() < 2) return best;

    std::vector<std::vector<double>> starts{best};
    std::vector<std::pair<double, std::vector<double>>> probes;
    const bool several = options.n_starts > 1 && points.n_observations() <= options.several_starts_until;
    if (several || layout.n_user() > 0) {
        // Part of the method, like the nodes of a quadrature rule, and so independent of the user's seed.
        Philox stream(streams::fit_key, 0, streams::own_key);
        for (int p = 0; p < options.n_probes; ++p) {
            if (deadline.passed()) return {};
            std::vector<double> theta = options.prior.draw(layout, stream);
            const double density = posterior(theta);
            probes.emplace_back(density, std::move(theta));
        }
        std::stable_sort(probes.begin(), probes.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    }
    for (int s = 1; several && s < options.n_starts && s <= options.n_probes; ++s)
        starts.push_back(probes[static_cast<std::size_t>(s - 1)].second);

    optim::BoxMinimizer::Options search;
    search.max_iterations = options.max_iterations;
    search.max_evaluations = 2 * options.max_iterations;
    search.first_step = 0.5;
    search.gradient_tolerance = 1e-3;
    search.value_tolerance = 1e-6;
    double best_value = std::numeric_limits<double>::infinity();
    std::vector<double> gradient(layout.size());
    for (std::size_t s = 0; s < starts.size(); ++s) {
        optim::BoxMinimizer minimizer(starts[s], low, high, search);
        while (!minimizer.done()) {
            if (deadline.passed()) return {};
            const double f = -posterior(minimizer.trial(), gradient);
            for (double& g : gradient) g = -g;
            minimizer.tell(f, gradient);
        }
        if (minimizer.value() < best_value) {
            best_value = minimizer.value();
            best = minimizer.x();
        }
        // A user's covariance may have several peaks: a probe above the point that the steps reached is on another one.
        if (s + 1 == starts.size() && !several && !probes.empty() && probes.front().first > -best_value) {
            starts.push_back(probes.front().second);
            probes.clear();
        }
    }
    return best;
}

double log_evidence(const linalg::Lapack& lapack, const Points& points, Column y, Column known_noise,
                    const Prior& prior, const std::vector<double>& theta, const TargetTransform& outputs) {
    double value = LogPosterior(lapack, points, y, known_noise, prior)(theta);
    for (std::size_t i = 0; i < points.size(); ++i) value += log_slope(outputs, y[i]);
    for (const Slope& slope : points.slopes()) value += log_slope(outputs, y[slope.point]);  // they are turned by it
    return value;
}

std::vector<std::vector<double>> sample_posterior(const linalg::Lapack& lapack, const Points& points, Column y,
                                                  Column known_noise, const Prior& prior, std::vector<double> theta,
                                                  int n, Philox& stream, const Deadline& deadline) {
    LogPosterior posterior(lapack, points, y, known_noise, prior);
    std::vector<double> low, high;
    prior.bounds(posterior.layout(), low, high);
    double value = posterior(theta);
    std::vector<std::vector<double>> draws;
    constexpr int sweeps_a_draw = 3, burn_in = 3;
    for (int sweep = 0; static_cast<int>(draws.size()) < n; ++sweep) {
        for (std::size_t i = 0; i < theta.size(); ++i) {
            if (!posterior.layout().used(i)) continue;
            const double here = theta[i];
            const double level = value + std::log(1.0 - stream.uniform());
            // An interval of one prior standard deviation, put down at random, then shrunk; the posterior is rarely
            // wider than the prior, so that stepping out would seldom pay its evaluations.
            const double width = 2.0 * prior.of(posterior.layout(), i).std;
            double left = std::max(low[i], here - width * stream.uniform());
            double right = std::min(high[i], left + width);
            for (int attempt = 0;; ++attempt) {
                if (attempt == 30) {  // the slice has shrunk to where we are
                    theta[i] = here;
                    break;
                }
                if (deadline.passed()) return {};
                theta[i] = left + (right - left) * stream.uniform();
                const double trial = posterior(theta);
                if (trial >= level) {
                    value = trial;
                    break;
                }
                (theta[i] < here ? left : right) = theta[i];
            }
        }
        if (sweep >= burn_in && (sweep - burn_in) % sweeps_a_draw == 0) draws.push_back(theta);
    }
    return draws;
}

}  // namespace hpcore::gp
