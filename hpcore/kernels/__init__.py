"""Functions that users write and the compiled core calls: acquisitions, covariances and prior densities.

A decorated function is compiled by Numba on its first use (cached on disk where its source file is, or in the user's
cache directory) and called by pointer, without the GIL. Importing this package does not import Numba.

`acquisition` makes what `GPSampler(acquisition=...)` maximises, `covariance` the model of ``GPSampler(covariance=...)``
and ``surrogates.GaussianProcess(covariance=...)``, `density` the prior of ``GPSampler(prior=...)`` and
``TPESampler(prior=...)``. A kernel that raises, or answers NaN, ends a suggestion with a `KernelError` that names it;
an index outside its array raises (in the kernel itself: functions that it calls and that you compiled with Numba keep
your options). Arrays are read only, but for those that a covariance's gradient fills.
An optimizer with kernels is pickled with their code, and compiles them again where it is loaded.

`hypervolume` measures a Pareto front for a report.

>>> import hpcore as hp
>>> @hp.kernels.density
... def near_the_middle(u):
...     return -8.0 * ((u - 0.5) ** 2).sum()
>>> @hp.kernels.acquisition
... def optimistic(mean, std, best):
...     return 2.0 * std - mean, -1.0, 2.0
>>> sampler = hp.samplers.GPSampler(optimistic, prior=near_the_middle)
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
from hpcore.kernels.dominance import hypervolume

__all__ = [
    "AcquisitionKernel",
    "CovarianceKernel",
    "DensityKernel",
    "acquisition",
    "covariance",
    "density",
    "hypervolume",
]
