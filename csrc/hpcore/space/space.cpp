#include "hpcore/space/space.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "hpcore/space/points.hpp"
#include "hpcore/space/resolve.hpp"
#include "hpcore/space/text.hpp"

namespace hpcore::space {
namespace {

constexpr std::size_t max_name = 512;  // bytes

// Columns as declared, but every parent before its children. Throws on a cycle.
std::vector<std::size_t> activation_order(const std::vector<Column>& columns, const std::vector<std::string>& names) {
    enum class State { unseen, waiting, placed };
    std::vector<State> states(columns.size(), State::unseen);
    std::vector<std::size_t> order;
    // A stack of our own, as a chain of conditions may be longer than the thread's is deep: a column, and how many of
    // its parents are placed.
    std::vector<std::pair<std::size_t, std::size_t>> waiting;
    for (std::size_t first = 0; first < columns.size(); ++first) {
        if (states[first] == State::unseen) waiting.emplace_back(first, 0);
        while (!waiting.empty()) {
            auto& [j, done] = waiting.back();
            states[j] = State::waiting;
            const auto& conditions = columns[j].conditions;
            if (done == conditions.size()) {
                states[j] = State::placed;
                order.push_back(j);
                waiting.pop_back();
                continue;
            }
            const std::size_t parent = conditions[done++].parent;
            if (states[parent] == State::waiting) {
                std::string cycle = quoted(names[parent]);
                for (auto child = waiting.rbegin(); child != waiting.rend(); ++child) {
                    cycle += " -> " + quoted(names[child->first]);
                    if (child->first == parent) break;
                }
                throw std::invalid_argument("conditions must not form a cycle, got " + cycle);
            }
            if (states[parent] == State::unseen) waiting.emplace_back(parent, 0);
        }
    }
    return order;
}

}  // namespace

Space::Space(std::vector<Parameter> parameters) {
    if (parameters.empty()) throw std::invalid_argument("a space must have at least one parameter, got none");
    for (const Parameter& parameter : parameters) {
        const std::string& name = parameter.name();
        if (name.empty() || name.size() > max_name)
            throw std::invalid_argument("a parameter's name must have 1 to 512 bytes, got " +
                                        quoted(name.substr(0, 80)));
        names_.push_back(name);
        categorical_.push_back(parameter.categorical());
    }
    by_name_.resize(names_.size());
    std::iota(by_name_.begin(), by_name_.end(), std::size_t{0});
    std::sort(by_name_.begin(), by_name_.end(), [&](std::size_t a, std::size_t b) { return names_[a] < names_[b]; });
    const auto twice = std::adjacent_find(by_name_.begin(), by_name_.end(),
                                          [&](std::size_t a, std::size_t b) { return names_[a] == names_[b]; });
    if (twice != by_name_.end())
        throw std::invalid_argument("a parameter's name must be given once, got " + quoted(names_[*twice]) + " twice");

    std::vector<Column> columns;
    for (const Parameter& parameter : parameters) {
        Column column = parameter.column();
        if (parameter.open_alternative())
            throw std::invalid_argument("an alternative of " + quoted(parameter.name()) +
                                        " must have at least one condition, got none");
        for (const When& condition : parameter.conditions()) {
            const auto parent = find(condition.parent);
            if (!parent)
                throw std::invalid_argument("the condition of " + quoted(parameter.name()) +
                                            " must name a parameter of the space, got " + quoted(condition.parent));
            column.conditions.push_back(resolve(parameter.name(), condition, parameters[*parent], *parent));
        }
        columns.push_back(std::move(column));
    }
    std::vector<std::size_t> order = activation_order(columns, names_);
    codec_ = std::make_shared<const Codec>(std::move(columns), std::move(order));
}

std::optional<std::size_t> Space::find(std::string_view name) const {
    const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                     [&](std::size_t j, std::string_view wanted) { return names_[j] < wanted; });
    if (at == by_name_.end() || names_[*at] != name) return std::nullopt;
    return *at;
}

std::optional<Natural> Space::points() const {
    return count_points(*codec_);
}

std::optional<std::uint64_t> Space::finite_size() const {
    const std::optional<Natural> all = points();
    if (!all) return std::nullopt;
    return all->small().value_or(std::numeric_limits<std::uint64_t>::max());
}

}  // namespace hpcore::space
