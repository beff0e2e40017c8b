#include "hpcore/samplers/failures.hpp"

#include "hpcore/samplers/cliffs.hpp"

namespace hpcore::samplers {

bool has_failed(const records::Trials& trials, std::size_t i) {
    return !trials.pending(i) && !trials.observed(i) && !trials.absent(i);
}

Split split(const records::Trials& trials) {
    const std::size_t n = trials.n();
    Split out{std::vector<bool>(n), std::vector<bool>(n), std::vector<bool>(n)};
    std::vector<std::size_t> observed;
    for (std::size_t i = 0; i < n; ++i) {
        out.failed[i] = has_failed(trials, i);
        out.complete[i] = trials.observed(i);
        if (out.complete[i]) observed.push_back(i);
    }
    std::vector<bool> beyond(observed.size(), true);  // in each objective so far
    std::vector<double> column(observed.size());
    for (std::size_t k = 0; k < trials.m(); ++k) {
        for (std::size_t i = 0; i < observed.size(); ++i) column[i] = trials.values(observed[i], k);
        const auto far = beyond_cliff(column);
        if (!far) return out;
        for (std::size_t i = 0; i < observed.size(); ++i) beyond[i] = beyond[i] && (*far)[i];
    }
    for (std::size_t i = 0; i < observed.size(); ++i) {
        if (!beyond[i]) continue;
        out.penalised[observed[i]] = out.failed[observed[i]] = true;
        out.complete[observed[i]] = false;
    }
    return out;
}

}  // namespace hpcore::samplers
