#include "hpcore/records/trials.hpp"

#include <cmath>

#include "hpcore/records/failures.hpp"

namespace hpcore::records {

bool Trials::observed(std::size_t i) const {
    return state[i] == State::complete || (state[i] == State::pruned && !std::isnan(values(i, 0)));
}

}  // namespace hpcore::records
