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

}  // namespace hpcore::tpe
