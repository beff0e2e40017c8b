#include "hpcore/tpe/trend.hpp"

#include <algorithm>
#include <cmath>

#include "hpcore/normal.hpp"
#include "hpcore/tpe/kernel_sums.hpp"
#include "hpcore/tpe/pack.hpp"
#include "hpcore/vectorize.hpp"

namespace hpcore::tpe {
namespace {

constexpr double ridge = 1.0;
// Few points are enough, as the ridge and the deviation hold back what they do not show; many coefficients take long.
constexpr std::size_t min_points = 4, max_coefficients = 128;
constexpr double min_deviation = 0.05;  // deviation where the trend explains the values wholly

// The upper triangle of G (stride, stride) = F'F of F (n, stride), by whole tiles.
HPCORE_VECTORIZE void gram_matrix(const double* F, std::size_t n, std::size_t stride, double* G) {
    for (std::size_t r = 0; r < stride; r += lanes) {
        for (std::size_t c = r; c < stride; c += lanes) {
            Pack sum[lanes];
            for (std::size_t k = 0; k < lanes; ++k) sum[k] = repeat(0.0);
            for (std::size_t i = 0; i < n; ++i) {
                const double* f = F + i * stride;
                const Pack other = load(f + c);
                for (std::size_t k = 0; k < lanes; ++k) sum[k] += other * f[r + k];
            }
            for (std::size_t k = 0; k < lanes; ++k) store(G + (r + k) * stride + c, sum[k]);
        }
    }
}

// A (size, stride) = U'U in place, by rows of the upper triangle, and M (size, stride) = U^-T. Whole packs are computed
// on; what lies below the diagonal of A is not read.
HPCORE_VECTORIZE void factor_and_invert(double* A, double* M, std::size_t size, std::size_t stride) {
    std::fill(M, M + size * stride, 0.0);
    for (std::size_t k = 0; k < size; ++k) M[k * stride + k] = 1.0;
    for (std::size_t k = 0; k < size; ++k) {
        double *row = A + k * stride, *inverse = M + k * stride;
        const double scale = 1.0 / std::sqrt(row[k]);
        for (std::size_t c = k / lanes * lanes; c < stride; c += lanes) store(row + c, load(row + c) * scale);
        for (std::size_t c = 0; c <= k; c += lanes) store(inverse + c, load(inverse + c) * scale);
        for (std::size_t r = k + 1; r < size; ++r) {
            const double f = row[r];
            double *other = A + r * stride, *below = M + r * stride;
            for (std::size_t c = r / lanes * lanes; c < stride; c += lanes)
                store(other + c, load(other + c) - load(row + c) * f);
            for (std::size_t c = 0; c <= k; c += lanes) store(below + c, load(below + c) - load(inverse + c) * f);
        }
    }
}

// x (n padded) into the mean of how many of the n values are below, and how many are not above.
HPCORE_VECTORIZE void mean_ranks(const double* values, std::size_t n, double* x) {
    for (std::size_t at = 0; at < n; at += lanes) {
        const Pack own = load(x + at);
        WholePack balance{};  // those below less those above
        for (std::size_t j = 0; j < n; ++j) balance = balance + (own < values[j]) - (own > values[j]);
        store(x + at, 0.5 * (converted(balance) + static_cast<double>(n)));
    }
}

// sum (stride,) = F'y.
HPCORE_VECTORIZE void weighted_rows(const double* F, std::size_t n, std::size_t stride, const double* y, double* sum) {
    for (std::size_t c = 0; c < stride; c += lanes) {
        Pack total = repeat(0.0);
        for (std::size_t i = 0; i < n; ++i) total += load(F + i * stride + c) * y[i];
        store(sum + c, total);
    }
}

// |y - F b|^2 of b (stride,).
HPCORE_VECTORIZE double squared_errors(const double* F, std::size_t n, std::size_t stride, const double* y,
                                       const double* b) {
    double squares = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
        Pack sum = repeat(0.0);
        for (std::size_t c = 0; c < stride; c += lanes) sum += load(F + i * stride + c) * load(b + c);
        const double predicted = ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
        const double error = y[i] - predicted;
        squares += error * error;
    }
    return squares;
}

// out[i] += linear t + square t^2 with t = 2 x - 1; n is a multiple of eight.
HPCORE_VECTORIZE void add_parabola(const double* x, std::size_t n, double linear, double square, double* out) {
    for (std::size_t i = 0; i < n; ++i) {
        const double t = 2.0 * x[i] - 1.0;
        out[i] += t * (linear + square * t);
    }
}

}  // namespace

