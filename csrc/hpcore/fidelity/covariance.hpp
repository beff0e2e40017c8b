#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/gp/covariance.hpp"
#include "hpcore/gp/marginal_likelihood.hpp"
#include "hpcore/view.hpp"

// The covariance of a learning curve's Gaussian process, over a configuration x (a canonical row of the unit cube) and
// its fidelity u in [0, 1], 1 being the full one:
//
//     k((x, u), (x', u')) = v + f M(x, x') + h [x is x'] + (c + g M(x, x'; rho ell) + e [x is x']) T(u, u')
//     T(u, u') = (1 - u) (1 - u') M52(|u - u'| / lt) + t [u < 1] [u' < 1]
//
// and n on the diagonal. M is the Matern 5/2 of gp/covariance.hpp with its distances of numbers, categories and
// inactive columns. T is nil at u = 1: f alone is the function at full fidelity, and what the second term adds below it
// is the drift, of which c is common to all configurations, g varies smoothly between them and e is a configuration's
// own. t lets all lower fidelities differ from the full one by a jump. v is the prior variance of the constant mean.
//
// Freeze-thaw: Swersky, Snoek & Adams 2014, "Freeze-thaw Bayesian optimization"; the drift that depends on x, and
// vanishes at full fidelity, in place of exponential decays: measured, see benchmarks/quality.
namespace hpcore::fidelity {

using gp::ColumnType;
using gp::LogNormal;

constexpr double mean_variance = gp::mean_variance;  // v

// theta, in logarithms: that of gp::Layout, whose signal is f and whose noise is n, then those of the drift.
class Layout {
  public:
    explicit Layout(const std::vector<ColumnType>& columns) : base_(columns) {}
    const gp::Layout& base() const { return base_; }
    std::size_t drift() const { return base_.size(); }        // g
    std::size_t stretch() const { return base_.size() + 1; }  // rho
    std::size_t common() const { return base_.size() + 2; }   // c
    std::size_t memory() const { return base_.size() + 3; }   // lt
    std::size_t offset() const { return base_.size() + 4; }   // h
    std::size_t own() const { return base_.size() + 5; }      // e
    std::size_t jump() const { return base_.size() + 6; }     // t
    std::size_t size() const { return base_.size() + 7; }

  private:
    gp::Layout base_;
};

// Prior densities of theta; a standard deviation of 0 fixes a logarithm at its mean.
struct Prior {
    gp::Prior base;
    LogNormal drift, stretch, common, memory, offset, own, jump;

    static Prior standard(std::size_t d);
    const LogNormal& of(const Layout& layout, std::size_t i) const;
};

// theta with the exponentials taken.
struct Scales {
    Scales(const Layout& layout, Column theta);
    gp::Scales base;
    double f, n, g, rho, c, lt, h, e, t;
};

// Values of configurations at fidelities: row i is of configuration `of[i]` at fidelity u[i].
class Rows {
  public:
    explicit Rows(std::vector<ColumnType> columns) : points_(std::move(columns)) {}
    void add_configuration(Column row) { points_.append(row); }
    // The configuration must have been added.
    void add(std::size_t configuration, double u);

    std::size_t size() const { return of_.size(); }
    const gp::Points& points() const { return points_; }
    std::size_t of(std::size_t i) const { return of_[i]; }
    std::size_t level_of(std::size_t i) const { return level_of_[i]; }
    const std::vector<double>& levels() const { return levels_; }  // the distinct fidelities

  private:
    gp::Points points_;
    std::vector<std::size_t> of_, level_of_;
    std::vector<double> levels_;
};

// M52 and slope = -dM52 / ds2 at squared, scaled distances s2 (n,); `slope` may be empty.
void matern(Column s2, MutableColumn value, MutableColumn slope = {});

// T between two fidelities; `by_memory`, unless null, becomes dT / dlog lt.
double drift(const Scales& scales, double u, double v, double* by_memory = nullptr);

// The two factors of the covariance between a configuration and the first m: at full fidelity, without h, into `full`
// (m,), and in front of T, without e, into `drifting` (which may be empty).
void factors(const gp::Points& points, const Scales& scales, Column row, MutableColumn full,
             MutableColumn drifting = {});

}  // namespace hpcore::fidelity
