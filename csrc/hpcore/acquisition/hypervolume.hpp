#pragma once

#include <vector>

#include "hpcore/acquisition/acquisition.hpp"
#include "hpcore/acquisition/boxes.hpp"

namespace hpcore::acquisition {

// Logarithm of the expected hypervolume improvement on a front, for independent normal objectives, and its derivatives.
// Over disjoint boxes it is a sum of products of differences of one-dimensional expected improvements: Emmerich,
// Deutz & Klinkenberg 2011, "Hypervolume-based expected improvement: monotonicity properties and exact computation";
// in logarithms throughout, so that it has a slope where the improvement itself underflows. One a thread.
class HypervolumeImprovement {
  public:
    explicit HypervolumeImprovement(Boxes boxes);

    // mean and std (m,), by_mean and by_std (m,) or empty.
    double at(Column mean, Column std, MutableColumn by_mean = {}, MutableColumn by_std = {});
    const Boxes& boxes() const { return boxes_; }

  private:
    // log E max(edge - y, 0) of an edge, or of a box's extent in one objective, and its derivatives.
    struct Term {
        double value, by_mean, by_std;
    };
    static Term difference(const Term& low, const Term& high);

    Boxes boxes_;
    std::vector<Term> edges_[3];
    std::vector<Term> extents_;  // (boxes, m)
    std::vector<double> logs_;   // (boxes,)
};

// The same for a model of each objective, averaged over draws of their hyperparameters.
class ParetoImprovement final : public Acquisition {
  public:
    // Of each draw the models, 2 or 3 with the same points, which must outlive this; the boxes are in their units.
    ParetoImprovement(std::vector<std::vector<const gp::Regressor*>> draws, Boxes boxes);

    void values(Rows rows, MutableColumn out) override;
    void values_and_gradients(Rows rows, const std::vector<const std::vector<std::size_t>*>& moving, MutableColumn out,
                              std::vector<std::vector<double>>& gradients) override;
    const gp::Regressor& model() const override { return *draws_.front().models.front(); }

  private:
    struct Draw {
        std::vector<const gp::Regressor*> models;
        std::vector<gp::Prediction> predictions;
        double mean[3], std[3], by_mean[3], by_std[3], value;
    };
    double average(std::size_t i, bool with_slopes);

    std::vector<Draw> draws_;
    HypervolumeImprovement improvement_;
    std::vector<double> part_;
};

}  // namespace hpcore::acquisition
