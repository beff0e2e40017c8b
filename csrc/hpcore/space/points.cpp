#include "hpcore/space/points.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace hpcore::space {
namespace {

// Beyond this many the count is given up; such a space is never exhausted anyway.
constexpr std::size_t max_branches = 100'000;

// Columns that conditions tie together, parents first; the sizes of different families multiply.
std::vector<std::vector<std::size_t>> families_of(const Codec& codec) {
    std::vector<std::vector<std::size_t>> families;
    std::vector<std::size_t> family_of(codec.size());
    for (const std::size_t j : codec.order()) {
        const auto& conditions = codec.column(j).conditions;
        const std::size_t home = conditions.empty() ? families.size() : family_of[conditions.front().parent];
        if (home == families.size()) families.emplace_back();
        for (const auto& condition : conditions) {
            const std::size_t other = family_of[condition.parent];
            if (other == home) continue;
            for (const std::size_t member : families[other]) {
                family_of[member] = home;
                families[home].push_back(member);
            }
            families[other].clear();
        }
        families[home].push_back(j);
        family_of[j] = home;
    }
    return families;
}

// A run of levels that no child can tell apart: one of them, and how many.
struct Run {
    std::uint64_t member;
    Natural size;
};

std::vector<std::vector<Run>> runs_of(const Codec& codec) {
    std::vector<std::set<std::uint64_t>> starts(codec.size(), {0});
    for (std::size_t j = 0; j < codec.size(); ++j) {
        for (const auto& condition : codec.column(j).conditions) {
            auto& of_parent = starts[condition.parent];
            const std::uint64_t last = codec.column(condition.parent).last;
            const auto cut = [&](std::uint64_t low, std::uint64_t high) {
                of_parent.insert(low);
                if (high < last) of_parent.insert(high + 1);
            };
            for (const std::uint64_t level : condition.levels) cut(level, level);
            if (condition.levels.empty()) cut(condition.level_low, condition.level_high);
        }
    }
    std::vector<std::vector<Run>> runs(codec.size());
    for (std::size_t j = 0; j < codec.size(); ++j) {
        for (auto start = starts[j].begin(); start != starts[j].end(); ++start) {
            const auto next = std::next(start);
            runs[j].push_back({*start, next != starts[j].end() ? Natural(*next - *start)
                                                               : Natural(codec.column(j).last - *start) + Natural(1)});
        }
    }
    return runs;
}

bool holds(const Column::Condition& condition, std::uint64_t level) {
    if (condition.levels.empty()) return level >= condition.level_low && level <= condition.level_high;
    return std::binary_search(condition.levels.begin(), condition.levels.end(), level);
}

// A branch of the count: the levels of the active ones among the first `position` columns of a family, and the number
// of points that these stand for.
struct Branch {
    std::size_t position = 0;
    std::map<std::size_t, std::uint64_t> chosen{};
    Natural points = 1;

    bool activates(const Column& column) const {
        return any_alternative(column.conditions, [&](const Column::Condition& condition) {
            const auto parent = chosen.find(condition.parent);
            return parent != chosen.end() && holds(condition, parent->second);
        });
    }
};

}  // namespace

std::optional<Natural> count_points(const Codec& codec) {
    for (std::size_t j = 0; j < codec.size(); ++j)
        if (!codec.column(j).gridded) return std::nullopt;
    const std::vector<std::vector<Run>> runs = runs_of(codec);
    Natural total = 1;
    std::size_t branches = 0;
    for (const auto& family : families_of(codec)) {
        if (family.empty()) continue;  // joined to another one
        Natural found = 0;
        std::vector<Branch> waiting(1);
        while (!waiting.empty()) {
            if (++branches > max_branches) return std::nullopt;
            Branch branch = std::move(waiting.back());
            waiting.pop_back();
            while (branch.position < family.size()) {
                const std::size_t j = family[branch.position++];
                if (!branch.activates(codec.column(j))) continue;
                for (auto run = runs[j].begin() + 1; run != runs[j].end(); ++run) {
                    Branch other = branch;
                    other.chosen[j] = run->member;
                    other.points *= run->size;
                    waiting.push_back(std::move(other));
                }
                branch.chosen[j] = runs[j].front().member;
                branch.points *= runs[j].front().size;
            }
            found += branch.points;
        }
        total *= found;
    }
    return total;
}

}  // namespace hpcore::space
