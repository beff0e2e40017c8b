#include "hpcore/acquisition/noisy_ei.hpp"

#include <algorithm>

#include "hpcore/linalg/cholesky.hpp"
#include "hpcore/normal.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/sobol.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::acquisition {

void add_noisy_ei(const linalg::Lapack& lapack, gp::Regressor& model, std::vector<double> targets, Rows rows,
                  std::size_t n, double xi, Ensemble& ensemble) {
    const std::size_t m = rows.n, held = targets.size();
    gp::Prediction prediction;
    model.predict(rows, prediction);
    std::vector<double> root(m * m), u(m), z(m);
    model.covariance(rows, {root.data(), m, m});
    // Rows may repeat one another: what is added is a thousandth of a standard deviation.
    for (std::size_t i = 0; i < m; ++i) root[i * m + i] += 1e-6 * (1.0 + model.scales().signal);
    linalg::cholesky_factor(lapack, root.data(), m, m);
    for (std::size_t i = 0; i < m; ++i) model.append(rows[i], fantasy_noise - model.scales().noise);
    targets.resize(held + m);
    for (std::size_t draw = 0; draw < n; ++draw) {
        sobol_point(streams::noisy_ei_key, draw, u);
        for (std::size_t i = 0; i < m; ++i) z[i] = normal_quantile(std::max(u[i], 0x1p-33));
        for (std::size_t i = 0; i < m; ++i)
            targets[held + i] = prediction.mean[i] + gp::dot({root.data() + i * m, i + 1}, z);
        model.set_targets(targets);
        const double best = *std::min_element(targets.begin() + static_cast<std::ptrdiff_t>(held), targets.end());
        ensemble.add(model, best - xi, model.alpha());
    }
}

}  // namespace hpcore::acquisition
