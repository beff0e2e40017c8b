#include "hpcore/tpe/kernel_sums.hpp"

#include "hpcore/tpe/pack.hpp"
#include "hpcore/vectorize.hpp"

namespace hpcore::tpe {

HPCORE_VECTORIZE void kernel_sums(const SumsInput& in, double* out) {
    for (std::size_t at = 0; at < in.padded; at += block) {
        Pack s0 = repeat(0.0), s1 = s0, s2 = s0, s3 = s0;
        for (std::size_t k = 0; k < in.n_kernels; ++k) {
            Pack q0 = repeat(0.0), q1 = q0, q2 = q0, q3 = q0;
            const double* centre = in.centres + k * in.n_smooth;
            const double* x = in.x + at;
            for (std::size_t j = 0; j < in.n_smooth; ++j, x += in.padded) {
                const Pack c = repeat(centre[j]);
                const Pack d0 = load(x) - c, d1 = load(x + 8) - c, d2 = load(x + 16) - c, d3 = load(x + 24) - c;
                q0 += d0 * d0;
                q1 += d1 * d1;
                q2 += d2 * d2;
                q3 += d3 * d3;
            }
            const Pack w = repeat(in.weight[k]);
            Pack f0 = w, f1 = w, f2 = w, f3 = w;
            if (in.n_smooth > 0) {
                f0 *= exp(-q0);
                f1 *= exp(-q1);
                f2 *= exp(-q2);
                f3 *= exp(-q3);
            }
            for (std::size_t t = 0; t < in.n_stepped; ++t) {
                const std::uint32_t level = in.level[k * in.n_stepped + t];
                const std::int32_t* l = in.x_level + t * in.padded + at;
                double factor[block];
                if (in.table[t] == nullptr) {
                    const double own = in.own[t], other = in.other[t];
                    for (std::size_t i = 0; i < block; ++i)
                        factor[i] = l[i] == static_cast<std::int32_t>(level) ? own : other;
                } else {
                    const double* row = in.table[t] + level * in.levels[t];
                    for (std::size_t i = 0; i < block; ++i) factor[i] = row[l[i]];
                }
                f0 *= load(factor);
                f1 *= load(factor + 8);
                f2 *= load(factor + 16);
                f3 *= load(factor + 24);
            }
            s0 += f0;
            s1 += f1;
            s2 += f2;
            s3 += f3;
        }
        store(out + at, s0);
        store(out + at + 8, s1);
        store(out + at + 16, s2);
        store(out + at + 24, s3);
    }
}

HPCORE_VECTORIZE void erf_array(double* x, std::size_t n) {
    for (std::size_t i = 0; i < n; i += lanes) store(x + i, erf(load(x + i)));
}

HPCORE_VECTORIZE void quantile_array(double* p, std::size_t n) {
    for (std::size_t i = 0; i < n; i += lanes) store(p + i, normal_quantile(load(p + i)));
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
