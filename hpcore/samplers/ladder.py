"""The ladder of levels that a suggestion falls down to meet its deadline: ``trial.info["step"]`` names one.

Every level is described here, once. A sampler has those of its `Suggester.ladder`, best first; the Gaussian process
decides between its first four in C++, ``csrc/hpcore/bo/ladder.hpp``, whose names a test compares with these.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "AUTO_LADDER",
    "DRAFT",
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
DRAFT: Final = "draft"
EARLIER_RANKING: Final = "earlier_ranking"
TPE: Final = "tpe"
SOBOL: Final = "sobol"
RANDOM: Final = "random"

LEVELS: Final[dict[str, str]] = {
    FULL: "The suggestion that is made without a deadline.",
    REUSE: "Gaussian process: hyperparameters of an earlier fit, although a new one was due.",
    SEARCH: "Gaussian process: the maximiser of the acquisition cut short, whatever the hyperparameters.",
    DRAFT: "Gaussian process: a small model, of the best results and some others, with the hyperparameters at hand: "
    "for less time than a search takes, or when another thread was waited for in vain.",
    EARLIER_RANKING: "TPE with several objectives or limits: the order of an earlier call; trials that ended since "
    "count as bad.",
    TPE: "Auto: nothing to make a Gaussian process of; a suggestion of TPE instead.",
    SOBOL: "Gaussian process: nothing to make a model of; a point of the startup sequence instead.",
    RANDOM: "Optimizer: the sampler is busy and has nothing at once, or its proposal was refused when the deadline had "
    "passed; a random point.",
}
"""Description of each level."""

# Ladders of the samplers, best level first. RANDOM is the optimizer's, below all of them.
ONE_LEVEL: Final = (FULL,)
GP_LADDER: Final = (FULL, REUSE, SEARCH, DRAFT, SOBOL)
TPE_LADDER: Final = (FULL, EARLIER_RANKING)
AUTO_LADDER: Final = (FULL, REUSE, SEARCH, DRAFT, EARLIER_RANKING, TPE)
