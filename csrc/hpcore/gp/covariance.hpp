#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "hpcore/gp/user_covariance.hpp"
#include "hpcore/view.hpp"

// The covariance of the Gaussian process, on canonical rows of the unit cube (NaN = inactive):
//
//     k(u, u') = c + sf2 (1 + s + s^2 / 3) exp(-s),     s^2 = 5 sum_j D_j(u_j, u'_j) / ell_j^2
//
//     D = (u - u')^2 for numbers, [u != u'] for categories, 0 where both are inactive
//     where one is inactive: (u - 1/2)^2 + h2 for numbers, 1/2 + h2 for categories
//
// Matern 5/2 with automatic relevance determination. c is the prior variance of the constant mean: integrating the
// mean out is the same as adding c to every covariance. An integer has canonical coordinates already, so the
// covariance sees the rounded value.
//
// With a covariance kappa of the user's over the numeric columns,
//
//     k(u, u') = c + sf2 kappa(u, u') (1 + s + s^2 / 3) exp(-s)
//
// where s sums over the columns that kappa does not see: categories, and which conditional columns are active. A
// product of two covariances is one.
//
// Inactive is one point of its own, off the middle of the active ones by the learnt height h. Every D is then a squared
// Euclidean distance, which is what makes k positive definite; one constant distance to all active values is not.
namespace hpcore::gp {

struct ColumnType {
    bool categorical = false;
    bool conditional = false;
};

// Observed derivative at a point, in a numeric column that is active there: gp/slopes.hpp.
struct Slope {
    std::size_t point = 0, column = 0;
};

// theta, in logarithms: d length scales, signal variance, noise variance, and the squared height h2 of
// inactive if there is a conditional column. Then the hyperparameters of a user's covariance. Where derivatives are
// observed, last their noise variance, relative to their variance before there are data.
class Layout {
  public:
    // `user` may be null, and is not kept.
    explicit Layout(const std::vector<ColumnType>& columns, const UserCovariance* user = nullptr, bool slopes = false);
    std::size_t d() const { return d_; }
    std::size_t size() const { return slope_noise() + (slopes_ ? 1 : 0); }
    std::size_t signal() const { return d_; }
    std::size_t noise() const { return d_ + 1; }
    std::size_t inactive() const { return d_ + 2; }
    bool conditional() const { return conditional_; }
    std::size_t user() const { return d_ + 2 + (conditional_ ? 1 : 0); }
    std::size_t n_user() const { return n_user_; }
    bool slopes() const { return slopes_; }
    std::size_t slope_noise() const { return user() + n_user_; }
    bool user_logarithmic() const { return user_logarithmic_; }
    // True if the covariance depends on theta i; false for length scales of columns that only the user's covariance
    // sees.
    bool used(std::size_t i) const { return i >= d_ || used_[i]; }
    // True for the length scales of numbers that the covariance depends on.
    bool used_number(std::size_t i) const { return i < d_ && used_[i] && !categorical_[i]; }

  private:
    std::size_t d_;
    bool conditional_;
    std::size_t n_user_;
    bool user_logarithmic_, slopes_;
    std::vector<bool> used_, categorical_;
};

// theta with the exponentials taken.
struct Scales {
    Scales(const Layout& layout, Column theta);
    std::vector<double> weight;  // 5 / ell_j^2
    double signal = 1.0, noise = 0.0, inactive = 0.2, slope_noise = 0.0;
    std::vector<double> user;  // theta of the user's covariance, as its kernel takes it
};

// Rows, stored by column so that one row against all of them is a loop over contiguous doubles.
class Points {
  public:
    explicit Points(std::vector<ColumnType> columns, std::shared_ptr<const UserCovariance> user = nullptr);

    void append(Column row);
    void truncate(std::size_t n);
    std::size_t size() const { return n_; }
    std::size_t d() const { return columns_.size(); }
    const std::vector<ColumnType>& columns() const { return columns_; }

    Column value(std::size_t j) const { return {values_.data() + j * stride_, n_}; }   // 1/2 where inactive
    Column active(std::size_t j) const { return {active_.data() + j * stride_, n_}; }  // 1 or 0; conditional only
    void row(std::size_t i, MutableColumn out) const;

