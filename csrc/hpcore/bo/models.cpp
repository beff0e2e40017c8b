#include "hpcore/bo/models.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "hpcore/bo/rows.hpp"
#include "hpcore/errors.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::bo {
namespace {

// Bits, so that NaN equals NaN.
bool same_bits(const std::vector<double>& a, Column b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

std::vector<double> noise_of(const Request& request, double scale, const std::vector<std::size_t>& which) {
    std::vector<double> out;
    if (request.std_errors.empty()) return out;
    for (const std::size_t i : which) {
        const double e = scale > 0.0 ? request.std_errors[i] / scale : 0.0;
        out.push_back(std::isfinite(e) ? std::min(e * e, 1e6) : 0.0);
    }
    return out;
}

// Derivatives of some rows, in order, and their targets.
struct Derivatives {
    std::vector<gp::Slope> slopes;
    std::vector<double> targets;
};

// Derivatives of the rows `which`, whose targets are made by `outputs`: those of the best and of the newest one in
// turn, as long as rows and derivatives are at most `most` together. Those of two trials are always taken.
Derivatives derivatives_of(const Request& request, const std::vector<std::size_t>& which,
                           const gp::TargetTransform& outputs, std::size_t d, std::size_t most) {
    const std::size_t n = which.size();
    std::vector<std::vector<std::pair<std::size_t, double>>> known(n);
    std::vector<std::size_t> best;
    for (std::size_t k = 0; k < n; ++k) {
        const std::size_t i = which[k];
        for (std::size_t j = 0; j < d; ++j) {
            const double derivative = request.gradients(i, j);
            if (std::isnan(derivative) || std::isnan(request.rows(i, j))) continue;
            const double target = gp::turn_derivative(outputs, request.values[i], derivative);
            if (std::isfinite(target)) known[k].emplace_back(j, target);
        }
        if (!known[k].empty()) best.push_back(k);
    }
    std::vector<std::size_t> newest(best.rbegin(), best.rend());
    std::stable_sort(best.begin(), best.end(),
                     [&](std::size_t a, std::size_t b) { return outputs.y[which[a]] < outputs.y[which[b]]; });
    std::size_t left = most - std::min(most, n), taken = 0, next_best = 0, next_newest = 0;
    std::vector<bool> chosen(n, false);
    while (taken < best.size()) {
        std::size_t& next = taken % 2 == 0 ? next_best : next_newest;
        const std::vector<std::size_t>& order = taken % 2 == 0 ? best : newest;
        while (chosen[order[next]]) ++next;
        const std::size_t k = order[next];
        if (taken >= 2 && known[k].size() > left) break;
        left -= std::min(left, known[k].size());
        chosen[k] = true;
        ++taken;
    }
    Derivatives out;
    for (std::size_t k = 0; k < n; ++k) {
        if (!chosen[k]) continue;
        for (const auto& [j, target] : known[k]) {
            out.slopes.push_back({k, j});
            out.targets.push_back(target);
        }
    }
    return out;
}

// The first n of a column, of which there may be none.
Column first_of(Column column, std::size_t n) {
    return column.empty() ? column : column.first(n);
}
Rows first_of(Rows rows, std::size_t n) {
    return rows.empty() ? Rows{} : rows.part(0, n);
}

}  // namespace

bool Models::hold(const Request& request) const {
    const std::size_t n = fitted;
    return n <= request.n() && !models.empty() && same_bits(rows, request.rows.part(0, n).flat()) &&
           same_bits(values, request.values.first(n)) && same_bits(errors, first_of(request.std_errors, n)) &&
           same_bits(gradients, first_of(request.gradients, n).flat());
}

bool Fitter::refit(const Request& request, std::size_t n_fit, Models& cache) const {
    const std::size_t d = moves_.d();
    if (cache.fitted == n_fit && cache.hold(request)) return true;
    const auto begin = Deadline::Clock::now();
    const auto out_of_time = [&] {
        costs_.fitted(std::min(n_fit, options_.fit_rows), seconds_since(begin));
        return false;
    };
    const Rows first_rows = request.rows.part(0, n_fit);
    const Column first_values = request.values.first(n_fit);
    const auto chosen = representative(moves_, first_rows, first_values, options_.fit_rows);
    gp::Points points(moves_.types(), options_.covariance);
    for (const std::size_t i : chosen) points.append(request.rows[i]);
    const bool with_gradients = uses_gradients(request, cache);
    gp::TargetTransform outputs;
    std::vector<double> y, noise;
    std::vector<std::vector<double>> thetas(1);
    gp::TransformKind taken = cache.transform;
    double most = -std::numeric_limits<double>::infinity();
    for (const gp::TransformKind transform : cache.transforms) {
        gp::TargetTransform seen = gp::standardise(first_values, transform);
        std::vector<double> targets;
        for (const std::size_t i : chosen) targets.push_back(seen.y[i]);
        if (with_gradients) {
            Derivatives derivatives = derivatives_of(request, chosen, seen, d, options_.fit_observations);
            points.observe(std::move(derivatives.slopes));
            targets.insert(targets.end(), derivatives.targets.begin(), derivatives.targets.end());
        }
        std::vector<double> variances = noise_of(request, seen.scale, chosen);
        std::vector<double> theta = gp::fit_map(lapack_, points, targets, variances, options_.fit, request.deadline);
        if (theta.empty()) return out_of_time();
        double evidence = 0.0;
        if (cache.transforms.size() > 1)
            evidence = gp::log_evidence(lapack_, points, targets, variances, options_.fit.prior, theta, seen);
        if (!thetas[0].empty() && !(evidence > most)) continue;
        most = evidence;
        taken = transform;
        outputs = std::move(seen);
        y = std::move(targets);
        noise = std::move(variances);
        thetas[0] = std::move(theta);
    }
    gp::Warp warp;
    if (cache.warp && gp::Warp::n_parameters(moves_.types()) > 0) {
        const std::vector<double> parameters =
            gp::fit_warp(lapack_, points, y, noise, options_.fit, thetas[0], request.deadline);
        if (parameters.empty()) return out_of_time();
        warp = gp::Warp(moves_.types(), parameters);
        gp::Points stretched(moves_.types(), options_.covariance);
        std::vector<double> row(d);
        for (const std::size_t i : chosen) {
            warp.apply(request.rows[i], row);
            stretched.append(row);
        }
        points = std::move(stretched);
    }
    if (options_.n_draws > 0) {
        Philox stream(request.key, n_fit, streams::gp_posterior);
        thetas = gp::sample_posterior(lapack_, points, y, noise, options_.fit.prior, thetas.front(), options_.n_draws,
                                      stream, request.deadline);
        if (thetas.empty()) return out_of_time();
    }
    Models fresh(cache.transforms, cache.warp, cache.length_scale_factor);
    fresh.transform = taken;
    fresh.members = representative(moves_, first_rows, first_values, options_.model_rows);
    fresh.member_rows = gather(request.rows, fresh.members);
    const std::vector<double> member_noise = noise_of(request, outputs.scale, fresh.members);
    for (std::vector<double>& theta : thetas) {
        if (request.deadline.passed()) return out_of_time();
        for (std::size_t j = 0; j < d; ++j) theta[j] += std::log(fresh.length_scale_factor);
        Model model{theta, warp, std::nullopt};
        // With gradients the models are built anew for each request.
        if (!with_gradients) grow(fresh, model, fresh.members.size(), 0, member_noise);
        fresh.models.push_back(std::move(model));
    }
    fresh.fitted = n_fit;
    const auto copy = [](Column from) { return std::vector<double>(from.begin(), from.end()); };
    fresh.rows = copy(first_rows.flat());
    fresh.values = copy(first_values);
    fresh.errors = copy(first_of(request.std_errors, n_fit));
    fresh.gradients = copy(first_of(request.gradients, n_fit).flat());
    cache = std::move(fresh);
    costs_.fitted(chosen.size(), seconds_since(begin) / cache.n_fits());
    return true;
}

void Fitter::extend(const Request& request, std::size_t n_fit, Models& cache) const {
    try {
        extend_all(request, n_fit, cache);
    } catch (...) {  // half of them is none
        cache.models.clear();
        throw;
    }
}

void Fitter::extend_all(const Request& request, std::size_t n_fit, Models& cache) const {
    std::vector<std::size_t>& members = cache.members;
    const std::size_t d = moves_.d();
    const std::size_t base =
        static_cast<std::size_t>(std::lower_bound(members.begin(), members.end(), n_fit) - members.begin());
    std::size_t held = base;  // appended rows that are still the request's
    while (held < members.size() && members[held] == n_fit + held - base && members[held] < request.n() &&
           std::memcmp(cache.member_rows.data() + held * d, request.rows[members[held]].data(), d * sizeof(double)) ==
               0)
        ++held;
    // Known noise is rescaled with the outputs, so that its rows cannot be kept; it is rarely given and never large.
    if (!request.std_errors.empty()) held = base;
    members.resize(held);
    cache.member_rows.resize(held * d);
    for (std::size_t i = n_fit + held - base; i < request.n(); ++i) {
        members.push_back(i);
        cache.member_rows.insert(cache.member_rows.end(), request.rows[i].begin(), request.rows[i].end());
    }
    double scale = 0.0;
    if (!request.std_errors.empty()) scale = gp::standardise(request.values.first(n_fit), cache.transform).scale;
    const std::vector<double> noise = noise_of(request, scale, members);
    if (uses_gradients(request, cache))
        build_with_slopes(request, cache, noise);
    else
        for (Model& model : cache.models) grow(cache, model, base, held, noise);
}

bool Fitter::uses_gradients(const Request& request, const Models& models) const {
    return !request.gradients.empty() && !models.warp && options_.covariance == nullptr;
}

// All models anew, from all members and the derivatives that are worth most: the targets of derivatives change with
// each value that is told, and so does the choice. Should a factor fail, the answer is a smoother model, as in grow().
void Fitter::build_with_slopes(const Request& request, Models& cache, const std::vector<double>& noise) const {
    const std::size_t d = moves_.d();
    const gp::TargetTransform outputs = gp::standardise(request.values, cache.transform);
    const Derivatives derivatives = derivatives_of(request, cache.members, outputs, d, options_.model_observations);
    const std::size_t noise_at = d + 1;
    for (Model& model : cache.models) {
        std::vector<double> theta = model.theta;
        const gp::Layout layout(moves_.types(), nullptr, true);
        // The first derivatives came after the fit.
        if (theta.size() < layout.size()) theta.push_back(options_.fit.prior.slope_noise.mean);
        for (;;) {
            try {
                model.regressor.emplace(lapack_, moves_.types(), theta);
                model.regressor->assign(cache.held_rows(d), noise, derivatives.slopes);
                break;
            } catch (const NotPositiveDefinite&) {
                if (theta[noise_at] > std::log(100.0)) throw;
                theta[noise_at] += std::log(100.0);
                theta[layout.slope_noise()] += std::log(100.0);
            }
        }
        model.regressor->set_slope_targets(derivatives.targets);
    }
}

// Bring a model that holds the first `held` members to all of them: the first `base` factored at once, the rest
// appended. A factor cannot fail in exact arithmetic, and the bounds keep the noise far above rounding; should one fail
// all the same, the answer is a smoother model, built again from its base so that it does not depend on when we came.
void Fitter::grow(Models& cache, Model& model, std::size_t base, std::size_t held,
                  const std::vector<double>& noise) const {
    const std::size_t d = moves_.d(), noise_at = d + 1;
    for (;;) {
        try {
            if (held < base || !model.regressor) {
                model.regressor.emplace(lapack_, moves_.types(), model.theta, options_.covariance);
                model.regressor->set_warp(model.warp);
                model.regressor->assign(cache.held_rows(d).part(0, base), noise);
                held = base;
            }
            model.regressor->truncate(held);
            for (std::size_t k = held; k < cache.members.size(); ++k)
                model.regressor->append(cache.held_rows(d)[k], noise.empty() ? 0.0 : noise[k]);
            return;
        } catch (const NotPositiveDefinite&) {
            if (model.theta[noise_at] > std::log(100.0)) {
                if (options_.covariance == nullptr) throw;
                options_.covariance->kernel().fail("is not positive definite");
            }
            model.theta[noise_at] += std::log(100.0);
            held = 0;
            model.regressor.reset();
        }
    }
}

}  // namespace hpcore::bo
