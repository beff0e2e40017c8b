#pragma once

#include <mutex>
#include <shared_mutex>

namespace hpcore::bindings {

// A native object that does not lock itself (hpcore/sampler.hpp has the rule) and whose calls let go of the GIL, and
// what then keeps the calls of several Python threads apart: those that change it, scratch included, one at a time,
// those that only read it at the same time.
//
// A turn is waited for without the GIL: its owner may need the GIL to come to an end.
template <class T>
struct InTurn : T {
    using T::T;
    mutable std::shared_mutex turn;
};

using ToChange = std::unique_lock<std::shared_mutex>;
using ToRead = std::shared_lock<std::shared_mutex>;

}  // namespace hpcore::bindings
