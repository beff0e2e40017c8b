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

double HypervolumeImprovement::at(Column mean, Column std, MutableColumn by_mean, MutableColumn by_std) {
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
    if (!by_mean.empty())
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

ParetoImprovement::ParetoImprovement(std::vector<std::vector<const gp::Regressor*>> draws, Boxes boxes)
    : improvement_(std::move(boxes)) {
    for (auto& models : draws) {
        Draw draw{};
        draw.predictions.resize(models.size());
        draw.models = std::move(models);
        draws_.push_back(std::move(draw));
    }
}

// Mean over the draws at row i of the last predictions; each draw is left with its own value and slopes.
double ParetoImprovement::average(std::size_t i, bool with_slopes) {
    double peak = -std::numeric_limits<double>::infinity(), sum = 0.0;
    for (Draw& draw : draws_) {
        for (std::size_t k = 0; k < draw.models.size(); ++k) {
            draw.mean[k] = draw.predictions[k].mean[i];
            draw.std[k] = std::sqrt(draw.predictions[k].variance[i]);
        }
        draw.value = with_slopes ? improvement_.at(draw.mean, draw.std, draw.by_mean, draw.by_std)
                                 : improvement_.at(draw.mean, draw.std);
        peak = std::max(peak, draw.value);
    }
    if (draws_.size() == 1) return peak;
    for (const Draw& draw : draws_) sum += std::exp(draw.value - peak);
    return peak + std::log(sum / static_cast<double>(draws_.size()));
}

void ParetoImprovement::values(Rows rows, MutableColumn out) {
    const std::size_t m = rows.n;
    for (std::size_t from = 0; from < m; from += scored_at_once) {
        const std::size_t count = std::min(scored_at_once, m - from);
        for (Draw& draw : draws_)
            for (std::size_t k = 0; k < draw.models.size(); ++k)
                draw.models[k]->predict(rows.part(from, count), draw.predictions[k]);
        for (std::size_t i = 0; i < count; ++i) out[from + i] = average(i, false);
    }
}

void ParetoImprovement::values_and_gradients(Rows rows, const std::vector<const std::vector<std::size_t>*>& moving,
                                             MutableColumn out, std::vector<std::vector<double>>& gradients) {
    const std::size_t m = rows.n;
    for (Draw& draw : draws_)
        for (std::size_t k = 0; k < draw.models.size(); ++k)
            draw.models[k]->predict_for_gradient(rows, draw.predictions[k]);
    for (std::size_t i = 0; i < m; ++i) {
        const std::vector<std::size_t>& columns = *moving[i];
        gradients[i].assign(columns.size(), 0.0);
        part_.resize(columns.size());
        out[i] = average(i, true);
        for (Draw& draw : draws_) {
            const double share = std::exp(draw.value - out[i]) / static_cast<double>(draws_.size());
            for (std::size_t k = 0; k < draw.models.size(); ++k) {
                draw.models[k]->gradient(rows, i, share * draw.by_mean[k], share * draw.by_std[k] / (2.0 * draw.std[k]),
                                         columns, draw.predictions[k], part_);
                for (std::size_t t = 0; t < columns.size(); ++t) gradients[i][t] += part_[t];
            }
        }
    }
}

}  // namespace hpcore::acquisition
