#include "hpcore/optim/lbfgsb.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace hpcore::optim {
namespace {

double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

constexpr double sufficient_decrease = 1e-4;
constexpr int max_backtracks = 20;

}  // namespace

BoxMinimizer::BoxMinimizer(std::vector<double> start, std::vector<double> lower, std::vector<double> upper,
                           const Options& options)
    : options_(options), lower_(std::move(lower)), upper_(std::move(upper)), x_(std::move(start)) {
    for (std::size_t i = 0; i < x_.size(); ++i) x_[i] = std::clamp(x_[i], lower_[i], upper_[i]);
    g_.assign(x_.size(), 0.0);
    direction_.assign(x_.size(), 0.0);
    trial_ = x_;
    f_ = std::numeric_limits<double>::infinity();
    done_ = x_.empty();
}

bool BoxMinimizer::held(std::size_t i) const {
    return (x_[i] <= lower_[i] && g_[i] > 0.0) || (x_[i] >= upper_[i] && g_[i] < 0.0);
}

double BoxMinimizer::projected_gradient() const {
    double largest = 0.0;
    for (std::size_t i = 0; i < x_.size(); ++i)
        if (!held(i)) largest = std::max(largest, std::fabs(g_[i]));
    return largest;
}

void BoxMinimizer::choose_direction() {
    const std::size_t n = x_.size();
    std::vector<double> q(n);
    for (std::size_t i = 0; i < n; ++i) q[i] = held(i) ? 0.0 : g_[i];
    std::vector<double> a(pairs_.size());
    for (std::size_t k = pairs_.size(); k-- > 0;) {
        a[k] = pairs_[k].inverse_sy * dot(pairs_[k].s, q);
        for (std::size_t i = 0; i < n; ++i) q[i] -= a[k] * pairs_[k].y[i];
    }
    if (!pairs_.empty()) {
        const Pair& last = pairs_.back();
        const double scale = 1.0 / (last.inverse_sy * dot(last.y, last.y));
        for (double& v : q) v *= scale;
    }
    for (std::size_t k = 0; k < pairs_.size(); ++k) {
        const double b = pairs_[k].inverse_sy * dot(pairs_[k].y, q);
        for (std::size_t i = 0; i < n; ++i) q[i] += (a[k] - b) * pairs_[k].s[i];
    }
    slope_ = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
        direction_[i] = held(i) ? 0.0 : -q[i];
        slope_ += direction_[i] * g_[i];
    }
    step_ = 1.0;
    if (pairs_.empty() || !(slope_ < 0.0)) {
        pairs_.clear();
        slope_ = 0.0;
        for (std::size_t i = 0; i < n; ++i) {
            direction_[i] = held(i) ? 0.0 : -g_[i];
            slope_ += direction_[i] * g_[i];
        }
        const double largest = projected_gradient();
        if (largest > 0.0) step_ = options_.first_step / largest;
    }
    backtracks_ = 0;
}

void BoxMinimizer::place_trial() {
    bool moved = false;
    for (std::size_t i = 0; i < x_.size(); ++i) {
        trial_[i] = std::clamp(x_[i] + step_ * direction_[i], lower_[i], upper_[i]);
        moved = moved || trial_[i] != x_[i];
    }
    if (!moved) done_ = true;
}

void BoxMinimizer::accept(double f, Column gradient) {
    const std::size_t n = x_.size();
    if (started_) {
        Pair pair;
        pair.s.resize(n);
        pair.y.resize(n);
        for (std::size_t i = 0; i < n; ++i) {
            pair.s[i] = trial_[i] - x_[i];
            pair.y[i] = gradient[i] - g_[i];
        }
        const double sy = dot(pair.s, pair.y);
        // Without positive curvature the pair would spoil the metric; a search that only backtracks meets it often.
        if (sy > 1e-10 * std::sqrt(dot(pair.s, pair.s) * dot(pair.y, pair.y))) {
            pair.inverse_sy = 1.0 / sy;
            if (pairs_.size() == options_.memory) pairs_.erase(pairs_.begin());
            pairs_.push_back(std::move(pair));
        }
    }
    const double decrease = f_ - f;
    const bool stalled = started_ && decrease <= options_.value_tolerance * (1.0 + std::fabs(f));
    x_ = trial_;
    f_ = f;
    std::ranges::copy(gradient, g_.begin());
    if (started_) ++iterations_;
    started_ = true;
    if (stalled || iterations_ >= options_.max_iterations || projected_gradient() <= options_.gradient_tolerance) {
        done_ = true;
        return;
    }
    choose_direction();
    place_trial();
}

void BoxMinimizer::reject(double f) {
    if (++backtracks_ > max_backtracks) {
        done_ = true;
        return;
    }
    double shrink = 0.25;
    if (std::isfinite(f)) {  // the minimum of the parabola through f, its slope, and the rejected value
        const double reach = step_ * slope_;
        const double curvature = f - f_ - reach;
        if (curvature > 0.0) shrink = std::clamp(-0.5 * reach / curvature, 0.1, 0.5);
    }
    step_ *= shrink;
    place_trial();
}

void BoxMinimizer::tell(double f, Column gradient) {
    ++evaluations_;
    bool usable = std::isfinite(f);
    for (std::size_t i = 0; usable && i < x_.size(); ++i) usable = std::isfinite(gradient[i]);
    if (!started_) {
        if (!usable) {
            done_ = true;
            return;
        }
        accept(f, gradient);
    } else {
        double predicted = 0.0;  // along the projected path
        for (std::size_t i = 0; i < x_.size(); ++i) predicted += g_[i] * (trial_[i] - x_[i]);
        if (usable && f <= f_ + sufficient_decrease * std::min(predicted, 0.0) && f <= f_)
            accept(f, gradient);
        else
            reject(usable ? f : std::numeric_limits<double>::infinity());
    }
    if (evaluations_ >= options_.max_evaluations) done_ = true;
}

}  // namespace hpcore::optim
