"""Random numbers keyed by (seed, trial number, purpose): nothing to store, nothing that a fork could copy.

Uniform numbers come from the native Philox4x64-10; see ``csrc/hpcore/rng.hpp``.
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from hpcore._core import rng as native
from hpcore.arguments import check_integer

__all__ = ["ALLOWED", "FILL", "SUGGEST", "UNSEEN", "Rng", "check_seed"]

# Purposes of streams, those of this package's upper rows; all are listed in csrc/hpcore/streams.hpp.
SUGGEST, FILL, UNSEEN, ALLOWED = native.SUGGEST, native.FILL, native.UNSEEN, native.ALLOWED

WORD = 2**64


def check_seed(seed: int | None) -> int:
    """The seed, or a fresh one from the operating system if it is None.

    Raises
    ------
    InvalidType, InvalidArgument
        Not an integer in 0 .. 2**128 - 1.
    """
    if seed is None:
        return int.from_bytes(os.urandom(8), "little") >> 1
    return check_integer("seed", seed, 0, WORD * WORD - 1)


class Rng:
    """The random numbers of one trial.

    Parameters
    ----------
    seed : int
        0 .. 2**128 - 1.
    number : int
        Trial number; of the first trial when several are asked for.
    attempt : int
        Raised when the trial's first proposal was refused, so that the next one differs.
    """

    __slots__ = ("attempt", "number", "seed_high", "seed_low")

    def __init__(self, seed: int, number: int, attempt: int = 0) -> None:
        self.seed_low, self.seed_high = seed % WORD, seed // WORD
        self.number = number
        self.attempt = attempt

    @property
    def seed(self) -> int:
        """0 .. 2**128 - 1."""
        return self.seed_low + self.seed_high * WORD

    def uniform(self, n: int, purpose: int, offset: int = 0) -> npt.NDArray[np.float64]:
        """`n` uniform numbers in [0, 1) for the trial `offset` places after this one."""
        purpose += self.attempt << 32
        return native.uniform(self.seed_low, self.seed_high, self.number + offset, purpose, n)

    def generator(self, purpose: int) -> np.random.Generator:
        """A NumPy generator keyed the same way, for libraries that want one (and may spawn others from it)."""
        words = [self.seed_low, self.seed_high, self.number, purpose, self.attempt]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))
