"""Ask and tell: a space, a sampler and the history between them. No disk, no thread, and no clock but for deadlines."""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_attributes, check_integer, check_number
from hpcore.errors import (
    InfeasibleSpace,
    InvalidArgument,
    InvalidType,
    NoCompletedTrial,
    SearchSpaceExhausted,
    TrialAlreadyTold,
    UnknownTrial,
)
from hpcore.prefetch import Prefetcher
from hpcore.records.history import COMPLETE, FAILED, RUNNING, STATES, History
from hpcore.records.objectives import check_directions, check_values
from hpcore.records.pareto import non_dominated
from hpcore.records.streams import FILL, Rng, check_seed
from hpcore.records.trial import Trial
from hpcore.records.unseen import Unseen
from hpcore.samplers import Sampler, resolve
from hpcore.samplers.base import NO_TIME, Suggester
from hpcore.space.choices import maybe_copy
from hpcore.space.space import MAX_TRIES, Params, Space

__all__ = ["Optimizer"]

FloatArray = npt.NDArray[np.float64]

# A proposal that repeats a point of a finite space is drawn again this often before the unseen ones are listed.
REPEATS = 50
# After so many refused proposals for one trial, random points: nothing that a model likes is allowed or new.
PATIENCE = 4

# Whose threads and locks a fork breaks.
_ALIVE: weakref.WeakSet[Optimizer] = weakref.WeakSet()
# Suggesters that a thread of the parent process was at work with: not fit for use, nor to be taken apart.
_HALF_WAY: list[Suggester] = []


