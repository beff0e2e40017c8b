"""The ladder of levels that a suggestion falls down to meet its deadline: ``trial.info["step"]`` names one.

Every level is described here, once. A sampler has those of its `Suggester.ladder`, best first; the Gaussian process
decides between its first three in C++, ``csrc/hpcore/bo/ladder.hpp``, whose names a test compares with these.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "AUTO_LADDER",
    "EARLIER_RANKING",
    "FULL",
    "GP_LADDER",
    "LEVELS",
    "ONE_LEVEL",
    "RANDOM",
    "REUSE",
    "SEARCH",
    "SOBOL",
    "TPE",
    "TPE_LADDER",
]

FULL: Final = "full"
REUSE: Final = "reuse"
SEARCH: Final = "search"
EARLIER_RANKING: Final = "earlier_ranking"
TPE: Final = "tpe"
SOBOL: Final = "sobol"
RANDOM: Final = "random"

LEVELS: Final[dict[str, str]] = {
    FULL: "The suggestion that is made without a deadline.",
    REUSE: "Gaussian process: hyperparameters of an earlier fit, although a new one was due.",
    SEARCH: "Gaussian process: the maximiser of the acquisition cut short, whatever the hyperparameters.",
    EARLIER_RANKING: "TPE with several objectives or limits: the order of an earlier call; trials that ended since "
    "count as bad.",
    TPE: "Auto: no time for a Gaussian process; a suggestion of TPE instead.",
    SOBOL: "Gaussian process: no time for a model; a point of the startup sequence instead.",
    RANDOM: "Optimizer: the sampler is busy, or its proposal was refused when the deadline had passed; a random point.",
}
"""Description of each level."""

# Ladders of the samplers, best level first. RANDOM is the optimizer's, below all of them.
ONE_LEVEL: Final = (FULL,)
GP_LADDER: Final = (FULL, REUSE, SEARCH, SOBOL)
TPE_LADDER: Final = (FULL, EARLIER_RANKING)
AUTO_LADDER: Final = (FULL, REUSE, SEARCH, EARLIER_RANKING, TPE)