    // Derivatives that are observed at the points held so far, those of one point together and points in order. Points
    // appended later have none.
    void observe(std::vector<Slope> slopes);
    const std::vector<Slope>& slopes() const { return slopes_; }
    // Observations: the points that were there when the derivatives came, then these, then later points.
    std::size_t n_observations() const { return n_ + slopes_.size(); }
    std::size_t before_slopes() const { return before_slopes_; }
    std::size_t observation(std::size_t i) const { return i < before_slopes_ ? i : i + slopes_.size(); }

    Layout layout() const { return Layout(columns_, user_.get(), !slopes_.empty()); }
    const std::shared_ptr<const UserCovariance>& user() const { return user_; }
    // With a user's covariance: the columns that it sees, their values in `row`, and in the first points (n,
    // numbers().size()).
    const std::vector<std::size_t>& numbers() const { return numbers_; }
    void numbers_of(Column row, MutableColumn out) const;
    Rows first_numbers(std::size_t n) const { return {all_numbers_.data(), n, numbers_.size()}; }

  private:
    std::vector<ColumnType> columns_;
    std::shared_ptr<const UserCovariance> user_;
    std::vector<std::size_t> numbers_;
    std::vector<double> values_, active_, all_numbers_;
    std::vector<Slope> slopes_;
    std::size_t n_ = 0, stride_ = 0, before_slopes_ = 0;
    bool conditional_ = false;
};

constexpr double mean_variance = 1.0;  // c

// Room that the functions below use again from call to call, with a user's covariance or derivatives. One a thread.
struct Scratch {
    std::vector<double> x, u, rest, by_theta, sum, weight, own;
};

// Functions of `row` (d,) and the first n points, n being the length of their output or weights.

// out[b] = s^2 between `row` and point b.
void scaled_distances(const Points& points, const Scales& scales, Column row, MutableColumn out);

// In place s^2 -> k, and into `slope` (unless empty) the factor of every derivative:
//     dk / dlog ell_j = slope D_j / ell_j^2,     dk / du_j = -slope (u_j - u'_j) / ell_j^2,
//     slope = 5/3 sf2 (1 + s) exp(-s)
void matern(double signal, MutableColumn s2_to_k, MutableColumn slope = {});
// The same, and the factor of the slope's own derivatives:
//     dslope / dlog ell_j = curve D_j / ell_j^2,     dslope / du_j = -curve (u_j - u'_j) / ell_j^2,
//     curve = 25/3 sf2 exp(-s)
void matern(double signal, MutableColumn s2_to_k, MutableColumn slope, MutableColumn curve);

// k between `row` and point b, and the slope of matern(), unless empty, times the user's covariance.
void covariances(const Points& points, const Scales& scales, Column row, MutableColumn k, MutableColumn slope,
                 Scratch& scratch);
// k between `row` and itself, without c.
double signal_variance(const Points& points, const Scales& scales, Column row, Scratch& scratch);
// The same with c.
inline double prior_variance(const Points& points, const Scales& scales, Column row, Scratch& scratch) {
    return mean_variance + signal_variance(points, scales, row, scratch);
}

// With a user's covariance: into sums (p,) sum_b c[b] dk(row, b) / dtheta_i, and c_own of k(row, row), for what is
// fitted.
void add_by_theta(const Points& points, const Scales& scales, Column row, Column c, double c_own, MutableColumn sums,
                  Scratch& scratch);
// With a user's covariance: k, and dk_b / du of its columns (n, numbers().size()); `own` (numbers().size(),) is that of
// k(row, row), through both of its arguments.
void user_by_x(const Points& points, const Scales& scales, Column row, MutableColumn k, MutableRows out,
               MutableColumn own, Scratch& scratch);

// sum_b c[b] D_j(row, b): what is left of a derivative in log ell_j. For one column.
double weighted_distance(const Points& points, const Scales& scales, Column row, std::size_t j, Column c);

// sum_b c[b] over the points of which exactly one of (row, b) is active in column j.
double weighted_mismatch(const Points& points, Column row, std::size_t j, Column c);

// sum_b c[b] (u - u_bj), an inactive u_bj being 1/2: what is left of a derivative in an active, numeric u_j.
double weighted_difference(const Points& points, double u, std::size_t j, Column c);

// Of two columns of the same length.
double dot(Column a, Column b);

}  // namespace hpcore::gp
