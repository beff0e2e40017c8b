#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/gp/regressor.hpp"
#include "hpcore/view.hpp"

namespace hpcore::acquisition {

// Rows whose values are computed at once: their covariances stay in the cache.
constexpr std::size_t scored_at_once = 32;

// What a Maximizer maximises. One a thread.
class Acquisition {
  public:
    virtual ~Acquisition() = default;

    // Values at rows (m, d), into (m,).
    virtual void values(Rows rows, MutableColumn out) = 0;
    // The same with gradients: for row i in the columns moving[i], gradients[i] is resized to fit.
    virtual void values_and_gradients(Rows rows, const std::vector<const std::vector<std::size_t>*>& moving,
                                      MutableColumn out, std::vector<std::vector<double>>& gradients) = 0;
    // True if upper_bounds() takes much less time than values().
    virtual bool has_bounds() const { return false; }
    // What the values at rows (m, d) are not above, into (m,).
    virtual void upper_bounds(Rows rows, MutableColumn out) { values(rows, out); }
    // True if a difference of one means the same whatever the models.
    virtual bool has_unit() const { return true; }
    // Called when all candidates have a value; throws if these make no sense together.
    virtual void check_sign() const {}
    // A model whose points are those that were told, and those that are pending after them.
    virtual const gp::Regressor& model() const = 0;

  protected:
    Acquisition() = default;
    Acquisition(const Acquisition&) = default;
    Acquisition(Acquisition&&) = default;
    Acquisition& operator=(const Acquisition&) = default;
    Acquisition& operator=(Acquisition&&) = default;
};

}  // namespace hpcore::acquisition
