#include "hpcore/samplers/branches.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "hpcore/space/row_set.hpp"

namespace hpcore::samplers {
namespace {

// Few trials say nothing of a halt. It is so many proposals in a row in the branch of the best one, at least 3 and one
// in so many of all, none of which improved on it by more than so much of the distance from the best to the median.
constexpr std::size_t few_trials = 10, least_of_halt = 3, trials_per_halt = 12, n_of_own_halt = 5;
constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double improvement = 0.02;
constexpr std::size_t n_candidates = 128, most_points = 64, most_in_vain = 3;

}  // namespace

Branches::Branches(const space::Codec& codec) : codec_(codec) {
    for (std::size_t j = 0; j < codec.size(); ++j)
        for (const space::Column::Condition& condition : codec.column(j).conditions)
            if (codec.column(condition.parent).kind == space::Kind::choice) parents_.push_back(condition.parent);
    std::sort(parents_.begin(), parents_.end());
    parents_.erase(std::unique(parents_.begin(), parents_.end()), parents_.end());
}

bool Branches::same(Column a, Column b) const {
    return std::ranges::all_of(parents_,
                               [&](std::size_t j) { return a[j] == b[j] || (std::isnan(a[j]) && std::isnan(b[j])); });
}

// What is known of one branch.
struct Branches::Branch {
    std::vector<std::size_t> numbers = {};  // of its trials that ended, in order
    std::vector<double> values = {};        // infinite without a value, and beyond a limit
    std::size_t row = 0;                    // the best one that has a value and keeps all limits, of those told
    double best = inf;                      // and its value
    std::size_t in_vain = 0;                // newest trials without a value

    // True if the newest trials improved on those before them by more.
    bool gained_more(std::size_t newest, double than) const {
        const std::size_t before = values.size() - std::min(newest, values.size());
        const double earlier =
            before == 0 ? inf : *std::min_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(before));
        return best < earlier - than;
    }
};

std::optional<std::size_t> Branches::next(const records::Trials& trials, const Told& told, Rows pending) const {
    if (told.n < few_trials) return {};
    std::vector<Branch> branches;
    std::vector<double> values;
    std::size_t n = 0, at_told = 0;  // ended trials, told ones
    std::size_t last = 0, best = 0;  // branches of the newest and of the best trial
    std::size_t streak = 0;          // newest trials that were made in one branch
    for (std::size_t i = 0; i < trials.n(); ++i) {
        if (trials.pending(i)) continue;
        const auto met = std::ranges::find_if(
            branches, [&](const Branch& b) { return same(trials.rows[b.numbers.front()], trials.rows[i]); });
        const auto at = static_cast<std::size_t>(met - branches.begin());
        if (met == branches.end()) branches.emplace_back();
        streak = n > 0 && at == last ? streak + 1 : 1;
        last = at;
        ++n;
        Branch& branch = branches[at];
        branch.numbers.push_back(i);
        branch.values.push_back(inf);
        ++branch.in_vain;
        if (at_told == told.n || told.numbers[at_told] != i) continue;
        const std::size_t t = at_told++;
        branch.in_vain = 0;
        if (!told.violations.empty() && told.violations[t] != 0.0) continue;
        values.push_back(told.values[t]);
        branch.values.back() = told.values[t];
        if (told.values[t] < branch.best) {
            branch.best = told.values[t];
            branch.row = t;
        }
        if (branch.best < branches[best].best) best = at;
    }
    if (branches.size() < 2 || values.empty()) return {};
    for (std::size_t p = 0; p < pending.n; ++p)
        if (!same(pending[p], trials.rows[branches[best].numbers.front()])) return {};
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    const double little = improvement * (*middle - branches[best].best);
    const std::size_t n_of_halt = std::max(least_of_halt, n / trials_per_halt);
    const auto open = [&](const Branch& branch) {
        const Column row = trials.rows[branch.numbers.front()];
        return branch.best < inf && branch.in_vain < most_in_vain && known(row) &&
               !used_up(row, branch.numbers, trials.rows);
    };
    if (last != best) {
        // Who is coming on goes on.
        const Branch& newest = branches[last];
        if (newest.values.size() > 1 && newest.gained_more(1, little) && open(newest)) return newest.row;
        return {};
    }
    if (streak < n_of_halt || branches[best].gained_more(n_of_halt, little)) return {};
    // Those that came to no halt yet, and of these the one with the fewest trials.
    const Branch* chosen = nullptr;
    std::pair<bool, std::size_t> least{true, std::numeric_limits<std::size_t>::max()};
    for (const Branch& branch : branches) {
        if (&branch == &branches[best] || !open(branch)) continue;
        const std::size_t tried = branch.values.size();
        const std::pair spent{tried > n_of_own_halt && !branch.gained_more(n_of_own_halt, little), tried};
        if (spent < least) {
            least = spent;
            chosen = &branch;
        }
    }
    if (chosen == nullptr) return {};
    return chosen->row;
}

// False for trials that lack a value which decides on the branch.
bool Branches::known(Column row) const {
    return std::ranges::all_of(
        parents_, [&](std::size_t j) { return !std::isnan(row[j]) || !codec_.column(j).conditions.empty(); });
}

// True if all points of a branch were tried, of which it must have few: that of a choice without parameters of its own
// has one.
bool Branches::used_up(Column row, const std::vector<std::size_t>& numbers, Rows rows) const {
    std::size_t points = 1;
    for (std::size_t j = 0; j < codec_.size(); ++j) {
        if (std::isnan(row[j]) || std::ranges::binary_search(parents_, j)) continue;
        const space::Column& column = codec_.column(j);
        const bool levelled = column.gridded || column.kind == space::Kind::choice;
        if (!levelled || column.last >= most_points) return false;
        points *= static_cast<std::size_t>(column.last) + 1;
        if (points > most_points) return false;
    }
    space::RowSet tried;
    std::size_t n = 0;
    for (const std::size_t i : numbers) n += tried.insert(rows[i]) ? 1 : 0;
    return n >= points;
}

std::vector<double> Branches::outside(Rows rows, const Told& told, std::size_t row) const {
    std::vector<double> out = told.violations;
    out.resize(told.n, 0.0);
    const double most = told.n > 0 ? *std::max_element(out.begin(), out.end()) : 0.0;
    for (std::size_t i = 0; i < told.n; ++i)
        if (!same(rows[i], rows[row])) out[i] = most + 1.0;
    return out;
}

std::vector<double> Branches::candidates(Column row, Philox random) const {
    std::vector<double> out(n_candidates * codec_.size());
    random.fill_uniform(out);
    for (std::size_t i = 0; i < n_candidates; ++i)
        for (const std::size_t j : parents_)
            if (!std::isnan(row[j])) out[i * codec_.size() + j] = row[j];
    return out;
}

acquisition::Feasible within(const Branches& branches, const space::Codec& codec, Column row,
                             acquisition::Feasible feasible) {
    return [&branches, &codec, row, feasible = std::move(feasible)](Rows rows, std::span<bool> allowed) {
        if (feasible)
            feasible(rows, allowed);
        else
            std::ranges::fill(allowed, true);
        std::vector<double> settled(rows.d);
        std::vector<space::Value> scratch(rows.d);
        for (std::size_t i = 0; i < rows.n; ++i) {
            std::ranges::copy(rows[i], settled.begin());
            codec.snap(settled, scratch);
            allowed[i] = allowed[i] && branches.same(settled, row);
        }
    };
}

}  // namespace hpcore::samplers
