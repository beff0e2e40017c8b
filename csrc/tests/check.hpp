#pragma once

#include <cmath>
#include <cstdio>
#include <vector>

// The smallest test harness that names what failed: a failed check is printed and counted, the rest still runs. A case
// is written TEST(name) { ... }, at the start of a line, where CMake finds it and registers it with CTest.
namespace check {

inline int failures = 0;

struct Case {
    const char* name;
    void (*run)();
};

inline std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

struct Registered {
    Registered(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

inline void fail(const char* file, int line, const char* what) {
    ++failures;
    std::fprintf(stderr, "%s:%d: %s\n", file, line, what);
}

inline void near(const char* file, int line, const char* what, double a, double b, double tolerance) {
    if (std::fabs(a - b) <= tolerance) return;  // false for NaN, which must fail
    fail(file, line, what);
    std::fprintf(stderr, "    %.17g against %.17g, tolerance %g\n", a, b, tolerance);
}

}  // namespace check

#define TEST(name)                                                  \
    void test_##name();                                             \
    const check::Registered registered_##name(#name, &test_##name); \
    void test_##name()
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
