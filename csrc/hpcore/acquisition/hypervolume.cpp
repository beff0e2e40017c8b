#include "hpcore/acquisition/hypervolume.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "hpcore/acquisition/functions.hpp"

namespace hpcore::acquisition {

HypervolumeImprovement::HypervolumeImprovement(Boxes boxes) : boxes_(std::move(boxes)) {
    for (std::size_t k = 0; k < boxes_.m; ++k) edges_[k].resize(boxes_.edges[k].size());
    extents_.resize(boxes_.lower.size());
    logs_.resize(boxes_.size());
}

HypervolumeImprovement::Term HypervolumeImprovement::difference(const Term& low, const Term& high) {
    if (std::isinf(low.value)) return high;
    // Edges that differ by rounding only have a difference of rounding.
    const double share = std::exp(low.value - high.value);
    const double rest = std::max(-std::expm1(low.value - high.value), 0x1p-53);
    return {high.value + std::log(rest), (high.by_mean - share * low.by_mean) / rest,
            (high.by_std - share * low.by_std) / rest};
}

double HypervolumeImprovement::at(const double* mean, const double* std, double* by_mean, double* by_std) {
    const std::size_t m = boxes_.m, size = boxes_.size();
    for (std::size_t k = 0; k < m; ++k)
        for (std::size_t e = 0; e < edges_[k].size(); ++e) {
            const double edge = boxes_.edges[k][e];
            if (std::isinf(edge)) {
                edges_[k][e] = {edge, 0.0, 0.0};
                continue;
            }
            const Value v = log_expected_improvement(mean[k], std[k], edge);
            edges_[k][e] = {v.value, v.by_mean, v.by_std};
        }
    double peak = -std::numeric_limits<double>::infinity();
    for (std::size_t b = 0; b < size; ++b) {
        double sum = 0.0;
        for (std::size_t k = 0; k < m; ++k) {
            const std::size_t at = b * m + k;
            extents_[at] = difference(edges_[k][boxes_.lower[at]], edges_[k][boxes_.upper[at]]);
            sum += extents_[at].value;
        }
        logs_[b] = sum;
        peak = std::max(peak, sum);
    }
    double total = 0.0;
    for (double& log : logs_) total += log = std::exp(log - peak);
    if (by_mean != nullptr)
        for (std::size_t k = 0; k < m; ++k) {
            by_mean[k] = by_std[k] = 0.0;
            for (std::size_t b = 0; b < size; ++b) {
                if (logs_[b] == 0.0) continue;
                by_mean[k] += logs_[b] / total * extents_[b * m + k].by_mean;
                by_std[k] += logs_[b] / total * extents_[b * m + k].by_std;
            }
        }
    return peak + std::log(total);
}

ParetoImprovement::ParetoImprovement(std::vector<const gp::Regressor*> models, Boxes boxes)
    : models_(std::move(models)), improvement_(std::move(boxes)), predictions_(models_.size()) {}

void ParetoImprovement::values(const double* rows, std::size_t m, double* out) {
    const std::size_t d = model().points().d();
    for (std::size_t from = 0; from < m; from += scored_at_once) {
        const std::size_t count = std::min(scored_at_once, m - from);
        for (std::size_t k = 0; k < models_.size(); ++k) models_[k]->predict(rows + from * d, count, predictions_[k]);
        for (std::size_t i = 0; i < count; ++i) {
            double mean[3], std[3];
            for (std::size_t k = 0; k < models_.size(); ++k) {
                mean[k] = predictions_[k].mean[i];
                std[k] = std::sqrt(predictions_[k].variance[i]);
            }
            out[from + i] = improvement_.at(mean, std);
        }
    }
}

void ParetoImprovement::values_and_gradients(const double* rows, std::size_t m,
                                             const std::vector<const std::vector<std::size_t>*>& moving, double* out,
                                             std::vector<std::vector<double>>& gradients) {
    for (std::size_t k = 0; k < models_.size(); ++k) models_[k]->predict_for_gradient(rows, m, predictions_[k]);
    for (std::size_t i = 0; i < m; ++i) {
        const std::vector<std::size_t>& columns = *moving[i];
        gradients[i].assign(columns.size(), 0.0);
        part_.resize(columns.size());
        double mean[3], std[3], by_mean[3], by_std[3];
        for (std::size_t k = 0; k < models_.size(); ++k) {
            mean[k] = predictions_[k].mean[i];
            std[k] = std::sqrt(predictions_[k].variance[i]);
        }
        out[i] = improvement_.at(mean, std, by_mean, by_std);
        for (std::size_t k = 0; k < models_.size(); ++k) {
            models_[k]->gradient(rows, i, by_mean[k], by_std[k] / (2.0 * std[k]), columns, predictions_[k],
                                 part_.data());
            for (std::size_t t = 0; t < columns.size(); ++t) gradients[i][t] += part_[t];
        }
    }
}

}  // namespace hpcore::acquisition
