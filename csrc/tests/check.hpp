#pragma once

#include <cmath>
#include <cstdio>

// The smallest test harness that names what failed: a failed check is printed and counted, the rest still runs.
namespace check {

inline int failures = 0;

inline void fail(const char* file, int line, const char* what) {
    ++failures;
    std::fprintf(stderr, "%s:%d: %s\n", file, line, what);
}

inline void near(const char* file, int line, const char* what, double a, double b, double tolerance) {
    if (std::fabs(a - b) <= tolerance) return;  // false for NaN, which must fail
    fail(file, line, what);
    std::fprintf(stderr, "    %.17g against %.17g, tolerance %g\n", a, b, tolerance);
}

inline int result() {
    if (failures > 0) std::fprintf(stderr, "%d checks failed\n", failures);
    return failures > 0 ? 1 : 0;
}

}  // namespace check

#define CHECK(condition) ((condition) ? void(0) : check::fail(__FILE__, __LINE__, #condition))
#define CHECK_NEAR(a, b, tolerance) check::near(__FILE__, __LINE__, #a " near " #b, a, b, tolerance)
#define CHECK_THROWS(expression, type)                                              \
    do {                                                                            \
        bool thrown = false;                                                        \
        try {                                                                       \
            (void)(expression);                                                     \
        } catch (const type&) {                                                     \
            thrown = true;                                                          \
        }                                                                           \
        if (!thrown) check::fail(__FILE__, __LINE__, #expression " throws " #type); \
    } while (false)
