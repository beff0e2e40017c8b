#include "hpcore/tpe/regression.hpp"

#include <algorithm>
#include <cmath>

#include "hpcore/tpe/kernel_sums.hpp"
#include "hpcore/vectorize.hpp"

namespace hpcore::tpe {
namespace {

// More is safer where results have an error, less where they have none: benchmarks/quality/tpe_ablation.md.
constexpr double noise = 0.005;
constexpr double apart = 0.245;         // squared distance between two categories
constexpr double min_deviation = 0.01;  // of an output that is constant
constexpr double min_variance = 1e-6;

// Adds the means v'target, and takes from `variance` what a block of rows shares with the points.
HPCORE_VECTORIZE void accumulate(const double* v, std::size_t n, std::size_t size, const double* targets,
                                 std::size_t outputs, std::size_t stride, double* mean, double* variance) {
    for (std::size_t o = 0; o < outputs; ++o) {
        double sum[block] = {};
        for (std::size_t r = 0; r < n; ++r)
            for (std::size_t i = 0; i < block; ++i) sum[i] += targets[o * n + r] * v[r * block + i];
        std::copy_n(sum, block, mean + o * stride);
    }
    for (std::size_t i = 0; i < block; ++i) variance[i] = 1.0;
    for (std::size_t r = 0; r < size; ++r)
        for (std::size_t i = 0; i < block; ++i) variance[i] -= v[r * block + i] * v[r * block + i];
}

// U'U = K in place, from the upper triangle, by whole rows; the noise keeps pivots positive.
HPCORE_VECTORIZE void factorise(double* K, std::size_t n) {
    for (std::size_t k = 0; k < n; ++k) {
        double* row = K + k * n;
        const double scale = 1.0 / std::sqrt(std::max(row[k], 0.5 * noise));
        for (std::size_t c = k; c < n; ++c) row[c] *= scale;
        for (std::size_t r = k + 1; r < n; ++r) {
            double* other = K + r * n;
            const double f = row[r];
            for (std::size_t c = r; c < n; ++c) other[c] -= f * row[c];
        }
    }
}

}  // namespace

Embedding::Embedding(const std::vector<Axis>& axes, double length_per_column) {
    double columns = 0.0;
    for (const bool categories : {false, true}) {
        for (std::size_t j = 0; j < axes.size(); ++j) {
            if (axes[j].unordered != categories) continue;
            axes_.push_back(axes[j]);
            from_.push_back(j);
            columns += categories ? static_cast<double>(axes[j].levels) : 1.0;
        }
        if (!categories) n_numeric_ = axes_.size();
    }
    length_ = length_per_column * std::sqrt(columns);
}

void Embedding::place(Column coordinates, MutableColumn out) const {
    for (std::size_t a = 0; a < axes_.size(); ++a) {
        const double x = coordinates[from_[a]];
        if (a < n_numeric_)
            out[a] = std::isnan(x) ? 0.5 : axes_[a].position(x);
        else
            out[a] = std::isnan(x) ? -1.0 : x;
    }
}

double Embedding::distance(Column a, const double* b, std::size_t stride) const {
    double sum = 0.0;
    for (std::size_t j = 0; j < axes_.size(); ++j) {
        const double gap = a[j] - b[j * stride];
        sum += j < n_numeric_ ? gap * gap : (gap == 0.0 ? 0.0 : apart);
    }
    return sum;
}

void Regression::fit(Rows points, std::size_t n_pending) {
    const std::size_t axes = embedding_.axes();
    n_ = points.n - n_pending;
    size_ = points.n;
    points_.assign(points.flat().begin(), points.flat().end());
    targets_.clear();
    mean_.clear();
    deviation_.clear();
    const std::size_t padded = (size_ + block - 1) / block * block;
    std::vector<double> columns(axes * padded, 0.0), row(block);
    for (std::size_t i = 0; i < size_; ++i)
        for (std::size_t a = 0; a < axes; ++a) columns[a * padded + i] = points_[i * axes + a];
    upper_.assign(size_ * size_, 0.0);
    for (std::size_t r = 0; r < size_; ++r) {
        for (std::size_t at = r / block * block; at < size_; at += block) {
            covariances(view(), r, columns.data() + at, padded, row.data());
            std::copy_n(row.data(), std::min(block, size_ - at), upper_.data() + r * size_ + at);
        }
        upper_[r * size_ + r] = 1.0 + noise;
    }
    factorise(upper_.data(), size_);
    factor_.resize(size_ * size_);
    for (std::size_t r = 0; r < size_; ++r) {
        for (std::size_t c = 0; c < r; ++c) factor_[r * size_ + c] = upper_[c * size_ + r];
        factor_[r * size_ + r] = 1.0 / upper_[r * size_ + r];
    }
}

void Regression::add_output(Column y) {
    double mean = 0.0, squares = 0.0;
    for (std::size_t i = 0; i < n_; ++i) mean += y[i] / static_cast<double>(n_);
    for (std::size_t i = 0; i < n_; ++i) squares += (y[i] - mean) * (y[i] - mean) / static_cast<double>(n_);
    mean_.push_back(mean);
    deviation_.push_back(std::max(std::sqrt(squares), min_deviation));
    const std::size_t first = targets_.size();
    for (std::size_t r = 0; r < n_; ++r) {
        const double* l = factor_.data() + r * size_;
        double left = (y[r] - mean) / deviation_.back();
        for (std::size_t c = 0; c < r; ++c) left -= l[c] * targets_[first + c];
        targets_.push_back(left * l[r]);
    }
}

Points Regression::view() const {
    return {points_.data(), embedding_.axes(), embedding_.numeric(), apart, std::sqrt(5.0) / embedding_.length()};
}

void Regression::predict(Rows rows, MutableRows mean, MutableRows std) const {
    const std::size_t padded = rows.d;
    std::vector<double> v(size_ * block), variance(block);
    for (std::size_t at = 0; at < padded; at += block) {
        for (std::size_t r = 0; r < size_; ++r) covariances(view(), r, rows.data + at, padded, v.data() + r * block);
        substitute(factor_.data(), size_, v.data());
        accumulate(v.data(), n_, size_, targets_.data(), outputs(), padded, mean.data + at, variance.data());
        for (std::size_t o = 0; o < outputs(); ++o) {
            for (std::size_t i = 0; i < block; ++i) {
                mean(o, at + i) = mean_[o] + deviation_[o] * mean(o, at + i);
                std(o, at + i) = deviation_[o] * std::sqrt(std::max(variance[i] + 0.5 * noise, min_variance));
            }
        }
    }
}

}  // namespace hpcore::tpe
