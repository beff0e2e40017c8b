#include <limits>
#include <stdexcept>

#include "check.hpp"
#include "hpcore/space/codec.hpp"

using namespace hpcore::space;

namespace {

// kernel in {0, 1, 2}; C in [1e-3, 1e3] log; degree in 2..5 when kernel is 1; step of 0.1 in [0, 1].
Codec svm() {
    Column kernel, c, degree, share;
    kernel.kind = Kind::choice;
    kernel.gridded = true;
    kernel.last = 2;
    c.scale = Scale::log;
    c.low = 1e-3;
    c.high = 1e3;
    degree.kind = Kind::integer;
    degree.gridded = true;
    degree.whole_low = 2;
    degree.last = 3;
    degree.low = 2;
    degree.high = 5;
    Column::Condition when;
    when.parent = 0;
    when.levels = {1};
    degree.conditions.push_back(when);
    share.gridded = true;
    share.last = 10;
    share.step = 0.1;
    share.tick_low = 0;
    share.tick_step = 1;
    share.ticks = 10.0;
    return Codec({kernel, c, degree, share}, {0, 1, 2, 3});
}

void test_values_and_conditions() {
    const Codec codec = svm();
    Value v[4];
    const double u[4] = {0.5, 0.5, 0.99, 0.3};
    codec.decode(u, v);
    CHECK(v[0].active && v[0].whole == 1);
    CHECK_NEAR(v[1].real, 1.0, 1e-15);
    CHECK(v[2].active && v[2].whole == 5);
    CHECK(v[3].real == 0.3);
    const double off[4] = {0.0, 1.0, 0.99, 1.0};
    codec.decode(off, v);
    CHECK(v[0].whole == 0 && !v[2].active);
    CHECK(v[1].real == 1e3 && v[3].real == 1.0);
}

void test_snap_is_idempotent_and_keeps_values() {
    const Codec codec = svm();
    for (int i = 0; i <= 1000; ++i) {
        const double t = i / 1000.0;
        double u[4] = {t, 1.0 - t, t * t, 0.5 * t};
        Value first[4], second[4];
        codec.decode(u, first);
        codec.snap(u, second);
        const double once[4] = {u[0], u[1], u[2], u[3]};
        codec.snap(u, second);
        for (int j = 0; j < 4; ++j) {
            CHECK(u[j] == once[j] || (std::isnan(u[j]) && std::isnan(once[j])));
            CHECK(first[j].active == second[j].active && first[j].whole == second[j].whole);
            CHECK(first[j].real == second[j].real);
            CHECK(std::isnan(u[j]) == !first[j].active);
        }
    }
}

void test_refusals() {
    const Codec codec = svm();
    Value v[4];
    const double u[4] = {0.5, std::numeric_limits<double>::quiet_NaN(), 0.5, 0.5};
    CHECK_THROWS(codec.decode(u, v), std::invalid_argument);
    CHECK_THROWS(Codec({Column{}}, {0, 0}), std::invalid_argument);
    CHECK_THROWS(Codec({Column{}, Column{}}, {0, 0}), std::invalid_argument);
}

}  // namespace

int main() {
    test_values_and_conditions();
    test_snap_is_idempotent_and_keeps_values();
    test_refusals();
    return check::result();
}
