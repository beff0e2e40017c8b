import numpy as np
from numpy.typing import NDArray

def uniform(seed_low: int, seed_high: int, number: int, purpose: int, n: int) -> NDArray[np.float64]: ...
def normal(seed_low: int, seed_high: int, number: int, purpose: int, n: int) -> NDArray[np.float64]: ...
def raw(seed_low: int, seed_high: int, number: int, purpose: int, n: int) -> NDArray[np.uint64]: ...
def sobol(seed_low: int, seed_high: int, first: int, n: int, d: int) -> NDArray[np.float64]: ...

# Purposes of random streams: csrc/hpcore/streams.hpp
OWN_KEY: int
SUGGEST: int
FILL: int
UNSEEN: int
ALLOWED: int
SAMPLE: int
GP_WEIGHTS: int
GP_SAMPLE: int
GP_SEARCH: int
GP_POSTERIOR: int
TPE_SHUFFLE: int
TPE_EVEN: int
TPE_STARTUP: int
TPE_REST: int
SOBOL_COLUMNS: int
SOBOL_GROUPS: int
