// Sets of rows by their bits, against a set of the rows themselves.

#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include "check.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/space/row_set.hpp"

using namespace hpcore;
using space::RowSet;

namespace {

const double nan = std::numeric_limits<double>::quiet_NaN();

TEST(it_holds_what_was_put_in) {
    RowSet set;
    std::set<std::vector<double>> known;
    Philox random({1, 2}, 3, 4);
    for (int i = 0; i < 20000; ++i) {
        const std::vector<double> row = {static_cast<double>(random.below(40)) / 40.0,
                                         static_cast<double>(random.below(200)) / 200.0};
        CHECK(set.contains(row) == (known.count(row) == 1));
        CHECK(set.insert(row) == known.insert(row).second);
        CHECK(set.contains(row));
        CHECK(set.size() == known.size());
    }
    CHECK(set.size() > 7000);
    RowSet copy;
    for (const std::uint64_t hash : set.hashes()) CHECK(copy.insert(hash));
    CHECK(copy.size() == set.size());
    for (const std::vector<double>& row : known) CHECK(copy.contains(row));
    set.clear();
    CHECK(set.size() == 0 && set.hashes().empty() && !set.contains(*known.begin()));
}

TEST(bits_tell_rows_apart) {
    RowSet set;
    const double rows[][2] = {{0.0, nan}, {nan, 0.0}, {0.0, 1.0}, {1.0, 0.0}, {0.5, 0.5}, {0.5, 0.5000000000000001}};
    for (const auto& row : rows) CHECK(set.insert(row));
    const double negative[] = {-0.0, -nan};
    CHECK(set.contains(negative));  // one zero, one NaN
    CHECK(!set.contains(Column{rows[0], 1}));
}

}  // namespace
