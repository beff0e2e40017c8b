#pragma once

#include <vector>

#include "hpcore/gp/regressor.hpp"
#include "hpcore/gp/target_transform.hpp"
#include "hpcore/linalg/lapack.hpp"
#include "hpcore/view.hpp"

namespace hpcore::gp {

// A Gaussian process of values in their own units, its hyperparameters learnt: hpcore/surrogates/gp.py with its
// defaults. Not for several threads at once.
class Predictor {
  public:
    // rows (n, d) canonical rows of the cube, values (n,) finite, std_errors (n,) of the values or empty; n >= 1.
    // `lapack` outlives the predictor. Throws std::invalid_argument without a value, NotPositiveDefinite.
    Predictor(const linalg::Lapack& lapack, const std::vector<ColumnType>& columns, Rows rows, Column values,
              Column std_errors = {});

    // Mean and standard deviation (m,) of the function without noise at canonical rows (m, d); finite.
    void predict(Rows rows, MutableColumn mean, MutableColumn std);

  private:
    TargetTransform targets_;
    Regressor model_;
    Prediction room_;
};

}  // namespace hpcore::gp
