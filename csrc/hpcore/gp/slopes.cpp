#include "hpcore/gp/slopes.hpp"

#include <algorithm>
#include <cmath>

namespace hpcore::gp {
namespace {

constexpr double middle = 0.5;  // coordinate of an inactive number

// (u_j - u'_j) / ell_j^2
double pull(const Points& points, const Scales& scales, Column row, std::size_t b, std::size_t j) {
    return 0.2 * scales.weight[j] * ((std::isnan(row[j]) ? middle : row[j]) - points.value(j)[b]);
}

}  // namespace

double slope_variance(const Scales& scales, std::size_t j) {
    return (5.0 / 3.0) * scales.signal * (0.2 * scales.weight[j]);
}

void fill_slope_rows(const Points& points, const Scales& scales, double* K, std::size_t ld) {
    const std::size_t n = points.size();
    const std::vector<Slope>& slopes = points.slopes();
    std::vector<double> row(points.d()), k(n), slope(n), curve(n), other(slopes.size());
    for (std::size_t first = 0; first < slopes.size();) {
        const std::size_t a = slopes[first].point;
        std::size_t last = first;
        while (last < slopes.size() && slopes[last].point == a) ++last;
        points.row(a, row);
        scaled_distances(points, scales, row, k);
        matern(scales.signal, k, slope, curve);
        for (std::size_t f = 0; f < last; ++f) other[f] = pull(points, scales, row, slopes[f].point, slopes[f].column);
        for (std::size_t e = first; e < last; ++e) {
            const std::size_t i = slopes[e].column;
            const double shrink = 0.2 * scales.weight[i];  // 1 / ell^2
            double* out = K + (n + e) * ld;
            const Column v = points.value(i);
            for (std::size_t b = 0; b < n; ++b) out[b] = -slope[b] * (shrink * (row[i] - v[b]));
            for (std::size_t f = 0; f <= e; ++f) {
                const auto [b, j] = slopes[f];
                out[n + f] =
                    (i == j ? slope[b] * shrink : 0.0) - curve[b] * (shrink * (row[i] - points.value(i)[b])) * other[f];
            }
            out[n + e] += scales.slope_noise * slope_variance(scales, i);
        }
        first = last;
    }
}

void observation_covariances(const Points& points, const Scales& scales, Column row, MutableColumn k,
                             MutableColumn slope, MutableColumn curve) {
    const std::size_t n = points.size(), before = points.before_slopes();
    const std::vector<Slope>& slopes = points.slopes();
    scaled_distances(points, scales, row, k.first(n));
    matern(scales.signal, k.first(n), slope, curve);
    std::copy_backward(k.data() + before, k.data() + n, k.data() + n + slopes.size());
    for (std::size_t e = 0; e < slopes.size(); ++e)
        k[before + e] = slope[slopes[e].point] * pull(points, scales, row, slopes[e].point, slopes[e].column);
}

void by_row(const Points& points, const Scales& scales, Column row, Column c, Column slope, Column curve,
            const std::vector<std::size_t>& columns, MutableColumn into, Scratch& scratch) {
    const std::size_t n = points.size();
    const Column of_slopes = c.subspan(points.before_slopes());
    std::vector<double>&weight = scratch.weight, &own = scratch.own;
    weight.resize(n);
    own.assign(points.d(), 0.0);
    for (std::size_t b = 0; b < n; ++b) weight[b] = -c[points.observation(b)] * slope[b];
    for (std::size_t e = 0; e < points.slopes().size(); ++e) {
        const auto [b, j] = points.slopes()[e];
        weight[b] -= of_slopes[e] * curve[b] * pull(points, scales, row, b, j);
        own[j] += of_slopes[e] * slope[b];
    }
    for (std::size_t t = 0; t < columns.size(); ++t) {
        const std::size_t j = columns[t];
        into[t] = 0.2 * scales.weight[j] * (weighted_difference(points, row[j], j, weight) + own[j]);
    }
}

}  // namespace hpcore::gp
