#include "hpcore/acquisition/suggester.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "hpcore/errors.hpp"
#include "hpcore/linalg/cholesky.hpp"

namespace hpcore::acquisition {
namespace {

constexpr std::uint64_t search_purpose = 0x6770'0001u;  // the streams of this file
constexpr std::uint64_t draw_purpose = 0x6770'0002u;

// Bits, so that NaN equals NaN.
bool same_bits(const std::vector<double>& a, const double* b, std::size_t n) {
    return a.size() == n && (n == 0 || std::memcmp(a.data(), b, n * sizeof(double)) == 0);
}

std::vector<double> gather(const double* rows, std::size_t d, const std::vector<std::size_t>& which) {
    std::vector<double> out;
    out.reserve(which.size() * d);
    for (const std::size_t i : which) out.insert(out.end(), rows + i * d, rows + i * d + d);
    return out;
}

std::vector<double> noise_of(const Request& request, double scale, const std::vector<std::size_t>& which) {
    std::vector<double> out;
    if (request.std_errors == nullptr) return out;
    for (const std::size_t i : which) {
        const double e = scale > 0.0 ? request.std_errors[i] / scale : 0.0;
        out.push_back(std::isfinite(e) ? std::min(e * e, 1e6) : 0.0);
    }
    return out;
}

const double* data_or_null(const std::vector<double>& v) {
    return v.empty() ? nullptr : v.data();
}

}  // namespace

Suggester::Suggester(const linalg::Lapack& lapack, std::shared_ptr<const space::Codec> codec,
                     const std::vector<bool>& categorical, const SuggestOptions& options)
    : lapack_(lapack), domain_(std::move(codec), categorical, options.smooth_levels), options_(options) {}

std::vector<double> Suggester::theta() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return models_.empty() ? std::vector<double>{} : models_.front().theta;
}

// Hyperparameters from the first n_fit observations alone, and models that hold those rows.
void Suggester::refit(const Request& request, std::size_t n_fit) {
    const std::size_t d = domain_.d();
    if (fitted_ == n_fit && !models_.empty() && same_bits(fitted_rows_, request.rows, n_fit * d) &&
        same_bits(fitted_values_, request.values, n_fit) &&
        same_bits(fitted_errors_, request.std_errors, request.std_errors == nullptr ? 0 : n_fit))
        return;
    models_.clear();
    const gp::Outputs outputs = gp::standardise(request.values, n_fit, options_.transform);
    const auto chosen = representative(domain_, request.rows, outputs.y.data(), n_fit, options_.fit_rows);
    gp::Points points(domain_.types());
    std::vector<double> y;
    for (const std::size_t i : chosen) {
        points.append(request.rows + i * d);
        y.push_back(outputs.y[i]);
    }
    const std::vector<double> noise = noise_of(request, outputs.scale, chosen);
    std::vector<std::vector<double>> thetas{gp::fit_map(lapack_, points, y.data(), data_or_null(noise), options_.fit)};
    if (options_.n_draws > 0) {
        Philox stream(request.key, n_fit, draw_purpose);
        thetas = gp::sample_posterior(lapack_, points, y.data(), data_or_null(noise), options_.fit.prior,
                                      thetas.front(), options_.n_draws, stream);
    }
    members_ = representative(domain_, request.rows, outputs.y.data(), n_fit, options_.model_rows);
    member_rows_ = gather(request.rows, d, members_);
    const std::vector<double> member_noise = noise_of(request, outputs.scale, members_);
    for (std::vector<double>& theta : thetas) {
        Model model{theta, std::nullopt};
        grow(model, members_.size(), 0, member_noise);
        models_.push_back(std::move(model));
    }
    fitted_ = n_fit;
    fitted_rows_.assign(request.rows, request.rows + n_fit * d);
    fitted_values_.assign(request.values, request.values + n_fit);
    fitted_errors_.clear();
    if (request.std_errors != nullptr) fitted_errors_.assign(request.std_errors, request.std_errors + n_fit);
}

// Bring the models from the rows they hold to all of the request's.
void Suggester::extend(const Request& request, std::size_t n_fit) {
    const std::size_t d = domain_.d();
    const std::size_t base =
        static_cast<std::size_t>(std::lower_bound(members_.begin(), members_.end(), n_fit) - members_.begin());
    std::size_t held = base;  // of the appended rows, those that are still the request's
    while (held < members_.size() && members_[held] == n_fit + held - base && members_[held] < request.n &&
           std::memcmp(member_rows_.data() + held * d, request.rows + members_[held] * d, d * sizeof(double)) == 0)
        ++held;
    // Known noise is rescaled with the outputs, so that its rows cannot be kept; it is rarely given and never large.
    if (request.std_errors != nullptr) held = base;
    members_.resize(held);
    member_rows_.resize(held * d);
    for (std::size_t i = n_fit + held - base; i < request.n; ++i) {
        members_.push_back(i);
        member_rows_.insert(member_rows_.end(), request.rows + i * d, request.rows + i * d + d);
    }
    double scale = 0.0;
    if (request.std_errors != nullptr) scale = gp::standardise(request.values, n_fit, options_.transform).scale;
    const std::vector<double> noise = noise_of(request, scale, members_);
    for (Model& model : models_) grow(model, base, held, noise);
}

