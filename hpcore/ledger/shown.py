"""Stand-ins for a sampler or scheduler that is code and so was not stored, to read a study without its program."""

from __future__ import annotations

from typing import Any

from hpcore.errors import InvalidArgument
from hpcore.ledger.spaces import sampler_from_spec, scheduler_from_spec
from hpcore.samplers import RandomSampler, Sampler
from hpcore.schedulers import Judge, Scheduler
from hpcore.space.columns import Columns

__all__ = ["shown_sampler", "shown_scheduler"]


class _ShownSampler(RandomSampler):
    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def __repr__(self) -> str:
        return self._text


class _ShownScheduler(Scheduler):
    def __init__(self, text: str) -> None:
        self._text = text

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        return Judge()

    def __repr__(self) -> str:
        return self._text


def shown_sampler(study: str, spec: Any) -> Sampler:
    """Restore the sampler of a study, or one that has its text."""
    try:
        return sampler_from_spec(study, spec)
    except InvalidArgument:
        return _ShownSampler(str(spec.get("shown") or spec.get("name")))


def shown_scheduler(study: str, spec: Any) -> Scheduler | None:
    """Restore the scheduler of a study, or one that has its text; None if there is none."""
    if spec is None:
        return None
    try:
        return scheduler_from_spec(study, spec)
    except InvalidArgument:
        return _ShownScheduler(str(spec.get("shown") or spec.get("name")))
