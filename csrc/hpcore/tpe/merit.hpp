#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/acquisition/boxes.hpp"
#include "hpcore/tpe/axis.hpp"
#include "hpcore/tpe/regression.hpp"
#include "hpcore/view.hpp"

namespace hpcore::tpe {

// What trials came to, beyond one value: columns of a row per trial, NaN where not known. Views.
struct Outcomes {
    Rows objectives;  // (n, m), lower is better; m is 1, 2 or 3
    Rows violations;  // (n, k), at most 0 where a limit holds; empty without a limit
    Column log_cost;  // (n,), empty where costs do not count
    // A cost function that is known in advance: points (q, d) of the cube and the logarithms of their costs (q,).
    Rows cost_points;
    Column cost_logs;
};

// The merit of a candidate: the logarithm of its expected improvement, on the best feasible value or of the hypervolume
// of the feasible front, times the probability that it is feasible, over its cost. Each from a kernel regression; the
// improvement counts from the first feasible trial on.
//
//   Gardner et al. 2014, "Bayesian optimization with inequality constraints"; Snoek, Larochelle & Adams 2012,
//   "Practical Bayesian optimization of machine learning algorithms", 3.2 (per cost).
class Merit {
  public:
    explicit Merit(const std::vector<Axis>& axes) : axes_(axes), embedding_(axes) {}
    Merit(const std::vector<Axis>& axes, double length_per_column) : axes_(axes), embedding_(axes, length_per_column) {}
    Merit(const Merit&) = delete;  // its regressions refer to its embedding
    Merit& operator=(const Merit&) = delete;

    // coordinates (n, d), NaN where inactive; place (n,): how trials rank, NaN without a rank; pending (p, d).
    void fit(Rows coordinates, Column place, const Outcomes& told, Rows pending);

    // Adds to score (m,) the merit of rows (m, d).
    void add(Rows rows, MutableColumn score);

    bool knows_costs() const { return !cost_.empty(); }
    // The cheapest of rows (m, d) by prediction, those farthest from the points (k, d) first. Needs costs.
    std::vector<std::size_t> cheap_and_far(Rows rows, Rows points);

  private:
    // A regression of outputs that are known of the same trials.
    struct Model {
        explicit Model(const Embedding& embedding) : regression(embedding) {}
        std::vector<std::size_t> trials;  // from n on: points of known cost
        Regression regression;
        std::vector<double> mean, std;  // (outputs, padded) at the rows of the last call
    };
    struct Output {
        std::size_t model, column;
    };
    std::vector<std::size_t> chosen(std::vector<std::size_t> known, Column place) const;
    std::size_t model_of(const std::vector<std::size_t>& trials);
    void learn_objectives(Column place, const Outcomes& told);
    void learn_limits(Column place, const Outcomes& told);
    void learn_cost(Column place, const Outcomes& told);
    void embed(Rows rows);
    void add_improvement(MutableColumn score);
    Column mean(Output output) const { return {models_[output.model].mean.data() + output.column * padded_, padded_}; }
    Column std(Output output) const { return {models_[output.model].std.data() + output.column * padded_, padded_}; }

    std::vector<Axis> axes_;
    Embedding embedding_;
    Rows coordinates_;  // during fit
    std::size_t n_ = 0;
    std::vector<double> cost_points_, pending_;  // coordinates (q, d), (n_pending, d)
    std::vector<Model> models_;
    std::vector<Output> objectives_, limits_, cost_;  // objectives_: none while nothing is feasible
    double best_ = 0.0;                               // least feasible value of one objective
    acquisition::Boxes boxes_;                        // what the front of several leaves
    std::size_t padded_ = 0;
    std::vector<double> rows_;  // (axes, padded)
    Rows axis_major() const { return {rows_.data(), axes_.size(), padded_}; }
};

}  // namespace hpcore::tpe
