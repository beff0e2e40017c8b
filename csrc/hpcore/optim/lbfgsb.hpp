#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/view.hpp"

namespace hpcore::optim {

// Minimise a smooth function over a box by projected L-BFGS. The minimiser asks and is told, so that a caller can
// evaluate several of them at once, as one matrix:
//
//     while (!m.done()) m.tell(f(m.trial()), gradient);      then m.x(), m.value()
//
// Variables at a bound whose gradient points outwards are held; the direction is built on the others from the last
// `memory` steps (Nocedal 1980; Bertsekas 1982 for the projection), with a backtracking Armijo search along the
// projected path. A value that is not finite is a failed step, never an accepted one.
class BoxMinimizer {
  public:
    struct Options {
        std::size_t memory = 8;
        int max_iterations = 50;
        int max_evaluations = 100;
        double first_step = 0.1;           // longest move of any variable in the first step
        double gradient_tolerance = 1e-6;  // on the largest component of the projected gradient
        double value_tolerance = 1e-10;    // on the decrease of a step, relative to 1 + |f|
    };

    BoxMinimizer(std::vector<double> start, std::vector<double> lower, std::vector<double> upper,
                 const Options& options);

    bool done() const { return done_; }
    const std::vector<double>& trial() const { return trial_; }
    void tell(double f, Column gradient);

    const std::vector<double>& x() const { return x_; }
    double value() const { return f_; }
    int evaluations() const { return evaluations_; }

  private:
    struct Pair {
        std::vector<double> s, y;
        double inverse_sy;
    };

    bool held(std::size_t i) const;
    double projected_gradient() const;
    void choose_direction();
    void place_trial();
    void accept(double f, Column gradient);
    void reject(double f);

    Options options_;
    std::vector<double> lower_, upper_, x_, g_, trial_, direction_;
    std::vector<Pair> pairs_;  // oldest first
    double f_ = 0.0, step_ = 0.0, slope_ = 0.0;
    int iterations_ = 0, evaluations_ = 0, backtracks_ = 0;
    bool started_ = false, done_ = false;
};

}  // namespace hpcore::optim
