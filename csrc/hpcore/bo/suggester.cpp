#include "hpcore/bo/suggester.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "hpcore/acquisition/noisy_ei.hpp"
#include "hpcore/acquisition/path.hpp"
#include "hpcore/errors.hpp"
#include "hpcore/linalg/cholesky.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::bo {
namespace {

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

// Indices of the lowest few values, best first.
std::vector<std::size_t> best_few(const std::vector<double>& values, std::size_t most) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t n = std::min(most, order.size());
    std::partial_sort(
        order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
        [&](std::size_t a, std::size_t b) { return values[a] < values[b] || (values[a] == values[b] && a < b); });
    order.resize(n);
    return order;
}

double seconds_since(Deadline::Clock::time_point begin) {
    return std::chrono::duration<double>(Deadline::Clock::now() - begin).count();
}

const double* data_or_null(const std::vector<double>& v) {
    return v.empty() ? nullptr : v.data();
}

}  // namespace

Suggester::Suggester(const linalg::Lapack& lapack, std::shared_ptr<const space::Codec> codec,
                     const std::vector<bool>& categorical, const SuggestOptions& options)
    : lapack_(lapack), moves_(std::move(codec), categorical, options.smooth_levels), options_(options) {
    if (options_.views.empty()) throw std::invalid_argument("views must hold at least one view");
    for (const View& view : options_.views) {
        const auto same = std::find_if(caches_.begin(), caches_.end(), [&](const Cache& c) {
            return c.transforms == view.transforms && c.warp == view.warp &&
                   c.length_scale_factor == view.length_scale_factor;
        });
        cache_of_.push_back(static_cast<std::size_t>(same - caches_.begin()));
        if (same != caches_.end()) continue;
        caches_.emplace_back();
        if (view.transforms.empty()) throw std::invalid_argument("transforms must hold at least one transform");
        caches_.back().transforms = view.transforms;
        caches_.back().warp = view.warp;
        caches_.back().length_scale_factor = view.length_scale_factor;
    }
}

// True if the cache was computed from the first observations of this very request.
bool Suggester::holds(const Cache& cache, const Request& request, std::size_t d) {
    const std::size_t n = cache.fitted;
    return n <= request.n && !cache.models.empty() && same_bits(cache.rows, request.rows, n * d) &&
           same_bits(cache.values, request.values, n) &&
           same_bits(cache.errors, request.std_errors, request.std_errors == nullptr ? 0 : n);
}

// True if the fit that is due is in the cache, or the deadline leaves time for it.
bool Suggester::in_time(const Request& request, std::size_t view, std::size_t n_fit) const {
    if (!request.deadline.limited()) return true;
    const Cache& cache = caches_[cache_of_[view]];
    if (cache.fitted == n_fit && holds(cache, request, moves_.d())) return true;
    // A search cut short needs a fifth of a whole one to be worth a new fit.
    const double wanted = costs_.fit(std::min(n_fit, options_.fit_rows)) * n_fits(cache) +
                          0.2 * costs_.search(std::min(request.n, options_.model_rows));
    return wanted < request.deadline.left();
}

// Fall back on a cached fit, of this view or of another. False if there is none.
bool Suggester::fall_back(const Request& request, std::size_t& view, std::size_t& n_fit, Step& step) const {
    for (std::size_t turn = 0; turn < options_.views.size(); ++turn) {
        const std::size_t v = (view + turn) % options_.views.size();
        if (!holds(caches_[cache_of_[v]], request, moves_.d())) continue;
        step = Step::reuse;
        view = v;
        n_fit = caches_[cache_of_[v]].fitted;
        return true;
    }
    step = Step::none;
    return false;
}