Trend::Trend(const std::vector<Axis>& axes) : axes_(axes) {
    for (const Axis& axis : axes_) {
        first_.push_back(size_);
        size_ += axis.unordered ? axis.levels : 2;
    }
    stride_ = (size_ + 7) / 8 * 8;
}

// Equal values share the mean of their ranks. Each counts those below and above it, which takes less time than sorting.
void Trend::normal_scores(Column values) {
    const std::size_t n = values.size();
    scores_.assign((n + 7) / 8 * 8, 0.0);
    std::ranges::copy(values, scores_.begin());
    mean_ranks(values.data(), n, scores_.data());
    for (std::size_t i = 0; i < n; ++i) scores_[i] /= static_cast<double>(n);
    std::fill(scores_.begin() + static_cast<std::ptrdiff_t>(n), scores_.end(), 0.5);
    quantile_array(scores_.data(), scores_.size());
}

bool Trend::fit(Rows points, Column values, std::size_t n_good) {
    const std::size_t n = points.n;
    if (n < min_points || size_ > max_coefficients || n_good == 0 || n_good >= n) return false;
    normal_scores(values);
    features_.assign(n * stride_, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        double* f = features_.data() + i * stride_;
        f[0] = 1.0;
        for (std::size_t a = 0; a < axes_.size(); ++a) {
            const double x = points(i, a);
            if (axes_[a].unordered) {
                f[first_[a] + static_cast<std::size_t>(x)] = 0.5;
            } else {
                const double t = 2.0 * axes_[a].position(x) - 1.0;
                f[first_[a]] = t;
                f[first_[a] + 1] = t * t;
            }
        }
    }
    gram_.resize(stride_ * stride_);
    inverse_.resize(size_ * stride_);
    gram_matrix(features_.data(), n, stride_, gram_.data());
    for (std::size_t r = 1; r < size_; ++r) gram_[r * stride_ + r] += ridge;
    factor_and_invert(gram_.data(), inverse_.data(), size_, stride_);

    // b = M'(M F'y), and tr H = size - ridge * the trace of M'M without the constant.
    std::vector<double> right(stride_), half(size_, 0.0);
    weighted_rows(features_.data(), n, stride_, scores_.data(), right.data());
    coefficients_.assign(stride_, 0.0);
    double freedom = static_cast<double>(size_);
    for (std::size_t r = 0; r < size_; ++r) {
        const double* m = inverse_.data() + r * stride_;
        for (std::size_t c = 0; c <= r; ++c) half[r] += m[c] * right[c];
        for (std::size_t c = 0; c <= r; ++c) coefficients_[c] += m[c] * half[r];
        for (std::size_t c = 1; c <= r; ++c) freedom -= ridge * m[c] * m[c];
    }
    const double squares = squared_errors(features_.data(), n, stride_, scores_.data(), coefficients_.data());
    const double count = static_cast<double>(n), left = std::max(count - freedom, 0.05 * count);
    deviation_ = std::max(std::sqrt(count * squares) / left, min_deviation);
    cut_ = normal_quantile(static_cast<double>(n_good) / count);
    return true;
}

void Trend::add_log_probability(const Batch& batch, MutableColumn score) {
    std::vector<double>& t = scores_;
    t.assign(batch.padded(), coefficients_[0]);
    for (std::size_t a = 0; a < axes_.size(); ++a) {
        const double* b = coefficients_.data() + first_[a];
        const Column x = batch.column(a);
        if (axes_[a].unordered) {
            for (std::size_t i = 0; i < batch.size(); ++i) t[i] += 0.5 * b[static_cast<std::size_t>(x[i])];
        } else if (axes_[a].continuous()) {
            add_parabola(x.data(), batch.padded(), b[0], b[1], t.data());
        } else {
            for (std::size_t i = 0; i < batch.size(); ++i) {
                const double u = 2.0 * axes_[a].position(x[i]) - 1.0;
                t[i] += u * (b[0] + b[1] * u);
            }
        }
    }
    for (double& value : t) value = (cut_ - value) / deviation_;
    add_log_cdf(t.data(), t.size(), score.data());
}

}  // namespace hpcore::tpe
