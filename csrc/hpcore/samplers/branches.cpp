#include "hpcore/samplers/branches.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace hpcore::samplers {
namespace {

// Few trials say nothing of a halt. It is so many proposals in a row in the branch of the best one, at least 3 and one
// in so many of all, none of which improved on it by more than so much of the distance from the best to the median.
constexpr std::size_t few_trials = 10, least_of_halt = 3, trials_per_halt = 12, n_of_own_halt = 5;
constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double improvement = 0.02;
constexpr std::size_t n_candidates = 128;

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
    std::size_t row;                                        // its best one that keeps all limits
    double best = std::numeric_limits<double>::infinity();  // and the value of that
    std::vector<double> values = {};                        // of its trials in order, infinite beyond a limit

    // By how much the newest trials improved on those before them.
    double gained(std::size_t newest) const {
        const std::size_t before = values.size() - std::min(newest, values.size());
        return *std::min_element(values.begin(), values.end()) -
               (before == 0 ? inf
                            : *std::min_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(before)));
    }
};

std::optional<std::size_t> Branches::next(Rows rows, const Told& told, Rows pending) const {
    const std::size_t n = told.n, n_of_halt = std::max(least_of_halt, n / trials_per_halt);
    if (n < few_trials) return {};
    std::vector<Branch> branches;
    std::vector<double> values;
    std::size_t last = 0, best = 0;  // branches of the newest and of the best trial
    std::size_t streak = 0;          // newest trials that were made in one branch
    for (std::size_t i = 0; i < n; ++i) {
        const auto known = std::ranges::find_if(branches, [&](const Branch& b) { return same(rows[b.row], rows[i]); });
        const auto at = static_cast<std::size_t>(known - branches.begin());
        if (known == branches.end()) branches.push_back({i});
        streak = at == last ? streak + 1 : 1;
        last = at;
        Branch& branch = branches[at];
        const bool keeps = told.violations.empty() || told.violations[i] == 0.0;
        branch.values.push_back(keeps ? told.values[i] : inf);
        if (!keeps) continue;
        values.push_back(told.values[i]);
        if (told.values[i] < branch.best) {
            branch.best = told.values[i];
            branch.row = i;
        }
        if (branch.best < branches[best].best) best = at;
    }
    if (branches.size() < 2 || values.empty()) return {};
    for (std::size_t p = 0; p < pending.n; ++p)
        if (!same(pending[p], rows[branches[best].row])) return {};
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    const double little = improvement * (*middle - branches[best].best);
    const auto halted = [&](const Branch& branch, std::size_t newest) { return !(branch.gained(newest) < -little); };
    if (last != best) {
        // Who is coming on goes on.
        if (branches[last].values.size() > 1 && !halted(branches[last], 1)) return branches[last].row;
        return {};
    }
    if (streak < n_of_halt || !halted(branches[best], n_of_halt)) return {};
    // Those that came to no halt yet, and of these the one with the fewest trials.
    const Branch* chosen = nullptr;
    std::pair<bool, std::size_t> least{true, std::numeric_limits<std::size_t>::max()};
    for (const Branch& branch : branches) {
        if (&branch == &branches[best] || !std::isfinite(branch.best)) continue;
        const std::size_t tried = branch.values.size();
        const std::pair spent{tried > n_of_own_halt && halted(branch, n_of_own_halt), tried};
        if (spent < least) {
            least = spent;
            chosen = &branch;
        }
    }
    if (chosen == nullptr) return {};
    return chosen->row;
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
