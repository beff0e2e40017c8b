#pragma once

#include <stdexcept>
#include <string>

namespace hpcore {

// A matrix that should have had a Cholesky factor has none. Becomes numpy.linalg.LinAlgError in Python.
class NotPositiveDefinite : public std::runtime_error {
  public:
    explicit NotPositiveDefinite(const std::string& what) : std::runtime_error(what) {}
};

}  // namespace hpcore
