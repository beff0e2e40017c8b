import numpy as np
from numpy.typing import NDArray

def uniform(seed_low: int, seed_high: int, number: int, purpose: int, n: int) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), of shape (n,): the beginning of a stream.

    seed_low and seed_high are the words of a 128-bit seed; number is a trial's; purpose is one of the constants of
    this module, plus the attempt times 2**32.
    """

def normal(seed_low: int, seed_high: int, number: int, purpose: int, n: int) -> NDArray[np.float64]:
    """Standard normal numbers of shape (n,): the beginning of a stream, see `uniform`."""

def raw(seed_low: int, seed_high: int, number: int, purpose: int, n: int) -> NDArray[np.uint64]:
    """Random 64-bit words of shape (n,): the beginning of a stream, see `uniform`."""

def sobol(seed_low: int, seed_high: int, first: int, n: int, d: int) -> NDArray[np.float64]:
    """Points first .. first + n - 1 of the scrambled Sobol sequence in [0, 1)^d, of shape (n, d)."""

# Purposes of random streams: csrc/hpcore/streams.hpp
OWN_KEY: int
SUGGEST: int
FILL: int
UNSEEN: int
ALLOWED: int
SAMPLE: int
PARZEN_SAMPLE: int
GP_WEIGHTS: int
GP_SAMPLE: int
GP_SEARCH: int
GP_POSTERIOR: int
GP_BRANCH: int
TPE_SHUFFLE: int
TPE_EVEN: int
TPE_STARTUP: int
TPE_REST: int
FIDELITY_SEARCH: int
CMAES_SAMPLE: int
CMAES_CHOICE: int
CMAES_RESTART: int
ANNEALING: int
EVOLUTION: int
SOBOL_COLUMNS: int
SOBOL_GROUPS: int