// Hyperparameters from the first n_fit observations alone, and models that hold those rows. False, and the cache as it
// was, if the time ran out on the way: half a fit would leave its trace on later suggestions.
bool Suggester::refit(const Request& request, std::size_t n_fit, Cache& cache) {
    const std::size_t d = moves_.d();
    if (cache.fitted == n_fit && holds(cache, request, d)) return true;
    const auto begin = Deadline::Clock::now();
    const auto out_of_time = [&] {
        costs_.fitted(std::min(n_fit, options_.fit_rows), seconds_since(begin));
        return false;
    };
    const auto chosen = representative(moves_, request.rows, request.values, n_fit, options_.fit_rows);
    gp::Points points(moves_.types(), options_.covariance);
    for (const std::size_t i : chosen) points.append(request.rows + i * d);
    gp::TargetTransform outputs;
    std::vector<double> y, noise;
    std::vector<std::vector<double>> thetas(1);
    gp::TransformKind taken = cache.transform;
    double most = -std::numeric_limits<double>::infinity();
    for (const gp::TransformKind transform : cache.transforms) {
        gp::TargetTransform seen = gp::standardise(request.values, n_fit, transform);
        std::vector<double> targets;
        for (const std::size_t i : chosen) targets.push_back(seen.y[i]);
        std::vector<double> variances = noise_of(request, seen.scale, chosen);
        std::vector<double> theta =
            gp::fit_map(lapack_, points, targets.data(), data_or_null(variances), options_.fit, request.deadline);
        if (theta.empty()) return out_of_time();
        double evidence = 0.0;
        if (cache.transforms.size() > 1)
            evidence = gp::log_evidence(lapack_, points, targets.data(), data_or_null(variances), options_.fit.prior,
                                        theta, seen);
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
            gp::fit_warp(lapack_, points, y.data(), data_or_null(noise), options_.fit, thetas[0], request.deadline);
        if (parameters.empty()) return out_of_time();
        warp = gp::Warp(moves_.types(), parameters);
        gp::Points stretched(moves_.types(), options_.covariance);
        std::vector<double> row(d);
        for (const std::size_t i : chosen) {
            warp.apply(request.rows + i * d, row.data());
            stretched.append(row.data());
        }
        points = std::move(stretched);
    }
    if (options_.n_draws > 0) {
        Philox stream(request.key, n_fit, streams::gp_posterior);
        thetas = gp::sample_posterior(lapack_, points, y.data(), data_or_null(noise), options_.fit.prior,
                                      thetas.front(), options_.n_draws, stream, request.deadline);
        if (thetas.empty()) return out_of_time();
    }
    Cache fresh;
    fresh.transforms = cache.transforms;
    fresh.transform = taken;
    fresh.warp = cache.warp;
    fresh.length_scale_factor = cache.length_scale_factor;
    fresh.members = representative(moves_, request.rows, request.values, n_fit, options_.model_rows);
    fresh.member_rows = gather(request.rows, d, fresh.members);
    const std::vector<double> member_noise = noise_of(request, outputs.scale, fresh.members);
    for (std::vector<double>& theta : thetas) {
        if (request.deadline.passed()) return out_of_time();
        for (std::size_t j = 0; j < d; ++j) theta[j] += std::log(fresh.length_scale_factor);
        Model model{theta, warp, std::nullopt};
        grow(fresh, model, fresh.members.size(), 0, member_noise);
        fresh.models.push_back(std::move(model));
    }
    fresh.fitted = n_fit;
    fresh.rows.assign(request.rows, request.rows + n_fit * d);
    fresh.values.assign(request.values, request.values + n_fit);
    if (request.std_errors != nullptr) fresh.errors.assign(request.std_errors, request.std_errors + n_fit);
    cache = std::move(fresh);
    costs_.fitted(chosen.size(), seconds_since(begin) / n_fits(cache));
    return true;
}

// Bring the models from the rows they hold to all of the request's.
void Suggester::extend(const Request& request, std::size_t n_fit, Cache& cache) const {
    std::vector<std::size_t>& members = cache.members;
    const std::size_t d = moves_.d();
    const std::size_t base =
        static_cast<std::size_t>(std::lower_bound(members.begin(), members.end(), n_fit) - members.begin());
    std::size_t held = base;  // appended rows that are still the request's
    while (held < members.size() && members[held] == n_fit + held - base && members[held] < request.n &&
           std::memcmp(cache.member_rows.data() + held * d, request.rows + members[held] * d, d * sizeof(double)) == 0)
        ++held;
    // Known noise is rescaled with the outputs, so that its rows cannot be kept; it is rarely given and never large.
    if (request.std_errors != nullptr) held = base;
    members.resize(held);
    cache.member_rows.resize(held * d);
    for (std::size_t i = n_fit + held - base; i < request.n; ++i) {
        members.push_back(i);
        cache.member_rows.insert(cache.member_rows.end(), request.rows + i * d, request.rows + i * d + d);
    }
    double scale = 0.0;
    if (request.std_errors != nullptr) scale = gp::standardise(request.values, n_fit, cache.transform).scale;
    const std::vector<double> noise = noise_of(request, scale, members);
    for (Model& model : cache.models) grow(cache, model, base, held, noise);
}

