#include <algorithm>
#include <limits>
#include <vector>

#include "check.hpp"
#include "hpcore/bo/schedule.hpp"
#include "hpcore/bo/trust_region.hpp"
#include "spaces.hpp"

using namespace hpcore;
using namespace hpcore::acquisition;
using namespace hpcore::bo;

namespace {

TEST(schedule_and_subset) {
    const Schedule schedule;
    std::size_t previous = 0;
    for (std::size_t n = 1; n < 3000; ++n) {
        const std::size_t at = schedule.at(n);
        CHECK(at <= n && at >= previous);
        CHECK(n - at < 100);
        previous = at;
    }
    const MoveSet moves(
        spaces::codec({spaces::choice(2), spaces::when(0, {1}, spaces::integer(1, 3)), spaces::integer(0, 4)}),
        {true, false, false}, 21);
    std::vector<double> rows, y;
    for (int i = 0; i < 300; ++i) {
        rows.insert(rows.end(), {0.25, std::numeric_limits<double>::quiet_NaN(), 0.1 * (i % 10)});
        y.push_back((i * 37) % 300);
    }
    const auto chosen = representative(moves, {rows.data(), 300, moves.d()}, {y.data(), 300}, 60);
    CHECK(chosen.size() == 60);
    for (std::size_t i = 1; i < chosen.size(); ++i) CHECK(chosen[i] > chosen[i - 1]);
    for (std::size_t i = 0; i < 300; ++i)  // the best quarter of them
        if (y[i] < 15.0) CHECK(std::find(chosen.begin(), chosen.end(), i) != chosen.end());
    CHECK(representative(moves, {rows.data(), 60, moves.d()}, {y.data(), 60}, 60).size() == 60);
}

// The rules of the region on histories whose sides can be told by hand: the start's median is 10 and its best is 0, so
// that a success is a gain of 0.001 (10 - best).
TEST(side_of_the_region) {
    TrustRegion region;
    std::vector<double> values{10.0, 0.0};
    CHECK(region.side({values.data(), 2}, 16) == 1.0);  // there is none
    region.on = true;
    region.after = 2;
    CHECK(region.side({values.data(), 2}, 16) == 0.8);
    const auto expect = [&](double value, double side) {
        values.push_back(value);
        CHECK(region.side(values, 16) == side);
    };
    expect(-1.0, 0.8);
    expect(-2.0, 0.8);
    expect(-3.0, 1.6);   // three successes in a row
    expect(-3.01, 1.6);  // too little for one, and yet the best from now on
    for (const double value : {-3.02, -3.005, -2.0}) expect(value, value == -2.0 ? 0.8 : 1.6);  // four failures
    for (const double value : {5.0, 5.0, -4.0, 5.0, 5.0, 5.0}) expect(value, 0.8);  // a success begins the count anew
    expect(5.0, 0.4);
    for (double side = 0.4; side > 0.02; side *= 0.5)
        for (int i = 0; i < 4; ++i) expect(5.0, i < 3 ? side : 0.5 * side > 1.0 / 64.0 ? 0.5 * side : 0.8);
    for (int i = 0; i < 9; ++i) expect(-5.0 - i, i < 2 ? 0.8 : 1.6);  // not wider than that
    // More columns have more patience, ten failures at most; and any finite values will do.
    values = {1.7e308, -1.7e308};
    values.resize(12, 0.0);
    CHECK(region.side({values.data(), 11}, 400) == 0.8 && region.side({values.data(), 12}, 400) == 0.4);
    CHECK(region.side({values.data(), 8}, 28) == 0.8 && region.side({values.data(), 9}, 28) == 0.4);
}

}  // namespace
