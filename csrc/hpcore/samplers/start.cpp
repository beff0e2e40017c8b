#include "hpcore/samplers/start.hpp"

#include "hpcore/sobol.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::samplers {

std::vector<double> uniform_rows(const Ask& ask, std::size_t n, std::size_t d) {
    std::vector<double> rows(n * d);
    for (std::size_t k = 0; k < n; ++k) {
        Philox stream(ask.key, ask.number + k, streams::at_attempt(streams::suggest, ask.attempt));
        stream.fill_uniform({rows.data() + k * d, d});
    }
    return rows;
}

std::vector<double> start_rows(const Ask& ask, std::size_t n, std::size_t d) {
    if (ask.attempt > 0) return uniform_rows(ask, n, d);
    std::vector<double> rows(n * d);
    for (std::size_t k = 0; k < n; ++k) sobol_point(ask.key, ask.number + k, {rows.data() + k * d, d});
    return rows;
}

}  // namespace hpcore::samplers