// Bring a model that holds the first `held` members to all of them: the first `base` factored at once, the rest
// appended. A factor cannot fail in exact arithmetic, and the bounds keep the noise far above rounding; should one fail
// all the same, the answer is a smoother model, built again from its base so that it does not depend on when we came.
void Suggester::grow(Cache& cache, Model& model, std::size_t base, std::size_t held,
                     const std::vector<double>& noise) const {
    const std::size_t d = moves_.d(), noise_at = d + 1;
    for (;;) {
        try {
            if (held < base || !model.regressor) {
                model.regressor.emplace(lapack_, moves_.types(), model.theta, options_.covariance);
                model.regressor->set_warp(model.warp);
                model.regressor->assign(cache.member_rows.data(), base, data_or_null(noise));
                held = base;
            }
            model.regressor->truncate(held);
            for (std::size_t k = held; k < cache.members.size(); ++k)
                model.regressor->append(cache.member_rows.data() + k * d, noise.empty() ? 0.0 : noise[k]);
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

// The k-th suggestion of a request, the earlier ones being `chosen`.
bool Suggester::suggest_one(const Request& request, std::size_t k, const std::vector<double>& chosen,
                            const acquisition::Seen& seen, double* row, Step& step) {
    const std::size_t d = moves_.d();
    std::size_t n_fit = options_.schedule.at(request.n);
    std::size_t turn = (request.number + k) % options_.views.size();
    // The predicted time may be wrong, so that the fit looks at the clock as well.
    if (!(in_time(request, turn, n_fit) && refit(request, n_fit, caches_[cache_of_[turn]])) &&
        !fall_back(request, turn, n_fit, step))
        return false;
    const View& view = options_.views[turn];
    Cache& cache = caches_[cache_of_[turn]];
    try {
        extend(request, n_fit, cache);
    } catch (...) {  // half of a cache is none
        cache.models.clear();
        throw;
    }
    const gp::TargetTransform outputs = gp::standardise(request.values, request.n, cache.transform);
    const std::size_t n_held = cache.members.size();
    std::vector<double> y;
    for (const std::size_t i : cache.members) y.push_back(outputs.y[i]);

    const std::vector<std::size_t> order = best_few(outputs.y, options_.n_incumbents);
    const std::size_t n_incumbents = order.size();
    const std::vector<double> incumbents = gather(request.rows, d, order);

    Philox stream(request.key, request.number + k, streams::at_attempt(streams::gp_search, request.attempt));
    const Model& drawn = cache.models[(request.number + k) % cache.models.size()];  // model of a Thompson draw
    std::optional<acquisition::Path> path;
    acquisition::Ensemble acquisition(
        {view.thompson ? acquisition::Kind::draw : view.kind, view.kappa, options_.acquisition});
    if (options_.prior) acquisition.weigh(options_.prior, request.n);
    std::vector<double> fitted(n_held);
    gp::Prediction prediction;
    for (Model& m : cache.models) {
        gp::Regressor& model = *m.regressor;
        // Observed values, then the model's fantasies of the pending points.
        std::vector<double> targets = y;
        model.set_targets(targets.data());
        double best = outputs.y[order[0]];
        if (view.posterior_best || request.std_errors != nullptr) {
            model.fitted(targets.data(), fitted.data());
            best = *std::min_element(fitted.begin(), fitted.end());
        }
        if (view.noisy) {
            // Those that are still out, then the best few by what the model makes of their values.
            std::vector<double> rows(request.pending, request.pending + request.n_pending * d);
            rows.insert(rows.end(), chosen.begin(), chosen.end());
            model.fitted(targets.data(), fitted.data());
            for (const std::size_t i : best_few(fitted, 2 * options_.n_incumbents))
                rows.insert(rows.end(), cache.member_rows.begin() + static_cast<std::ptrdiff_t>(i * d),
                            cache.member_rows.begin() + static_cast<std::ptrdiff_t>(i * d + d));
            const std::size_t n_draws = std::max<std::size_t>(options_.n_noisy_draws / cache.models.size(), 4);
            acquisition::add_noisy_ei(lapack_, model, targets, rows.data(), rows.size() / d, n_draws, view.xi,
                                      acquisition);
            continue;
        }
        const auto fantasise = [&](const double* at) {
            model.predict(at, 1, prediction);
            targets.push_back(prediction.mean[0]);
            // Fantasised without noise, and to be improved on: else the next point of a batch would be next to it.
            best = std::min(best, prediction.mean[0]);
            model.append(at, acquisition::fantasy_noise - model.scales().noise);
            model.set_targets(targets.data());
        };
        for (std::size_t i = 0; i < request.n_pending; ++i) fantasise(request.pending + i * d);
        for (std::size_t i = 0; i < k; ++i) fantasise(chosen.data() + i * d);
        if (view.thompson && &m == &drawn && options_.covariance == nullptr) {
            path.emplace(model, targets, stream);
            acquisition.add(model, best);
            acquisition.follow(*path);
        } else if (!view.thompson) {
            acquisition.add(model, best - view.xi);
        }
    }
    const double side = options_.trust_region.side(request.values, request.n, d);
    acquisition::Maximizer maximizer(moves_, options_.search, incumbents.data(), side < 1.0 ? 0.5 * side : 1.0);
    maximizer.add_candidates(request.extra, request.n_extra);
    bool found = false;
    if (view.thompson && !path) {
        found = maximizer.draw(lapack_, *drawn.regressor, options_.prior ? &options_.prior : nullptr, request.n,
                               incumbents.data(), n_incumbents, seen, request.feasible, stream, row);
    } else {
        // A search that should fit in its time is the one without a deadline, to the last bit.
        const bool hurried = costs_.search(n_held) > 0.7 * request.deadline.left();
        const auto begin = Deadline::Clock::now();
        found = maximizer.maximize(acquisition, incumbents.data(), n_incumbents, n_held, request.n_pending + k, seen,
                                   request.feasible, stream, row, hurried ? request.deadline : Deadline{},
                                   request.repeats > 1);
        if (hurried)
            step = Step::search;
        else
            costs_.searched(n_held, seconds_since(begin));
    }
    for (Model& m : cache.models) m.regressor->truncate(n_held);
    return found;
}

std::vector<double> Suggester::suggest(const Request& request, Step* lowest) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::size_t d = moves_.d();
    std::vector<double> out, row(d);
    // Rows that were there once, twice, ...; those that were there as often as they may be are the ones to avoid.
    std::vector<acquisition::Seen> times(1);
    const auto note = [&](const double* at) {
        std::size_t k = 0;
        while (k + 1 < request.repeats && times[k].contains(at, d))
            if (++k == times.size()) times.emplace_back();
        times[k].insert(at, d);
    };
    for (std::size_t i = 0; i < request.n; ++i) note(request.rows + i * d);
    for (std::size_t i = 0; i < request.n_pending; ++i) note(request.pending + i * d);
    const acquisition::Seen none;
    for (std::size_t k = 0; k < request.count; ++k) {
        if (k > 0 && request.deadline.passed()) break;
        const acquisition::Seen& seen = request.repeats <= times.size() ? times.back() : none;
        bool found = false;
        if (request.n == 0) {
            Philox stream(request.key, request.number + k, streams::at_attempt(streams::gp_search, request.attempt));
            found = acquisition::Maximizer(moves_, options_.search)
                        .anything_unseen(seen, request.feasible, stream, row.data());
        } else {
            Step step = Step::full;
            found = suggest_one(request, k, out, seen, row.data(), step);
            if (lowest != nullptr) *lowest = std::max(*lowest, step);
        }
        if (!found) break;
        note(row.data());
        out.insert(out.end(), row.begin(), row.end());
    }
    return out;
}

}  // namespace hpcore::bo
