#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hpcore/space/codec.hpp"
#include "hpcore/space/natural.hpp"
#include "hpcore/space/parameter.hpp"

// A search space by its parameters:
//
//     const Space space({choice("kernel", 2), when(real("gamma", 1e-5, 10.0, {.log = true}),
//                                                  {.parent = "kernel", .values = {0}})});
namespace hpcore::space {

// Immutable, so that any number of threads may share one.
class Space {
  public:
    // One parameter or more, in the order of the columns; names of 1 to 512 bytes, none twice. Throws also on a parent
    // that is no parameter, a cycle of parents, or a condition that cannot hold.
    explicit Space(std::vector<Parameter> parameters);

    std::size_t size() const { return names_.size(); }
    const std::vector<std::string>& names() const { return names_; }
    // By column: choices without an order, which models compare as equal or not.
    const std::vector<bool>& categorical() const { return categorical_; }
    // Its order is the declared one, but every parent before its children.
    const std::shared_ptr<const Codec>& codec() const { return codec_; }
    std::optional<std::size_t> find(std::string_view name) const;

    // Number of distinct points, inactive columns being no difference; none if a column is continuous, or if there
    // are too many branches to count. Computed at each call.
    std::optional<Natural> points() const;
    // The same, and 2^64 - 1 for every number from there on.
    std::optional<std::uint64_t> finite_size() const;

  private:
    std::vector<std::string> names_;
    std::vector<bool> categorical_;
    std::shared_ptr<const Codec> codec_;
    std::vector<std::size_t> by_name_;  // columns, sorted by their names
};

}  // namespace hpcore::space
