// The C interface and wrong input to it.

#include <hpcore.h>

#include "check.hpp"

namespace {

TEST(version) {
    CHECK(hpcore_abi_version() == HPCORE_ABI_VERSION);
}

}  // namespace
