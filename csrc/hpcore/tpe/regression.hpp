#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/tpe/axis.hpp"
#include "hpcore/tpe/kernel_sums.hpp"
#include "hpcore/view.hpp"

namespace hpcore::tpe {

// Rows of the cube as a kernel regression sees them: a number, or 1/2 where inactive, per numeric axis, and a level per
// categorical one, where inactive is a level of its own.
class Embedding {
  public:
    // length_per_column: the kernel's length over the root of the number of columns.
    explicit Embedding(const std::vector<Axis>& axes, double length_per_column = 0.3);

    std::size_t axes() const { return axes_.size(); }
    std::size_t numeric() const { return n_numeric_; }
    double length() const { return length_; }  // of the kernel
    // coordinates (axes,), NaN where inactive, into out (axes,): the numeric ones first.
    void place(Column coordinates, MutableColumn out) const;
    // Squared distance between embedded points, a (axes,), and b with its axes `stride` apart.
    double distance(Column a, const double* b, std::size_t stride) const;

  private:
    std::vector<Axis> axes_;  // numeric ones first
    std::vector<std::size_t> from_;
    std::size_t n_numeric_ = 0;
    double length_ = 1.0;
};

// Kernel regression of several outputs at the same points: Gaussian processes with one Matern-5/2 covariance that is
// not learnt (Rasmussen & Williams 2006, 2.2), so that they share a factor and cost no search for hyperparameters. The
// length is the embedding's, 0.3 times the root of the number of columns unless told otherwise, a category counting as
// many as it has levels; signal variances as the outputs' own, a two-hundredth of it noise.
class Regression {
  public:
    explicit Regression(const Embedding& embedding) : embedding_(embedding) {}

    // points (n + n_pending, axes) as the embedding places them; the last n_pending are being evaluated: they narrow
    // what is not known and leave means alone. Forgets the outputs.
    void fit(Rows points, std::size_t n_pending);
    // y (n,), finite, in any units.
    void add_output(Column y);
    std::size_t n() const { return n_; }
    std::size_t outputs() const { return mean_.size(); }

    // Rows (axes, padded), an axis after the other, `padded` a multiple of `block`: the outputs' means into mean
    // (outputs, padded), their standard deviations into std (outputs, padded).
    void predict(Rows rows, MutableRows mean, MutableRows std) const;

  private:
    Points view() const;

    const Embedding& embedding_;
    std::size_t n_ = 0, size_ = 0;
    std::vector<double> points_;   // (size, axes)
    std::vector<double> factor_;   // (size, size) lower, row-major; 1 over the diagonal in its place
    std::vector<double> upper_;    // scratch of fit
    std::vector<double> targets_;  // (outputs, n) L^-1 of the standardised outputs
    std::vector<double> mean_, deviation_;
};

}  // namespace hpcore::tpe
