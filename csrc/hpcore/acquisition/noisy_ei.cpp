#include "hpcore/acquisition/noisy_ei.hpp"

#include <algorithm>

#include "hpcore/linalg/cholesky.hpp"
#include "hpcore/normal.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/sobol.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::acquisition {

void add_noisy_ei(const linalg::Lapack& lapack, gp::Regressor& model, std::vector<double> targets, const double* rows,
                  std::size_t m, std::size_t n, double xi, Ensemble& ensemble) {
    const std::size_t d = model.points().d(), held = targets.size();
    gp::Prediction prediction;
    model.predict(rows, m, prediction);
    std::vector<double> root(m * m), u(m), z(m);
    model.covariance(rows, m, root.data());
    // Rows may repeat one another: what is added is a thousandth of a standard deviation.
    for (std::size_t i = 0; i < m; ++i) root[i * m + i] += 1e-6 * (1.0 + model.scales().signal);
    linalg::cholesky_factor(lapack, root.data(), m, m);
    for (std::size_t i = 0; i < m; ++i) model.append(rows + i * d, fantasy_noise - model.scales().noise);
    targets.resize(held + m);
    for (std::size_t draw = 0; draw < n; ++draw) {
        sobol_point(streams::noisy_ei_key, draw, m, u.data());
        for (std::size_t i = 0; i < m; ++i) z[i] = normal_quantile(std::max(u[i], 0x1p-33));
        for (std::size_t i = 0; i < m; ++i)
            targets[held + i] = prediction.mean[i] + gp::dot(root.data() + i * m, z.data(), i + 1);
        model.set_targets(targets.data());
        const double best = *std::min_element(targets.begin() + static_cast<std::ptrdiff_t>(held), targets.end());
        ensemble.add(model, best - xi, model.alpha());
    }
}

}  // namespace hpcore::acquisition