// Bring a model that holds the first `held` members to all of them: the first `base` factored at once, the rest
// appended. A factor cannot fail in exact arithmetic, and the bounds keep the noise far above rounding; should one fail
// all the same, the answer is a smoother model, built again from its base so that it does not depend on when we came.
void Suggester::grow(Model& model, std::size_t base, std::size_t held, const std::vector<double>& noise) {
    const std::size_t d = domain_.d(), noise_at = d + 1;
    for (;;) {
        try {
            if (held < base || !model.regressor) {
                model.regressor.emplace(lapack_, domain_.types(), model.theta);
                model.regressor->assign(member_rows_.data(), base, data_or_null(noise));
                held = base;
            }
            model.regressor->truncate(held);
            for (std::size_t k = held; k < members_.size(); ++k)
                model.regressor->append(member_rows_.data() + k * d, noise.empty() ? 0.0 : noise[k]);
            return;
        } catch (const NotPositiveDefinite&) {
            if (model.theta[noise_at] > std::log(100.0)) throw;
            model.theta[noise_at] += std::log(100.0);
            held = 0;
            model.regressor.reset();
        }
    }
}

std::vector<double> Suggester::suggest(const Request& request) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::size_t d = domain_.d();
    const std::uint64_t purpose = search_purpose + (request.attempt << 32);
    std::vector<double> out;
    std::vector<double> row(d);
    Seen seen;
    for (std::size_t i = 0; i < request.n; ++i) seen.insert(request.rows + i * d, d);
    for (std::size_t i = 0; i < request.n_failed; ++i) seen.insert(request.failed + i * d, d);
    for (std::size_t i = 0; i < request.n_pending; ++i) seen.insert(request.pending + i * d, d);
    const Maximizer maximizer(domain_, options_.search);
    if (request.n == 0) {
        for (std::size_t k = 0; k < request.count; ++k) {
            Philox stream(request.key, request.number + k, purpose);
            if (!maximizer.anything_unseen(seen, request.feasible, stream, row.data())) break;
            seen.insert(row.data(), d);
            out.insert(out.end(), row.begin(), row.end());
        }
        return out;
    }

    const std::size_t n_fit = options_.schedule.at(request.n);
    refit(request, n_fit);
    extend(request, n_fit);
    const gp::Outputs outputs = gp::standardise(request.values, request.n, options_.transform);
    const std::size_t n_held = members_.size();
    std::vector<double> y;
    for (const std::size_t i : members_) y.push_back(outputs.y[i]);

    std::vector<std::size_t> order(request.n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t n_incumbents = std::min(options_.n_incumbents, request.n);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n_incumbents), order.end(),
                      [&](std::size_t a, std::size_t b) {
                          return outputs.y[a] < outputs.y[b] || (outputs.y[a] == outputs.y[b] && a < b);
                      });
    order.resize(n_incumbents);
    const std::vector<double> incumbents = gather(request.rows, d, order);

    // Targets a model: real values, then what it believes about the points that are still out.
    std::vector<std::vector<double>> targets(models_.size(), y);
    std::vector<double> best(models_.size(), outputs.y[order[0]]);
    std::vector<double> fitted(n_held);
    for (std::size_t s = 0; s < models_.size(); ++s) {
        gp::Regressor& model = *models_[s].regressor;
        model.set_targets(targets[s].data());
        if (options_.posterior_best || request.std_errors != nullptr) {
            model.fitted(targets[s].data(), fitted.data());
            best[s] = *std::min_element(fitted.begin(), fitted.end());
        }
    }
    gp::Prediction prediction;
    const auto believe = [&](const double* at) {
        for (std::size_t s = 0; s < models_.size(); ++s) {
            gp::Regressor& model = *models_[s].regressor;
            model.predict(at, 1, prediction);
            targets[s].push_back(prediction.mean[0]);
            model.append(at, 0.0);
            model.set_targets(targets[s].data());
        }
    };
    for (std::size_t i = 0; i < request.n_pending; ++i) believe(request.pending + i * d);
    for (std::size_t k = 0; k < request.count; ++k) {
        Philox stream(request.key, request.number + k, purpose);
        Ensemble acquisition(options_.kind, options_.kappa);
        for (std::size_t s = 0; s < models_.size(); ++s) acquisition.add(*models_[s].regressor, best[s]);
        bool found = false;
        if (options_.thompson) {
            const gp::Regressor& model = *models_[(request.number + k) % models_.size()].regressor;
            found = maximizer.draw(lapack_, model, incumbents.data(), n_incumbents, seen, request.feasible, stream,
                                   row.data());
        } else {
            found = maximizer.maximize(acquisition, incumbents.data(), n_incumbents, seen, request.feasible, stream,
                                       row.data());
        }
        if (!found) break;
        seen.insert(row.data(), d);
        out.insert(out.end(), row.begin(), row.end());
        if (k + 1 < request.count) believe(row.data());
    }
    for (Model& model : models_) model.regressor->truncate(n_held);
    return out;
}

}  // namespace hpcore::acquisition
