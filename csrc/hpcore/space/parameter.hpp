#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hpcore/space/codec.hpp"

// Parameters in the words of people; Column holds what follows from these. Every function here
// throws std::invalid_argument with a text that names the argument, the parameter (unless its name is empty) and the
// value.
namespace hpcore::space {

// A value of an integer parameter or the index of a choice; a value of a real parameter.
using Number = std::variant<std::int64_t, double>;

// Requirement on another parameter: its value is one of `values` or, if there are none, lies within the bounds that
// are given, both included (both of them: between). A parent of several choices needs an order for bounds; a
// continuous parent takes bounds only.
struct When {
    std::string parent{};
    std::vector<Number> values{};
    std::optional<Number> at_least{};
    std::optional<Number> at_most{};
    bool alternative = false;  // begins another alternative; set by `when` after `or_when`
};

struct RealOptions;
struct IntegerOptions;
struct ChoiceOptions;
struct NormalOptions;

// One dimension of a space; immutable. Made by the functions below.
class Parameter {
  public:
    const std::string& name() const { return name_; }
    // Without conditions, which need to know the parents.
    const Column& column() const { return column_; }
    // All of them must hold for the parameter to be active, up to one that begins an alternative; or all from there on.
    const std::vector<When>& conditions() const { return conditions_; }
    // True after `or_when`, as long as the alternative has no condition.
    bool open_alternative() const { return open_alternative_; }
    // True for choices without an order.
    bool categorical() const { return column_.kind == Kind::choice && !ordered_; }

    Parameter named(std::string name) const;

  private:
    Parameter(std::string name, Column column, bool ordered = true);

    std::string name_;
    Column column_;
    bool ordered_;
    std::vector<When> conditions_;
    bool open_alternative_ = false;

    friend Parameter real(std::string, double, double, const RealOptions&);
    friend Parameter integer(std::string, std::int64_t, std::int64_t, const IntegerOptions&);
    friend Parameter choice(std::string, std::size_t, const ChoiceOptions&);
    friend Parameter normal(std::string, double, double, const NormalOptions&);
    friend Parameter when(Parameter, When);
    friend Parameter or_when(Parameter);
};

struct RealOptions {
    bool log = false;              // uniform in the logarithm; needs low > 0
    std::optional<double> step{};  // > 0, counted from low in decimals: level 3 of step 0.1 is the double 0.3
};
// Finite bounds low <= high, both included; on a grid the highest value is the last one not above `high`. At most 2^63
// levels.
Parameter real(std::string name, double low, double high, const RealOptions& options = {});

struct IntegerOptions {
    bool log = false;  // uniform in the logarithm; needs low >= 1
    std::int64_t step = 1;
};
// low <= high, both included; any of 64 bits.
Parameter integer(std::string name, std::int64_t low, std::int64_t high, const IntegerOptions& options = {});

struct ChoiceOptions {
    bool ordered = false;           // neighbouring choices are alike
    std::vector<double> weights{};  // (n_choices,) > 0, relative probabilities; empty: equal ones
};
// One of n_choices >= 1; values are indices.
Parameter choice(std::string name, std::size_t n_choices, const ChoiceOptions& options = {});

struct NormalOptions {
    std::optional<double> low{}, high{};  // bounds of the value itself; the density between them is renormalised
    bool log = false;                     // the logarithm is normal; needs low > 0
    // A grid from `low` if that is given and else of the multiples of step; an open end lies 8.3 std from the mean.
    std::optional<double> step{};
};
// Mean and std > 0 of the value, or of its logarithm. Throws also if bounds leave no probability within 8.3 std.
Parameter normal(std::string name, double mean, double std, const NormalOptions& options = {});

// The same parameter, active only where its conditions and this one hold; after `or_when`, those since then.
Parameter when(Parameter parameter, When condition);

// The same parameter, active also where the conditions hold that are added next. Throws if it has no conditions yet, or
// none since the last call.
Parameter or_when(Parameter parameter);

}  // namespace hpcore::space
