/* The C library from an installed tree; the version that CMake or pkg-config found is the argument. */
#include <hpcore.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
    if (hpcore_abi_version() != HPCORE_ABI_VERSION) {
        fprintf(stderr, "the library is of ABI %d, its header of %d\n", hpcore_abi_version(), HPCORE_ABI_VERSION);
        return 1;
    }
    if (argc != 2 || strcmp(argv[1], hpcore_version()) != 0) {
        fprintf(stderr, "hpcore %s was found, and another one is loaded\n", hpcore_version());
        return 1;
    }
    printf("hpcore %s\n", hpcore_version());
    return 0;
}
