#include "hpcore.h"
#include "hpcore/version.hpp"

extern "C" {

int hpcore_abi_version(void) {
    return HPCORE_ABI_VERSION;
}

const char* hpcore_version(void) {
    return hpcore::version;
}

}  // extern "C"
