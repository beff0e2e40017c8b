"""Random numbers as a function of (seed, trial number, purpose): there is no state to store, or to copy in a fork.

Uniform numbers come from the native Philox4x64-10; see ``csrc/hpcore/rng.hpp``.
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from hpcore._core import rng as native
from hpcore.arguments import check_integer

__all__ = ["ALLOWED", "FILL", "SUGGEST", "UNSEEN", "Rng", "check_seed"]

# Purposes of streams that Python uses; all purposes are listed in csrc/hpcore/streams.hpp.
SUGGEST, FILL, UNSEEN, ALLOWED = native.SUGGEST, native.FILL, native.UNSEEN, native.ALLOWED

WORD = 2**64


def check_seed(seed: int | None) -> int:
    """Check a seed; None draws one from the operating system.

    Raises
    ------
    InvalidType, InvalidArgument
        The seed is not an integer in 0 .. 2**128 - 1.
    """
    if seed is None:
        return int.from_bytes(os.urandom(8), "little") >> 1
    return check_integer("seed", seed, 0, WORD * WORD - 1)


class Rng:
    """Random numbers of one trial.

    Parameters
    ----------
    seed : int
        Seed of the search, 0 .. 2**128 - 1.
    number : int
        Trial number; that of the first trial if several are asked for at once.
    attempt : int
        Number of proposals for this trial that were refused; another attempt gives other numbers.
    """

    __slots__ = ("attempt", "number", "seed_high", "seed_low")

    def __init__(self, seed: int, number: int, attempt: int = 0) -> None:
        self.seed_low, self.seed_high = seed % WORD, seed // WORD
        self.number = number
        self.attempt = attempt

    @property
    def seed(self) -> int:
        """Seed of the search, 0 .. 2**128 - 1."""
        return self.seed_low + self.seed_high * WORD

    def uniform(self, n: int, purpose: int, offset: int = 0) -> npt.NDArray[np.float64]:
        """Uniform numbers (n,) in [0, 1) for the trial `offset` places after this one."""
        purpose += self.attempt << 32
        return native.uniform(self.seed_low, self.seed_high, self.number + offset, purpose, n)

    def generator(self, purpose: int) -> np.random.Generator:
        """NumPy generator with the same keys, for libraries that need one; it may spawn others."""
        words = [self.seed_low, self.seed_high, self.number, purpose, self.attempt]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))
