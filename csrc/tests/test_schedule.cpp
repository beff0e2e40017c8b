#include <algorithm>
#include <limits>
#include <vector>

#include "check.hpp"
#include "hpcore/acquisition/schedule.hpp"
#include "spaces.hpp"

using namespace hpcore;
using namespace hpcore::acquisition;

namespace {

void test_schedule_and_subset() {
    const Schedule schedule;
    std::size_t previous = 0;
    for (std::size_t n = 1; n < 3000; ++n) {
        const std::size_t at = schedule.at(n);
        CHECK(at <= n && at >= previous);
        CHECK(n - at < 100);
        previous = at;
    }
    const Domain domain(
        spaces::codec({spaces::choice(2), spaces::when(0, {1}, spaces::integer(1, 3)), spaces::integer(0, 4)}),
        {true, false, false}, 21);
    std::vector<double> rows, y;
    for (int i = 0; i < 300; ++i) {
        rows.insert(rows.end(), {0.25, std::numeric_limits<double>::quiet_NaN(), 0.1 * (i % 10)});
        y.push_back((i * 37) % 300);
    }
    const auto chosen = representative(domain, rows.data(), y.data(), 300, 60);
    CHECK(chosen.size() == 60);
    for (std::size_t i = 1; i < chosen.size(); ++i) CHECK(chosen[i] > chosen[i - 1]);
    CHECK(std::find(chosen.begin(), chosen.end(), std::size_t{0}) != chosen.end());  // the best
}

}  // namespace

int main() {
    test_schedule_and_subset();
    return check::result();
}
