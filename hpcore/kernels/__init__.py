"""Functions that users write and the compiled core calls: acquisitions, covariances and prior densities.

A decorated function is compiled by Numba on its first use (cached on disk where its source file is, or in the user's
cache directory) and called by pointer, without the GIL. Importing this package does not import Numba.

A density serves as `prior` of `TPESampler`. Acquisitions and covariances compile and can be evaluated from Python; the
Gaussian process does not take them yet.

>>> import hpcore as hp
>>> @hp.kernels.density
... def near_the_middle(u):
...     return -8.0 * ((u - 0.5) ** 2).sum()
"""

from __future__ import annotations

from hpcore.kernels.decorators import (
    AcquisitionKernel,
    CovarianceKernel,
    DensityKernel,
    acquisition,
    covariance,
    density,
)

__all__ = ["AcquisitionKernel", "CovarianceKernel", "DensityKernel", "acquisition", "covariance", "density"]
