// main of every test program: all its cases, or those that are named; --list prints the names.

#include <cstring>
#include <exception>

#include "check.hpp"

namespace {

bool is_wanted(const check::Case& candidate, int argc, char** argv) {
    for (int i = 1; i < argc; ++i)
        if (std::strcmp(argv[i], candidate.name) == 0) return true;
    return argc == 1;
}

void run(const check::Case& wanted) {
    const int before = check::failures;
    try {
        wanted.run();
    } catch (const std::exception& error) {
        ++check::failures;
        std::fprintf(stderr, "it threw: %s\n", error.what());
    }
    if (check::failures > before) std::fprintf(stderr, "%s: %d checks failed\n", wanted.name, check::failures - before);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
        for (const check::Case& known : check::cases()) std::puts(known.name);
        return 0;
    }
    int n_run = 0;
    for (const check::Case& candidate : check::cases()) {
        if (!is_wanted(candidate, argc, argv)) continue;
        run(candidate);
        ++n_run;
    }
    if (argc > 1 && n_run != argc - 1) {
        std::fprintf(stderr, "%d cases were named, %d were found; --list prints their names\n", argc - 1, n_run);
        return 2;
    }
    return check::failures > 0 || n_run == 0 ? 1 : 0;
}
