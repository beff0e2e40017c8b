#include "hpcore/tpe/kernel_sums.hpp"

#include <algorithm>
#include <cmath>

#include "hpcore/tpe/pack.hpp"
#include "hpcore/vectorize.hpp"

namespace hpcore::tpe {

namespace {

// Several packs side by side, whose exponentials do not wait for each other.
template <std::size_t packs>
HPCORE_INLINE void sums_at(const SumsInput& in, std::size_t at, double* out) {
    constexpr std::size_t width = packs * lanes;
    Pack sum[packs];
    for (std::size_t p = 0; p < packs; ++p) sum[p] = repeat(0.0);
    for (std::size_t k = 0; k < in.n_kernels; ++k) {
        Pack q[packs], f[packs];
        for (std::size_t p = 0; p < packs; ++p) q[p] = repeat(0.0);
        const double* centre = in.centres + k * in.n_smooth;
        const double* x = in.x + at;
        for (std::size_t j = 0; j < in.n_smooth; ++j, x += in.padded) {
            for (std::size_t p = 0; p < packs; ++p) {
                const Pack gap = load(x + p * lanes) - centre[j];
                q[p] += gap * gap;
            }
        }
        for (std::size_t p = 0; p < packs; ++p) f[p] = repeat(in.weight[k]);
        if (in.n_smooth > 0)
            for (std::size_t p = 0; p < packs; ++p) f[p] *= exp(-q[p]);
        for (std::size_t t = 0; t < in.n_stepped; ++t) {
            const std::uint32_t level = in.level[k * in.n_stepped + t];
            const std::int32_t* l = in.x_level + t * in.padded + at;
            if (in.table[t] == nullptr) {
                const double own = in.own[t], other = in.other[t];
                double factor[width];
                for (std::size_t i = 0; i < width; ++i)
                    factor[i] = l[i] == static_cast<std::int32_t>(level) ? own : other;
                for (std::size_t p = 0; p < packs; ++p) f[p] *= load(factor + p * lanes);
            } else {
                const double* row = in.table[t] + level * in.levels[t];
                for (std::size_t p = 0; p < packs; ++p) f[p] *= picked(row, l + p * lanes);
            }
        }
        for (std::size_t p = 0; p < packs; ++p) sum[p] += f[p];
    }
    for (std::size_t p = 0; p < packs; ++p) store(out + at + p * lanes, sum[p]);
}

}  // namespace

HPCORE_VECTORIZE void kernel_sums(const SumsInput& in, double* out) {
    std::size_t at = 0;
    for (; at + block <= in.padded; at += block) sums_at<block / lanes>(in, at, out);
    for (; at < in.padded; at += lanes) sums_at<1>(in, at, out);
}

HPCORE_VECTORIZE void rough_sums(const RoughInput& in, double* out) {
    constexpr std::size_t width = 32, packs = width / float_lanes, kernels = 2;
    const float least = static_cast<float>(in.n_kernels) * 0x1p-100f;
    for (std::size_t at = 0; at < in.padded; at += width) {
        FloatPack sum[packs], offset[packs];
        for (std::size_t p = 0; p < packs; ++p) {
            sum[p] = FloatPack{};
            offset[p] = load(in.offset + at + p * float_lanes);
        }
        for (std::size_t k = 0; k < in.n_kernels; k += kernels) {
            FloatPack t[kernels][packs];
            for (std::size_t i = 0; i < kernels; ++i)
                for (std::size_t p = 0; p < packs; ++p) t[i][p] = offset[p] + in.bias[k + i];
            const float* centre = in.centres + k * in.n_axes;
            const float* x = in.x + at;
            for (std::size_t j = 0; j < in.n_axes; ++j, x += in.padded)
                for (std::size_t i = 0; i < kernels; ++i)
                    for (std::size_t p = 0; p < packs; ++p)
                        t[i][p] += load(x + p * float_lanes) * centre[i * in.n_axes + j];
            const float* level = in.level + k * in.n_categories;
            x = in.category + at;
            for (std::size_t j = 0; j < in.n_categories; ++j, x += in.padded)
                for (std::size_t i = 0; i < kernels; ++i)
                    for (std::size_t p = 0; p < packs; ++p)
                        t[i][p] += where_equal(load(x + p * float_lanes), level[i * in.n_categories + j], in.gain[j]);
            // Candidates beside each other often come from one place, far from most kernels.
            FloatPack highest = t[0][0];
            for (std::size_t i = 0; i < kernels; ++i)
                for (std::size_t p = 0; p < packs; ++p) highest = greater_of(highest, t[i][p]);
            if (!any_above(highest, in.cut)) continue;
            for (std::size_t i = 0; i < kernels; ++i)
                for (std::size_t p = 0; p < packs; ++p) t[i][p] = exp2_roughly(t[i][p]) * in.weight[k + i];
            for (std::size_t p = 0; p < packs; ++p) sum[p] += t[0][p] + t[1][p];
        }
        float found[width];
        for (std::size_t p = 0; p < packs; ++p) store(found + p * float_lanes, sum[p]);
        for (std::size_t i = 0; i < width; ++i) out[at + i] = found[i] < least ? 0.0 : static_cast<double>(found[i]);
    }
}

HPCORE_VECTORIZE void erf_array(double* x, std::size_t n) {
    for (std::size_t i = 0; i < n; i += lanes) store(x + i, erf(load(x + i)));
}

HPCORE_VECTORIZE void quantile_array(double* p, std::size_t n) {
    // Three in twenty lie in the tails, where it takes four times as long: those are gathered.
    constexpr std::size_t chunk = 256;
    double tails[chunk + lanes];
    std::uint32_t from[chunk];
    for (; n > 0; n -= std::min(n, chunk), p += chunk) {
        const std::size_t some = std::min(n, chunk);
        std::size_t m = 0;
        for (std::size_t i = 0; i < some; ++i) {
            const double x = p[i];
            tails[m] = x;
            from[m] = static_cast<std::uint32_t>(i);
            m += std::fabs(x - 0.5) > central_half ? 1u : 0u;
        }
        std::fill(tails + m, tails + m + lanes, 0.5);
        for (std::size_t i = 0; i < some; i += lanes) store(p + i, central_quantile(load(p + i)));
        for (std::size_t i = 0; i < m; i += lanes) store(tails + i, tail_quantile(load(tails + i)));
        for (std::size_t i = 0; i < m; ++i) p[from[i]] = tails[i];
    }
}

HPCORE_VECTORIZE void count_below(const double* edges, std::size_t n_edges, const double* u, std::size_t n,
                                  double* level) {
    for (std::size_t i = 0; i < n; i += lanes) {
        const Pack x = load(u + i);
        WholePack above{};
        for (std::size_t e = 0; e < n_edges; ++e) above = above + (x < edges[e]);
        store(level + i, static_cast<double>(n_edges) + converted(above));
    }
}

HPCORE_VECTORIZE void finish_log(double* a, std::size_t n, double shift, const double* log_prior, double log_total) {
    for (std::size_t i = 0; i < n; i += lanes) {
        const Pack kernels = log(load(a + i)) + shift, prior = load(log_prior + i);
        const WholePack larger = kernels > prior;
        const Pack high = choose(larger, kernels, prior), low = choose(larger, prior, kernels);
        // Both -infinity: their difference is NaN, so the smaller term is dropped by hand.
        const Pack gap = choose(low < -1e300, repeat(-1e300), low - high);
        store(a + i, high + log(1.0 + exp(gap)) - log_total);
    }
}

HPCORE_VECTORIZE void add_log_cdf(const double* x, std::size_t n, double* sum) {
    for (std::size_t i = 0; i < n; i += lanes) store(sum + i, load(sum + i) + log_normal_cdf(load(x + i)));
}

namespace {

// E max(z - x, 0) of a standard normal x is z Phi(z) + phi(z), which is phi(z) tail(-z) for z <= 0 and z more above.
HPCORE_INLINE Pack tail(Pack distance) {
    // Farther out the difference loses its digits; 1 / distance^2 is what it tends to.
    const Pack d = choose(distance > 1e4, repeat(1e4), distance);
    return 1.0 - d * 1.2533141373155003 * erfcx(d * 0.70710678118654752);
}

}  // namespace

// A block at a time: the polynomials of four packs side by side do not wait for each other.
HPCORE_VECTORIZE void expected_below(const double* mean, const double* std, double edge, std::size_t n, double* out) {
    constexpr std::size_t packs = block / lanes;
    for (std::size_t at = 0; at < n; at += block) {
        Pack s[packs], z[packs], distance[packs], t[packs], sum[packs];
        for (std::size_t p = 0; p < packs; ++p) {
            s[p] = load(std + at + p * lanes);
            z[p] = (edge - load(mean + at + p * lanes)) / s[p];
            distance[p] = choose(z[p] < 0.0, -z[p], z[p]);
            distance[p] = choose(distance[p] > 1e4, repeat(1e4), distance[p]);
            const Pack x = distance[p] * 0.70710678118654752;
            t[p] = (x - 3.0) / (x + 3.0);
            sum[p] = repeat(erfcx_terms[18]);
        }
        for (std::size_t c = 18; c-- > 0;)
            for (std::size_t p = 0; p < packs; ++p) sum[p] = sum[p] * t[p] + erfcx_terms[c];
        for (std::size_t p = 0; p < packs; ++p) {
            const Pack beyond =
                0.3989422804014327 * exp(-0.5 * (z[p] * z[p])) * (1.0 - distance[p] * 1.2533141373155003 * sum[p]);
            store(out + at + p * lanes, s[p] * choose(z[p] < 0.0, beyond, z[p] + beyond));
        }
    }
}

HPCORE_VECTORIZE void add_log_expected_below(const double* mean, const double* std, double edge, std::size_t n,
                                             double* sum) {
    for (std::size_t i = 0; i < n; i += lanes) {
        const Pack s = load(std + i), z = (edge - load(mean + i)) / s, square = 0.5 * (z * z);
        const Pack t = tail(choose(z < 0.0, -z, z));
        const Pack above = log(z + 0.3989422804014327 * exp(-square) * t);
        const Pack below = log(t) - square - 0.91893853320467274;
        store(sum + i, load(sum + i) + log(s) + choose(z < 0.0, below, above));
    }
}

namespace {

// exp(-q) (1 + q + q^2 / 3) of q = sqrt(5) times the distance in units of the length.
HPCORE_INLINE Pack matern(Pack squared, double scale) {
    const Pack q = sqrt(squared) * scale;
    return (1.0 + q + q * q * (1.0 / 3.0)) * exp(-q);
}

}  // namespace

HPCORE_VECTORIZE void covariances(const Points& points, std::size_t point, const double* rows, std::size_t padded,
                                  double* out) {
    const double* at = points.x + point * points.axes;
    constexpr std::size_t packs = block / lanes;
    Pack sum[packs];
    for (std::size_t p = 0; p < packs; ++p) sum[p] = repeat(0.0);
    for (std::size_t a = 0; a < points.axes; ++a) {
        const Pack centre = repeat(at[a]);
        const double* x = rows + a * padded;
        for (std::size_t p = 0; p < packs; ++p) {
            const Pack gap = load(x + p * lanes) - centre;
            const Pack square = gap * gap;
            sum[p] += a < points.numeric ? square : choose(square > 0.0, repeat(points.apart), repeat(0.0));
        }
    }
    for (std::size_t p = 0; p < packs; ++p) store(out + p * lanes, matern(sum[p], points.scale));
}

HPCORE_VECTORIZE void substitute(const double* factor, std::size_t n, double* v) {
    for (std::size_t r = 0; r < n; ++r) {
        const double* l = factor + r * n;
        double* row = v + r * block;
        Pack a = load(row), b = load(row + 8), c = load(row + 16), d = load(row + 24);
        for (std::size_t i = 0; i < r; ++i) {
            const Pack f = repeat(l[i]);
            const double* other = v + i * block;
            a = a - f * load(other);
            b = b - f * load(other + 8);
            c = c - f * load(other + 16);
            d = d - f * load(other + 24);
        }
        const Pack f = repeat(l[r]);
        store(row, a * f);
        store(row + 8, b * f);
        store(row + 16, c * f);
        store(row + 24, d * f);
    }
}

}  // namespace hpcore::tpe
