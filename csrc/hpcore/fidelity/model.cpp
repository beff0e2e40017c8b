#include "hpcore/fidelity/model.hpp"

#include <algorithm>
#include <utility>

#include "hpcore/errors.hpp"
#include "hpcore/linalg/cholesky.hpp"

namespace hpcore::fidelity {

Scales Model::empty_scales(const std::vector<ColumnType>& columns) {
    const Layout layout(columns);
    const std::vector<double> theta(layout.size(), 0.0);
    return {layout, theta};
}

void Model::assign(const std::vector<double>& theta, Rows rows, Column y) {
    rows_ = std::move(rows);
    theta_ = theta;
    scales_ = Scales(Layout(columns_), theta);
    const std::size_t n = rows_.size(), n_known = y.size(), m = rows_.points().size();
    full_.resize(m * m);
    drifting_.resize(m * m);
    std::vector<double> row(d());
    for (std::size_t p = 0; p < m; ++p) {
        rows_.points().row(p, row);
        factors(rows_.points(), scales_, row, {full_.data() + p * m, p + 1}, {drifting_.data() + p * m, p + 1});
        for (std::size_t q = 0; q < p; ++q) {
            full_[q * m + p] = full_[p * m + q];
            drifting_[q * m + p] = drifting_[p * m + q];
        }
        full_[p * m + p] = mean_variance + scales_.f + scales_.h;
        drifting_[p * m + p] = scales_.c + scales_.g + scales_.e;
    }
    const std::vector<double>& u = rows_.levels();
    std::vector<double> T(u.size() * u.size());
    for (std::size_t l = 0; l < u.size(); ++l)
        for (std::size_t k = 0; k < u.size(); ++k) T[l * u.size() + k] = drift(scales_, u[l], u[k]);
    L_.resize(n * n);
    for (std::size_t i = 0; i < n; ++i) {
        const double* full = full_.data() + rows_.of(i) * m;
        const double* drifting = drifting_.data() + rows_.of(i) * m;
        const double* t = T.data() + rows_.level_of(i) * u.size();
        for (std::size_t j = 0; j <= i; ++j)
            L_[i * n + j] = full[rows_.of(j)] + drifting[rows_.of(j)] * t[rows_.level_of(j)];
        L_[i * n + i] += scales_.n;
    }
    linalg::cholesky_factor(*lapack_, L_.data(), n, n);
    // The leading part of the factor is the factor of the known rows; a row at its posterior mean has alpha 0.
    alpha_.assign(n, 0.0);
    std::ranges::copy(y, alpha_.begin());
    linalg::solve_lower(*lapack_, L_.data(), n, n_known, alpha_.data(), n_known, 1);
    linalg::solve_upper(*lapack_, L_.data(), n, n_known, alpha_.data(), n_known, 1);
    std::vector<double> V(m * n, 0.0);
    a_.assign(m, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        V[rows_.of(i) * n + i] = 1.0;
        a_[rows_.of(i)] += alpha_[i];
    }
    linalg::solve_lower(*lapack_, L_.data(), n, n, V.data(), n, m);
    G_.resize(m * m);
    for (std::size_t p = 0; p < m; ++p)
        for (std::size_t q = 0; q <= p; ++q)
            G_[p * m + q] = G_[q * m + p] = gp::dot({V.data() + p * n, n}, {V.data() + q * n, n});
}

Normal Model::full_from(Column q, double prior) const {
    const std::size_t m = a_.size();
    double taken = 0.0;
    for (std::size_t p = 0; p < m; ++p) taken += q[p] * gp::dot({G_.data() + p * m, m}, q);
    // Cancellation can leave a variance below zero at the data; there it is of the size of the rounding of the prior.
    return {gp::dot(a_, q), std::max(prior - taken, 1e-14 * prior)};
}

Normal Model::at_full(std::size_t configuration) const {
    return full_from({full_.data() + configuration * a_.size(), a_.size()}, mean_variance + scales_.f + scales_.h);
}

void Model::at_full(hpcore::Rows rows, std::span<Normal> out) const {
    std::vector<double> q(a_.size());
    for (std::size_t i = 0; i < rows.n; ++i) {
        factors(rows_.points(), scales_, rows[i], q);
        out[i] = full_from(q, mean_variance + scales_.f + scales_.h);
    }
}

Normal Model::at(std::size_t configuration, double u) const {
    const std::size_t n = rows_.size(), m = a_.size();
    const double* full = full_.data() + configuration * m;
    const double* drifting = drifting_.data() + configuration * m;
    std::vector<double> T, k(n);
    for (const double v : rows_.levels()) T.push_back(drift(scales_, u, v));
    for (std::size_t i = 0; i < n; ++i) k[i] = full[rows_.of(i)] + drifting[rows_.of(i)] * T[rows_.level_of(i)];
    const double mean = gp::dot(k, alpha_);
    linalg::solve_lower(*lapack_, L_.data(), n, n, k.data(), n, 1);
    const double prior = full[configuration] + drifting[configuration] * drift(scales_, u, u);
    return {mean, std::max(prior - gp::dot(k, k), 1e-14 * prior)};
}

gp::Regressor Model::regressor() const {
    const std::size_t m = a_.size();
    const auto n_base = static_cast<std::ptrdiff_t>(Layout(columns_).base().size());
    gp::Regressor out(*lapack_, columns_, {theta_.begin(), theta_.begin() + n_base});
    double more = 0.0;  // a rounding error may leave no factor
    for (;;) {
        std::vector<double> L = G_;
        try {
            linalg::cholesky_factor(*lapack_, L.data(), m, m);
            linalg::cholesky_inverse(*lapack_, L.data(), m, m);
            for (std::size_t p = 0; p < m; ++p) L[p * m + p] += more;
            linalg::cholesky_factor(*lapack_, L.data(), m, m);
            out.assign(rows_.points(), std::move(L), a_);
            return out;
        } catch (const NotPositiveDefinite&) {
            if (more > 1.0) throw;
            more = std::max(1e-8, 10.0 * more);
        }
    }
}

}  // namespace hpcore::fidelity
