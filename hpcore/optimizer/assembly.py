"""Assembly of the objects that do the work of an optimizer, around its record, queue and remaining points."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from hpcore.optimizer.asking import Asking
from hpcore.optimizer.basis import Basis
from hpcore.optimizer.by_number import Numbered
from hpcore.optimizer.costs import Costs
from hpcore.optimizer.jobs import Jobs
from hpcore.optimizer.proposer import Proposer
from hpcore.optimizer.record import Record
from hpcore.optimizer.remaining import Remaining
from hpcore.optimizer.starting import Starter
from hpcore.optimizer.suggestions import Suggestions
from hpcore.optimizer.telling import Telling
from hpcore.optimizer.turn import Turn
from hpcore.samplers import Sampler
from hpcore.space.space import Params, Space

if TYPE_CHECKING:
    from hpcore.optimizer.scheduling import Scheduling
    from hpcore.schedulers.base import Scheduler

__all__ = ["Parts", "assemble"]


class Parts(NamedTuple):
    """Objects that are built from the state of an optimizer, and so are not pickled."""

    suggestions: Suggestions
    jobs: Jobs
    basis: Basis
    asking: Asking
    numbered: Numbered
    telling: Telling


def assemble(
    space: Space,
    directions: tuple[str, ...],
    seed: int,
    sampler: Sampler,
    scheduler: Scheduler | None,
    prefetch: bool | str,
    repeats: int | None,
    costs: Costs,
    record: Record,
    queue: deque[Params],
    remaining: Remaining,
    turn: Turn,
    has_moved: bool = False,
) -> Parts:
    """Build the objects; for the arguments see `Optimizer` and `Basis`."""
    columns = space.columns
    suggestions = Suggestions(sampler, columns, len(directions), seed, prefetch, repeats or 1, costs)
    scheduling: Scheduling | None = None
    if scheduler is not None:
        # Imported here: most searches have no scheduler.
        from hpcore.optimizer.scheduling import Scheduling

        scheduling = Scheduling(scheduler, columns, directions, seed)
        suggestions.learn_at_rungs(scheduling.judge)
    jobs = Jobs(record, suggestions, scheduling, turn)
    basis = Basis(record, queue, remaining, suggestions, has_moved)
    proposer = Proposer(space, suggestions, remaining, seed)
    starter = Starter(space, seed, record, queue, remaining, suggestions, proposer)
    return Parts(
        suggestions,
        jobs,
        basis,
        Asking(columns, repeats, record, queue, suggestions, basis, starter, jobs, turn),
        Numbered(columns, repeats, record, remaining, suggestions, proposer, basis),
        Telling(record, queue, remaining, suggestions, basis, starter, jobs),
    )
