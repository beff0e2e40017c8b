#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "hpcore/acquisition/move_set.hpp"
#include "hpcore/bo/ladder.hpp"
#include "hpcore/bo/options.hpp"
#include "hpcore/gp/regressor.hpp"
#include "hpcore/gp/target_transform.hpp"

namespace hpcore::bo {

struct Model {
    std::vector<double> theta;
    gp::Warp warp;
    std::optional<gp::Regressor> regressor;
};

// Models of one column of values, by one choice of transforms, warp and length scale factor; what they were computed
// from, and the rows they hold.
struct Models {
    Models(std::vector<gp::TransformKind> of, bool warped, double factor)
        : transforms(std::move(of)), warp(warped), length_scale_factor(factor) {}
    explicit Models(const View& view) : Models(view.transforms, view.warp, view.length_scale_factor) {}

    // True if the same models serve the view.
    bool serve(const View& view) const {
        return transforms == view.transforms && warp == view.warp && length_scale_factor == view.length_scale_factor;
    }
    // True if they were computed from the first observations of this very request.
    bool hold(const Request& request) const;
    Rows held_rows(std::size_t d) const { return {member_rows.data(), members.size(), d}; }
    double n_fits() const { return static_cast<double>(transforms.size()) + (warp ? 1.0 : 0.0); }

    std::vector<gp::TransformKind> transforms;
    gp::TransformKind transform = gp::TransformKind::clip;  // the chosen one
    bool warp = false;
    double length_scale_factor = 1.0;
    std::size_t fitted = 0;
    std::vector<double> rows, values, errors, gradients;
    std::vector<Model> models;
    std::vector<std::size_t> members;  // rows of the history, in order
    std::vector<double> member_rows;
};

// Computes models, and keeps what they cost. What it refers to must outlive it.
class Fitter {
  public:
    Fitter(const linalg::Lapack& lapack, const acquisition::MoveSet& moves, const SuggestOptions& options, Costs& costs)
        : lapack_(lapack), moves_(moves), options_(options), costs_(costs) {}

    // The last size of a history of n observations at which a fit is due.
    std::size_t scheduled(std::size_t n) const { return options_.schedule.at(n); }
    // Hyperparameters from the first n_fit observations alone, and models that hold those rows. False, and the models
    // as they were, if the time ran out on the way: half a fit would leave its trace on later suggestions.
    bool refit(const Request& request, std::size_t n_fit, Models& models) const;
    // Bring the models from the rows they hold to all of the request's. If it throws, no models are left.
    void extend(const Request& request, std::size_t n_fit, Models& models) const;

  private:
    void extend_all(const Request& request, std::size_t n_fit, Models& cache) const;
    void grow(Models& cache, Model& model, std::size_t base, std::size_t held, const std::vector<double>& noise) const;
    bool uses_gradients(const Request& request, const Models& models) const;
    void build_with_slopes(const Request& request, Models& cache, const std::vector<double>& noise) const;

    const linalg::Lapack& lapack_;
    const acquisition::MoveSet& moves_;
    const SuggestOptions& options_;
    Costs& costs_;
};

}  // namespace hpcore::bo