class Optimizer:
    """Proposes parameters and learns from their results.

    Parameters
    ----------
    space : Space or mapping
        What to search; a mapping is read by `Space.of`.
    sampler : str or Sampler
        ``"gp"``, ``"tpe"``, ``"random"``, ``"grid"``, ``"sobol"``, ``"auto"`` (which chooses among them, see
        `hpcore.samplers.AutoSampler`), or an object of `hpcore.samplers` with its options.
    direction : {"minimize", "maximize"}, optional
        Of the one objective; ``"minimize"`` if nothing is said.
    directions : sequence of {"minimize", "maximize"}, optional
        One per objective, instead of `direction`.
    seed : int, optional
        0 .. 2**128 - 1. The same seed, space and history give the same proposals to the last bit; None draws one from
        the operating system, found in `seed`.
    prefetch : bool or "delayed"
        Compute the next suggestion on a thread while the caller is busy. True: from each `tell` on; a suggestion that
        another `tell` made stale is dropped and computed again, so proposals are those without prefetching.
        ``"delayed"``: from each `ask` on, and given whatever is told meanwhile, so that the evaluation of a trial
        hides the cost of the next suggestion; it took the trials in ``trial.info["unseen"]`` for running ones.
        Costs a core while it computes; samplers that do not learn have nothing to prefetch.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        As the arguments' own checks say.

    Examples
    --------
    >>> import hpcore as hp
    >>> opt = hp.Optimizer({"x": hp.Float(-5, 5)}, sampler="sobol", seed=0)
    >>> for _ in range(20):
    ...     trial = opt.ask()
    ...     opt.tell(trial, (trial["x"] - 1) ** 2)
    >>> opt.best_value < 0.5
    True

    Notes
    -----
    Several threads may share an optimizer; calls take turns. In a finite space no point is proposed twice, and `ask`
    raises `SearchSpaceExhausted` after the last one. A forked child has an optimizer of its own, whatever threads of
    its parent were doing, which proposes what its parent's does.
    """

    def __init__(
        self,
        space: Space | Mapping[str, Any],
        sampler: str | Sampler = "gp",
        direction: str | None = None,
        directions: Sequence[str] | None = None,
        seed: int | None = None,
        prefetch: bool | str = False,
    ) -> None:
        self.space = Space.of(space)
        self.sampler = resolve(sampler)
        self.directions = check_directions(direction, directions)
        self.seed = check_seed(seed)
        if not isinstance(prefetch, bool) and prefetch != "delayed":
            raise InvalidArgument(f"prefetch must be True, False or 'delayed', got {prefetch!r}")
        self.prefetch = prefetch
        # The sign turns here and nowhere else: below this line lower is better.
        self._single = len(self.directions) == 1
        self._signs = tuple(-1.0 if way == "maximize" else 1.0 for way in self.directions)
        self._history = History(len(self.space), len(self.directions))
        self._open: dict[int, Trial] = {}
        self._queue: deque[Params] = deque()
        self._unseen = Unseen(self.space, self.seed)
        self._best: int | None = None
        self._begin()

    def _begin(self) -> None:
        """What is derived from the rest, and so is not pickled."""
        self._lock = threading.RLock()
        self._columns = self.space.columns
        self._codec = self._columns.codec
        self._finite = self._columns.finite_size is not None
        self._version = 0  # counts what a suggestion depends on
        self._told: list[int] = []  # since the last look ahead, with "delayed"
        self._bind()
        _ALIVE.add(self)

    def _bind(self) -> None:
        """A suggester that knows nothing yet; it learns from the history when it is asked."""
        self._suggester = self.sampler.bind(self._columns)
        self._suggester.prepare(len(self.directions))
        learns = self._suggester.uses_pending
        self._prefetcher = Prefetcher(self._suggester) if self.prefetch and learns else None
        self._orphaned = False

    def _after_fork(self) -> None:
        """In a child process, which has none of its parent's other threads."""
        idle = self._lock.acquire(blocking=False)
        if idle:
            self._lock.release()
        else:
            self._lock = threading.RLock()
        # A suggester that a thread was at work with is left half-way for good; another one is bound when it is needed,
        # because few children ask.
        if not idle or self._prefetcher is not None:
            self._orphaned = True
            _HALF_WAY.append(self._suggester)

    def __getstate__(self) -> dict[str, Any]:
        derived = ("lock", "columns", "codec", "suggester", "finite", "prefetcher", "version", "told", "orphaned")
        return {k: v for k, v in vars(self).items() if k.removeprefix("_") not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    # --- ask -----------------------------------------------------------------------------------------------------

    @overload
    def ask(self, n: None = None, *, deadline_ms: float | None = None) -> Trial: ...
    @overload
    def ask(self, n: int, *, deadline_ms: float | None = None) -> list[Trial]: ...
    def ask(self, n: int | None = None, *, deadline_ms: float | None = None) -> Trial | list[Trial]:
        """The next parameters to evaluate.

        Parameters
        ----------
        n : int, optional
            How many, at least 1. Without it one trial is given, with it a list. Fewer than `n` come only when the
            space runs out.
        deadline_ms : float, optional
            Milliseconds from the call, by a monotonic clock, that the sampler may take for all it is asked for;
            greater than 0. It then goes down a ladder of cheaper steps, and says in ``trial.info["step"]`` which one
            led to the trial; ``"full"`` is the suggestion without a deadline. What a machine manages in a time is not
            repeatable, so neither are other steps. ``"random"`` is a point at random: constraints or repeats refused
            what the sampler proposed until the time was over, or four times more; or, with `prefetch`, the sampler
            was still busy on its thread.

        Returns
        -------
        Trial or list of Trial
            Running until `tell`; enqueued parameters come first.

        Raises
        ------
        SearchSpaceExhausted
            Nothing is left to propose.
        InfeasibleSpace
            The constraints refused 20,000 proposals in a row.
        ConstraintError
            A constraint raised. No trial begins then, not even of those of `n` that came before.
        """
        end = None
        if deadline_ms is not None:
            deadline_ms = check_number("deadline_ms", deadline_ms, 0.0, open_low=True, unit=" of milliseconds")
            end = time.monotonic() + min(deadline_ms / 1e3, threading.TIMEOUT_MAX)
        with self._lock:
            if self._orphaned:
                self._bind()
            if n is None:
                trial = self._ask_one(end)
                self._look_ahead(after_tell=False)
                return trial
            n = check_integer("n", n, 1)
            trials = self._ask_many(n, end)
            self._look_ahead(after_tell=False)
            return trials

    def _ask_one(self, end: float | None = None) -> Trial:
        if self._queue:
            return self._ask_queued()
        u, info, step = None, None, None
        if self._prefetcher is not None and self._prefetcher.ready(end):
            u, info = self._take_prefetched(self._prefetcher)
            step = "full"
        if u is None:
            rows, step = self._propose(1, 0, end)
            u = rows[0]
        return self._settle(u, step, end, info)

    def _take_prefetched(self, prefetcher: Prefetcher) -> tuple[FloatArray | None, dict[str, Any]]:
        """The suggestion that was computed ahead if it may be given, and what to say of it."""
        # Delayed, it may be given whatever was told since, but not under another trial's number.
        rows = prefetcher.take(self._history.n if self.prefetch == "delayed" else self._version)
        if rows is None:
            return None, {"prefetched": False}
        info: dict[str, Any] = {"prefetched": True}
        if self.prefetch == "delayed":
            info["unseen"] = self._told
        return rows[0], info

    def _inform(self, trial: Trial, info: dict[str, Any] | None) -> Trial:
        source = self._suggester.source(trial.number, None if info is None else info.get("step"))
        if info is not None:
            trial.info = info if source is None else {**info, "sampler": source}
            self._history.notes.setdefault(trial.number, {})["info"] = trial.info
        elif source is not None:
            trial.info = {"sampler": source}
            self._history.came_from(trial.number, source)
        return trial

    def _look_ahead(self, after_tell: bool) -> None:
        """Begin on the next suggestion, if that is wanted and the one that was begun will not do."""
        if self._orphaned:
            self._bind()
        prefetcher = self._prefetcher
        if prefetcher is None:
            return
        self._version += 1
        # Exact, what follows an ask is mostly a tell, which would make the work stale; delayed, that does not matter.
        if self._queue or after_tell is (self.prefetch == "delayed"):
            return
        self._told = []
        key = self._history.n if self.prefetch == "delayed" else self._version
        prefetcher.start(key, self._history, Rng(self.seed, self._history.n))

    def _ask_many(self, n: int, end: float | None) -> list[Trial]:
        """All of them, fewer where the space runs out, or after an error none."""
        first, queue = self._history.n, self._queue.copy()
        trials: list[Trial] = []
        try:
            while len(trials) < n and self._queue:
                trials.append(self._ask_queued())
            if len(trials) < n:
                rows, step = self._propose(n - len(trials), 0, end)
                for u in rows:
                    trials.append(self._settle(u, step, end))
            while len(trials) < n:
                trials.append(self._ask_one(end))
        except SearchSpaceExhausted:
            if not trials:
                raise
        except BaseException as error:
            self._take_back(first, queue, error)
            raise
        return trials

    def _take_back(self, first: int, queue: deque[Params], error: BaseException) -> None:
        """Undo an `ask` that failed: nobody holds its trials from number `first` on, so nobody could tell them."""
        n_queued = len(queue) - len(self._queue)
        if isinstance(error, InfeasibleSpace) and n_queued > self._history.n - first:
            # What has no room in the space would be in the way for ever.
            del queue[n_queued - 1]
        self._queue = queue
        if self._history.n == first:
            return
        for number in range(first, self._history.n):
            del self._open[number]
        self._history.truncate(first)
        self._unseen = Unseen(self.space, self.seed)
        self._mark_seen(0)
        # What suggesters know of a trial they do not forget.
        self._version += 1
        self._bind()

    def _mark_seen(self, first: int) -> None:
        if self._finite:
            for u in self._history.X[first:]:
                self._unseen.discard(u)

    def _propose(self, n: int, attempt: int, end: float | None = None) -> tuple[FloatArray, str | None]:
        """Rows of the sampler, and its step if there is an `end` on the monotonic clock."""
        history = self._history
        rng = Rng(self.seed, history.n, attempt)
        if self._prefetcher is not None and not self._prefetcher.ready(end):
            return np.array([rng.uniform(len(self.space), FILL, offset) for offset in range(n)]), "random"
        pending = history.running() if self._suggester.uses_pending else history.X[:0]
        if end is None:
            return self._suggester.suggest(history, pending, n, rng), None
        left_ms = max(1e3 * (end - time.monotonic()), NO_TIME)
        return self._suggester.suggest_within(history, pending, n, rng, left_ms)

    def _settle(self, u: FloatArray, step: str | None, end: float | None, info: dict[str, Any] | None = None) -> Trial:
        """A proposal as a trial; if it repeats or is not allowed, another proposal instead."""
        accepted, step = self._accept(u, step, end)
        trial = self._register(*accepted)
        if end is not None:
            info = {**(info or {}), "step": step}
        return self._inform(trial, info)

    def _accept(
        self, u: FloatArray, step: str | None, end: float | None
    ) -> tuple[tuple[FloatArray, Params], str | None]:
        """A point that is new and allowed with its parameters, and the step that led to it."""
        repeats = 0
        for attempt in range(1, MAX_TRIES + 1):
            u = np.ascontiguousarray(u, dtype=np.float64)
            values = self._codec.settle(u)
            if self._finite and u not in self._unseen:
                repeats += 1
                if repeats >= REPEATS:
                    return self._next_unseen(), step
            else:
                params = self.space.assemble(values)
                if not self.space.constraints or self.space.allows(params):
                    return (u, params), step
            if self.learns and (attempt > PATIENCE or (end is not None and time.monotonic() >= end)):
                u = Rng(self.seed, self._history.n, attempt).uniform(len(self.space), FILL)
                step = "random"
            else:
                rows, step = self._propose(1, attempt, end)
                u = rows[0]
        if self._finite:
            return self._next_unseen(), step
        raise InfeasibleSpace(f"constraints must allow some proposals; {MAX_TRIES} in a row were refused")

    def _next_unseen(self) -> tuple[FloatArray, Params]:
        """A point of a finite space that was not proposed yet, by looking through all of them."""
        found = self._unseen.next()
        if found is None:
            n = len(self._unseen)
            raise SearchSpaceExhausted(f"every allowed point of the space has been proposed ({n} points)")
        return found

    def _ask_queued(self) -> Trial:
        """Enqueued parameters; those that were left out are drawn at random."""
        given = self._queue[0]
        attempt = 0
        while attempt < MAX_TRIES:
            rng = Rng(self.seed, self._history.n, attempt)
            u = rng.uniform(len(self.space), FILL)
            params = self.space.complete(given, u)
            # What is left out must not make inactive what was given.
            if given.keys() <= params.keys() and self.space.allows(params):
                point = np.asarray(self.space.encode(params))
                self._queue.popleft()
                return self._register(point, params, exact=True)
            attempt += 1
        self._queue.popleft()  # or it would stand in the way of every later ask
        raise InfeasibleSpace(
            f"the space must have room for the enqueued {given!r}, but its constraints refused it in "
            f"{MAX_TRIES} tries; it has left the queue"
        )

    def _register(self, u: FloatArray, params: Params, exact: bool = False) -> Trial:
        number = self._history.append(u)
        if self._finite:
            self._unseen.discard(u)
        if exact:
            # Given by the user, so perhaps between two values that the cube can tell apart.
            self._history.notes[number] = {"params": dict(params)}
        trial = Trial(number, params)
        self._open[number] = trial
        return trial

    # --- tell ----------------------------------------------------------------------------------------------------

    def tell(
        self,
        trial: Trial | int,
        value: float | Sequence[float] | None,
        *,
        std_error: float | None = None,
        error: str | None = None,
    ) -> None:
        """Report what a trial came to.

        Parameters
        ----------
        trial : Trial or int
            As given by `ask`, or its number.
        value : float, sequence of float, or None
            One number per objective. None, NaN or an infinity marks the trial as failed: it is never best, and the
            search goes on.
        std_error : float, optional
            Standard error of the (first) value, in its own units, where it is known; at least 0.
        error : str, optional
            Why the trial failed, kept as ``trial.error``; marks it as failed whatever the value.

        Raises
        ------
        UnknownTrial, TrialAlreadyTold
            No such running trial.
        InvalidType, InvalidArgument
            A value that is not a number (text and bytes included), or the wrong number of values. The trial stays
            as it was.
        """
        with self._lock:
            number, known = self._find(trial)
            values: tuple[float, ...] | None
            if type(value) is float and std_error is None and error is None and math.isfinite(value) and self._single:
                values = (value,)
            else:
                values, std_error, error = self.outcome(value, std_error, error)
            if known is not trial and isinstance(trial, Trial):
                # A copy, for instance from a worker process: what it brought back belongs to the trial.
                known.adopt(trial)
            self._finish(number, known, values, std_error, error)
            if self._prefetcher is not None:
                self._told.append(number)
                self._look_ahead(after_tell=True)

    def outcome(
        self, value: float | Sequence[float] | None, std_error: float | None, error: str | None
    ) -> tuple[tuple[float, ...] | None, float | None, str | None]:
        """What `tell` records of its arguments: values if the trial is complete, otherwise an error."""
        values = check_values(value, len(self._signs))
        if std_error is not None:
            std_error = check_number("std_error", std_error, 0.0)
        if error is not None and not isinstance(error, str):
            raise InvalidType(f"error must be a str or None, got {error!r}")
        if values is None or not all(map(math.isfinite, values)):
            error = error or f"the value was {value!r}, which is not a finite number"
        return None if error is not None else values, std_error, error

    def _find(self, trial: Trial | int) -> tuple[int, Trial]:
        if isinstance(trial, Trial):
            number = trial.number
            known = self._open.get(number)
            if known is trial:
                return number, trial
        elif isinstance(trial, bool) or not isinstance(trial, int | np.integer):
            raise InvalidType(f"trial must be a Trial or its number, got {trial!r}")
        else:
            number = int(trial)
            known = self._open.get(number)
        if known is None:
            if 0 <= number < self._history.n:
                state = STATES[self._history.state[number]].value
                raise TrialAlreadyTold(f"trial {number} has been told already, it is {state}")
            raise UnknownTrial(f"trial must be one that was asked for (0 .. {self._history.n - 1}), got {number}")
        if isinstance(trial, Trial) and not (
            trial.params.keys() == known.params.keys()
            and all(maybe_copy(trial.params[name], value) for name, value in known.params.items())
        ):
            raise UnknownTrial(f"trial {number} comes from another optimizer: its params differ, got {trial!r}")
        return number, known

    def _finish(
        self,
        number: int,
        trial: Trial,
        values: tuple[float, ...] | None,
        std_error: float | None,
        error: str | None,
    ) -> None:
        state = FAILED if values is None else COMPLETE
        signed = None if values is None else tuple(map(float.__mul__, values, self._signs))
        trial.values, trial.state, trial.error = values, STATES[state], error
        self._history.finish(number, state, signed, std_error, (trial.started, trial.finished))
        del self._open[number]
        user_attrs, reports = trial.extras
        if error is not None or user_attrs or reports:
            notes = self._history.notes.setdefault(number, {})
            notes.update(error=error, user_attrs=user_attrs, reports=reports)
        if signed is not None and len(signed) == 1:
            best = self._best
            if best is None or (signed[0], number) < (self._history.values[best, 0], best):
                self._best = number

    def add(
        self,
        params: Mapping[str, Any],
        value: float | Sequence[float] | None,
        *,
        std_error: float | None = None,
        user_attrs: Mapping[str, Any] | None = None,
    ) -> Trial:
        """Record an evaluation made elsewhere, for a warm start.

        Parameters
        ----------
        params : mapping of str to value
            Every active parameter; need not be something the sampler would propose, but legal. Constraints are not
            asked: it has been evaluated.
        value, std_error
            As for `tell`.
        user_attrs : mapping of str to value, optional
            Kept with the trial; plain data if the study is stored.

        Returns
        -------
        Trial
            With the next number, already told: what is put into its ``user_attrs`` later is not kept.

        Raises
        ------
        InvalidArgument, InvalidType
            As for `Space.check` and `tell`; nothing is recorded then.
        """
        with self._lock:
            if not isinstance(params, Mapping):
                raise InvalidType(f"params must be a mapping of names to values, got {params!r}")
            point = self.space.encode(params)
            check_values(value, len(self._signs))
            if std_error is not None:
                check_number("std_error", std_error, 0.0)
            attributes = check_attributes("user_attrs", user_attrs)
            assert point.params is not None
            trial = self._register(np.asarray(point), point.params, exact=True)
            if attributes:
                trial.user_attrs.update(attributes)
            self.tell(trial, value, std_error=std_error)
            return trial

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Ask for these parameters next, before the sampler's own proposals; first in, first out.

        Parameters
        ----------
        params : mapping of str to value
            Legal values; parameters that are left out are drawn at random when their turn comes, parents such that
            what is given is active. If `ask` fails for it, it stays in the queue, unless 20,000 draws were refused.

        Raises
        ------
        InvalidArgument, InvalidType
            An unknown name, an illegal value, a parameter that the others make inactive, or a full set of parameters
            that the constraints refuse.
        """
        with self._lock:
            given = self.space.check_partial(params)
            self._queue.append(given)

    # --- a record kept elsewhere ---------------------------------------------------------------------------------

    def restore(
        self,
        X: FloatArray,
        state: npt.NDArray[np.uint8],
        values: FloatArray,
        std_errors: FloatArray | None,
        times: FloatArray,
        notes: Mapping[int, dict[str, Any]],
    ) -> None:
        """Append trials that another optimizer of the same space asked for, as `History` holds them.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            Points as settled, NaN where inactive.
        state : ndarray of shape (n,)
            Indices into `hpcore.records.history.STATES`.
        values : ndarray of shape (n, m)
            In the user's own sign; NaN unless complete.
        std_errors : ndarray of shape (n,) or None
            NaN where not known.
        times : ndarray of shape (n, 2)
            Unix times of start and finish; NaN where not known.
        notes : mapping of int to dict
            By number: ``params`` that a user gave, ``error``, ``user_attrs``, ``reports``.
        """
        with self._lock:
            first = self._history.n
            self._history.extend(X, state, values * np.array(self._signs), std_errors, times)
            self._history.notes.update(notes)
            self._mark_seen(first)
            running = np.flatnonzero(state == RUNNING)
            for i, params in zip(running.tolist(), self.space.decode(X[running]), strict=True):
                params = dict(notes.get(first + i, {}).get("params", params))
                self._open[first + i] = Trial(first + i, params)
            if len(self._signs) == 1 and self._history.n_complete:
                self._best = int(np.nanargmin(self._history.values[:, 0]))
            self._version += 1

    def running(self) -> Mapping[int, Trial]:
        """The trials that are being evaluated, by number."""
        return self._open

    def reopen(self, trial: Trial) -> None:
        """Let a caller's own object stand for a trial that was restored as running."""
        with self._lock:
            self._open[trial.number] = trial

    def mask(self, numbers: Sequence[int]) -> None:
        """Take back the results of some trials: they count as running until they are told again."""
        with self._lock:
            old, queue, running = self._history.snapshot(), self._queue, self._open
            notes = {number: dict(note) for number, note in self._history.notes.items()}
            rows = np.asarray(numbers)
            state, values, times = old.state, old.values * np.array(self._signs), old.times
            state[rows], values[rows], times[rows] = RUNNING, math.nan, math.nan
            if old.std_errors is not None:
                old.std_errors[rows] = math.nan
            for number in numbers:
                note = notes.pop(number, {})
                if "params" in note:
                    notes[number] = {"params": note["params"]}
            self.forget()
            self._queue = queue
            self.restore(old.X, state, values, old.std_errors, times, notes)
            self._open.update(running)

    def forget(self) -> None:
        """Be as new: no trials, an empty queue."""
        with self._lock:
            self._history = History(len(self.space), len(self._signs))
            self._open, self._queue, self._best = {}, deque(), None
            self._unseen = Unseen(self.space, self.seed)
            self._version += 1
            self._bind()

    # --- what is known -------------------------------------------------------------------------------------------

    @property
    def learns(self) -> bool:
        """Whether proposals depend on what was told."""
        return self._suggester.uses_pending

    @property
    def history(self) -> History:
        """The record as arrays, in which lower values are better whatever the directions; to be read only."""
        return self._history

    @property
    def n_trials(self) -> int:
        """Trials so far, running ones included."""
        return self._history.n

    @property
    def trials(self) -> Sequence[Trial]:
        """All trials by number, running ones included; trial k is ``trials[k]``. A live view, cheap to get."""
        from hpcore.records.view import TrialsView

        return TrialsView(self._history, self._open, self.space.decode, self._signs)

    @property
    def best_trial(self) -> Trial:
        """The complete trial with the best value, the earliest of equals.

        Raises
        ------
        NoCompletedTrial
            None has completed.
        InvalidArgument
            There are several objectives; see `pareto_front`.
        """
        if len(self._signs) != 1:
            raise InvalidArgument("best_trial needs a single objective; of several, pareto_front holds the best")
        if self._best is None:
            raise NoCompletedTrial(f"no trial has completed yet{self._why()}")
        return self.trials[self._best]

    def _why(self) -> str:
        failed = np.flatnonzero(self._history.state == FAILED)
        if not len(failed):
            return f" ({self._history.n} asked for, none failed)"
        error = self.trials[int(failed[-1])].error or ""
        last = error.strip().splitlines()[-1] if error.strip() else "no reason given"
        return f" ({self._history.n} asked for, {len(failed)} failed; the last failure: {last})"

    @property
    def best_params(self) -> Params:
        """Parameters of `best_trial`."""
        return self.best_trial.params

    @property
    def best_value(self) -> float:
        """Value of `best_trial`."""
        value = self.best_trial.value
        assert value is not None
        return value

    @property
    def pareto_front(self) -> list[Trial]:
        """Complete trials that no other one dominates, by number; of a single objective, all those with its best."""
        numbers = np.flatnonzero(self._history.complete)
        trials = self.trials
        return [trials[int(i)] for i in numbers[non_dominated(self._history.values[numbers])]]

    def __repr__(self) -> str:
        ways = self.directions[0] if len(self.directions) == 1 else list(self.directions)
        return (
            f"Optimizer({len(self.space)} parameters, sampler={self.sampler!r}, {ways!r}, seed={self.seed}, "
            f"{self._history.n} trials)"
        )


def _after_fork() -> None:
    for optimizer in list(_ALIVE):
        optimizer._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
