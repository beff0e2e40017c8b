"""Sampler for studies of Optuna."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import islice
from operator import is_
from typing import Any

from hpcore.errors import require
from hpcore.integrations.optuna.copying import Copy
from hpcore.integrations.optuna.distributions import parameter_of, value_of
from hpcore.integrations.optuna.outcomes import directions_of
from hpcore.records.streams import check_seed
from hpcore.samplers import Sampler, resolve
from hpcore.space.space import Space

__all__ = ["HpcoreSampler"]

_BaseSampler: Any = require("optuna.samplers", "optuna").BaseSampler

# Studies, brackets of Hyperband apart, and spaces of single parameters that are kept for the next trial.
MOST_STUDIES, MOST_SPACES = 32, 8


class _Search:
    """A study as the sampler knows it.

    Parameters
    ----------
    sampler : Sampler
        Sampler that proposes.
    seed : int
        Seed of the proposals.
    directions : tuple of str
        Direction of each objective.
    """

    def __init__(self, sampler: Sampler, seed: int, directions: tuple[str, ...]) -> None:
        self._make = sampler, seed, directions
        self._ended: list[Any] = []
        self._known: dict[int, Any] = {}
        # The first trials of the study, up to one that has not ended, as the storage gave them last.
        self._first: list[Any] = []
        self._constraints: list[str] = []
        self._running: dict[int, Any] = {}
        # Trial for which the trials have been read, and that was not proposed for yet.
        self.read_for: int | None = None
        # What was proposed for running trials, some of which was not asked for yet.
        self.proposed: dict[int, dict[str, Any]] = {}
        self.whole = Copy(*self._make)
        self._single: OrderedDict[tuple[str, Any], Copy] = OrderedDict()

    def read(self, trials: Sequence[Any]) -> bool:
        """Read the trials of the study; False if they are not those of the last call, and later ones."""
        known, running, first = self._known, {}, self._first
        # Most storages give the same objects again, which one look at all of them tells.
        if len(first) > len(trials) or not all(map(is_, first, trials)):
            first.clear()
        n = len(first)
        new = []
        for trial in islice(trials, n, None):
            number = trial.number
            before = known.get(number)
            if before is None:
                if trial.state.is_finished():
                    new.append(trial)
                elif trial.state.name == "RUNNING":
                    running[number] = trial
            elif before is trial or _is_same(before, trial):
                known[number] = trial
                n += 1
            else:
                return False
        if n < len(known):
            return False
        self._running = running
        for trial in new:
            known[trial.number] = trial
            self.proposed.pop(trial.number, None)
            self._constraints += [name for name in trial.constraints if name not in self._constraints]
        self._ended += new
        while len(first) < len(trials) and trials[len(first)].number in known:
            first.append(trials[len(first)])
        self.whole.follow(self._ended, self._constraints)
        return True

    def propose(self, trial: Any) -> dict[str, Any]:
        """Propose parameters for a trial, in the values of Optuna."""
        places = self.whole.propose(trial.number, _given(trial), self._others(trial.number))
        ranges = self.whole.tree.distributions
        found = {name: value_of(ranges[name], place) for name, place in places.items()}
        self.proposed[trial.number] = found
        return found

    def propose_one(self, trial: Any, name: str, distribution: Any) -> Any:
        """Propose a parameter for a trial, which has others already; None if nothing is known of it."""
        if name not in self.whole.tree.distributions:
            return None
        key = name, distribution
        copy = self._single.pop(key, None) or Copy(*self._make, name, distribution)
        self._single[key] = copy
        if len(self._single) > MOST_SPACES:
            self._single.popitem(last=False)
        copy.follow(self._ended, self._constraints)
        given = {other: value for other, value in _given(trial).items() if other != name}
        places = copy.propose(trial.number, given, self._others(trial.number))
        return value_of(distribution, places[name]) if name in places else None

    def _others(self, number: int) -> dict[int, Mapping[str, Any]]:
        """Parameters of the running trials but one: those that they have, and those that were proposed."""
        found: dict[int, Mapping[str, Any]] = {}
        for other, trial in self._running.items():
            if other != number:
                proposed = self.proposed.get(other, {})
                used = trial.params
                agree = all(name not in proposed or proposed[name] == value for name, value in used.items())
                found[other] = {**proposed, **used} if agree else used
        return found


def _given(trial: Any) -> dict[str, Any]:
    """Parameters that a trial has already, or will have: those that were enqueued."""
    enqueued = trial.system_attrs.get("fixed_params", {})
    return {**enqueued, **trial.params}


def _is_same(before: Any, trial: Any) -> bool:
    """True if a trial that has ended is the one that was read before."""
    return bool(
        before.state == trial.state
        and before.datetime_start == trial.datetime_start
        and before.values == trial.values
        and repr(before.params) == repr(trial.params)  # a choice may be NaN
    )


class HpcoreSampler(_BaseSampler):
    """Sampler of Optuna that proposes by a sampler of hpcore.

    Parameters
    ----------
    sampler : str or Sampler, default="gp"
        ``"gp"``, ``"tpe"``, ``"auto"``, another name that `Optimizer` knows, or an object of `hpcore.samplers`.
    seed : int, optional
        Seed, 0 .. 2**128 - 1. None draws a seed from the operating system, which the attribute `seed` shows.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument is not allowed; while a study runs, a distribution that has no counterpart.

    Notes
    -----
    What is proposed for a trial follows from the seed, the trials of the study and its number alone: with one worker,
    a study in a storage that was stopped and resumed in another process has the trials of one that was never stopped.

    The conditions of an objective are learnt from its trials (`Space.learn`), so that each proposal is a whole
    configuration of one of its branches. A parameter that the proposal lacks is completed from those that the trial
    has. The first time that a parameter is asked for, its value is random. If the range of a parameter changes, the
    last one counts, and trials with values outside of it count as if they lacked it.

    Failed trials tell where evaluations fail; pruned ones count with their last intermediate value; parameters of
    running trials, also of those of other workers as far as they have them, keep new trials away. Constraints are those
    of ``trial.set_constraint``. Several objectives need ``"gp"``, ``"tpe"``, ``"auto"``, ``"evolution"`` or
    ``"annealing"``.

    Examples
    --------
    >>> import optuna
    >>> from hpcore.integrations.optuna import HpcoreSampler
    >>> study = optuna.create_study(sampler=HpcoreSampler("gp", seed=0))
    >>> study.optimize(lambda trial: trial.suggest_float("x", -5, 5) ** 2, n_trials=20)
    >>> study.best_value < 0.1
    True
    """

    def __init__(self, sampler: str | Sampler = "gp", seed: int | None = None) -> None:
        self.sampler = resolve(sampler)
        self.seed = check_seed(seed)
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._searches: OrderedDict[tuple[Any, ...], _Search] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        # What was learnt is read from the study again.
        return {"sampler": self.sampler, "seed": self.seed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def __repr__(self) -> str:
        return f"HpcoreSampler({self.sampler!r}, seed={self.seed})"

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        """See `optuna.samplers.BaseSampler`: all parameters that trials have asked for."""
        with self._lock:
            search = self._search(study)
            search.read_for = trial.number
            return dict(search.whole.tree.distributions)

    def sample_relative(self, study: Any, trial: Any, search_space: dict[str, Any]) -> dict[str, Any]:
        """See `optuna.samplers.BaseSampler`: a configuration of one branch of the objective."""
        if not search_space:
            return {}
        with self._lock:
            proposed = self._search(study, trial.number).propose(trial)
            return {name: proposed[name] for name in search_space if name in proposed}

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        """See `optuna.samplers.BaseSampler`: a parameter that the proposal lacks, or whose range has changed."""
        parameter = parameter_of(param_name, param_distribution)
        with self._lock:
            value = self._search(study).propose_one(trial, param_name, param_distribution)
        if value is not None:
            return value
        # Random numbers of the parameter's own: others of the trial are drawn at the same number.
        text = f"{self.seed}/{trial.number}/{param_name}"
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")
        (drawn,) = Space({"x": parameter}).sample(1, seed)
        return value_of(param_distribution, drawn["x"])

    def _search(self, study: Any, number: int | None = None) -> _Search:
        """Find what is known of a study, and read its trials up to now, unless that was done for the trial `number`."""
        # Hyperband of Optuna has a study of the same name for each bracket, made anew at every call.
        directions = directions_of(study)
        key = study.study_name, getattr(study, "_bracket_id", None), directions
        search = self._searches.pop(key, None)
        if search is None or number is None or search.read_for != number:
            trials = study.get_trials(deepcopy=False)
            if search is None or not search.read(trials):
                search = _Search(self.sampler, self.seed, directions)
                search.read(trials)
        search.read_for = None
        self._searches[key] = search
        if len(self._searches) > MOST_STUDIES:
            self._searches.popitem(last=False)
        return search
