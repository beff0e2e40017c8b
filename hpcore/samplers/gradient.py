"""Descent by gradients that are told with the values, with restarts from a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore._core.samplers import agree
from hpcore.errors import InvalidSpace
from hpcore.records.history import RUNNING, History
from hpcore.records.streams import Rng
from hpcore.samplers.base import Sampler, Suggester, check_single_objective
from hpcore.samplers.descent import Descent, Result
from hpcore.samplers.failures import split
from hpcore.samplers.gp import GPSampler
from hpcore.samplers.ladder import FULL, GP_LADDER
from hpcore.space.columns import Columns

__all__ = ["GradientSampler"]

FloatArray = npt.NDArray[np.float64]
Propose = Callable[[FloatArray, Rng], "tuple[FloatArray, str]"]

OTHERS = "'gp', 'tpe' or 'random'"
LENGTHS = (1.0, 0.4, 2.0)  # of a step, where trials run at once or a point was refused
TOO_CLOSE = 0.1  # to a running trial, as a share of the step
LEAST_GAIN = 1e-6  # of a step that is worth a trial, as a share of what was gained so far
FEW_STEPS = 3  # after which a descent must promise more than the best value


class _Gradient(Suggester):
    ladder: ClassVar[tuple[str, ...]] = GP_LADDER

    def __init__(self, columns: Columns, model: Suggester) -> None:
        self._columns, self._model = columns, model
        self._moving = np.array([kind == "continuous" for kind in columns.kinds])

    def prepare(self, n_objectives: int) -> None:
        check_single_objective("gradient", n_objectives, "it descends on one")
        self._model.prepare(n_objectives)

    def allow_repeats(self, n: int) -> None:
        self._model.allow_repeats(n)

    def use_cost(self, on: bool) -> None:
        self._model.use_cost(on)

    def know_costs(self, rows: FloatArray, costs: FloatArray) -> None:
        self._model.know_costs(rows, costs)

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        def by_model(out: FloatArray, at: Rng) -> tuple[FloatArray, str]:
            return self._model.suggest(history, out, 1, at), FULL

        return self._suggest(history, pending, n, rng, by_model)[0]

    def revised(self) -> bool:
        return self._model.revised()

    def suggest_within(
        self, history: History, pending: FloatArray, n: int, rng: Rng, deadline_ms: float
    ) -> tuple[FloatArray, str]:
        def by_model(out: FloatArray, at: Rng) -> tuple[FloatArray, str]:
            return self._model.suggest_within(history, out, 1, at, deadline_ms)

        # One at a time: the rest is asked for again, in the time that is left then.
        return self._suggest(history, pending, 1, rng, by_model)

    def _suggest(
        self, history: History, pending: FloatArray, n: int, rng: Rng, by_model: Propose
    ) -> tuple[FloatArray, str]:
        descents = self._descents(history)
        rows, step = np.empty((0, self._columns.d)), FULL
        for number in range(rng.number, rng.number + n):
            at, out = Rng(rng.seed, number, rng.attempt), np.vstack([pending, rows])
            row = self._step(descents, out, at)
            if row is None:
                found, step = by_model(np.ascontiguousarray(out), at)
                row = found[0]
                if not history.n and not number and not rng.attempt:
                    row = np.where(self._moving, 0.5, row)  # as many a range is laid round what is usual
            rows = np.vstack([rows, row])
        return rows, step

    def _descents(self, history: History) -> list[Descent]:
        """Read the history, trial by trial: each is a step of a descent, or begins one, or has no gradient."""
        if history.gradients is None:
            return []
        trials = split(history)
        good = trials.complete
        if history.n_limits:
            good &= (history.violations <= 0.0).all(axis=1)
        if not agree(history.X[good], history.values[good, 0], history.gradients[good]):
            return []
        ended = (trials.complete | trials.failed) & (history.state != RUNNING)
        descents: list[Descent] = []
        for i in np.flatnonzero(ended).tolist():
            value = float(history.values[i, 0]) if good[i] else np.inf
            trial = Result(history.X[i], value, history.gradients[i])
            around = next((descent for descent in reversed(descents) if descent.covers(trial.x)), None)
            if around is not None:
                around.take(trial)
            elif good[i] and np.isfinite(trial.gradient[self._moving]).any():
                descents.append(Descent(trial, self._moving))
        return descents

    def _step(self, descents: list[Descent], out: FloatArray, rng: Rng) -> FloatArray | None:
        """Propose a step of the descent whose turn it is; None if it is the model's turn."""
        descent = _whose_turn(descents, rng.number)
        if descent is None or rng.attempt >= len(LENGTHS):
            return None
        step, _ = descent.step()
        length = np.abs(step).max()
        for factor in LENGTHS[rng.attempt :]:
            row = np.where(self._moving, np.clip(descent.x + factor * step, 0.0, 1.0), descent.x)
            apart = np.nan_to_num(np.abs(out - row)[:, self._moving]).max(axis=1, initial=0.0)
            if (apart > TOO_CLOSE * length).all():
                return np.nan_to_num(row, nan=0.5)
        return None


def _whose_turn(descents: list[Descent], number: int) -> Descent | None:
    """Choose the descent to go on with: the one at the best value, and when it is over every second time another one
    that promises to beat it."""
    if not descents:
        return None
    best = min(descents, key=lambda descent: descent.value)
    # By halves, because the difference of two doubles may be more than the largest double.
    half = max(descent.first_value for descent in descents) / 2.0 - best.value / 2.0
    least = 2.0 * LEAST_GAIN * half
    if not best.is_over(least):
        return best
    if number % 2:
        return None

    def promise(descent: Descent) -> float:
        return descent.value - 2.0 * descent.step()[1]

    others = [
        descent
        for descent in descents
        if not descent.is_over(least) and (descent.n_steps < FEW_STEPS or promise(descent) < best.value)
    ]
    return min(others, key=promise, default=None)


class GradientSampler(Sampler):
    """Quasi-Newton descent with the gradients that are told, and restarts from a Gaussian process.

    ``tell(trial, value, gradient={"C": ...})`` gives the derivatives of the value by the continuous parameters. From a
    trial with a gradient, steps lead downhill within the bounds: the minimiser of a quadratic whose curvature is
    learnt by the BFGS formula from how the gradient changed, no farther than a reach that grows with success and
    shrinks with failure. No more evaluations are made than one a step. Where no more can be gained, `GPSampler`
    proposes where to begin anew.

    Categories, integers and the parameters that they make active are the model's choice; a descent moves the
    continuous ones. Trials without a gradient are learnt from by the model only, and without any the sampler is
    `GPSampler` but for the first trial, whose continuous parameters are in the middle of their ranges.

    Raises
    ------
    InvalidSpace
        At the start of a search: the space has no continuous parameter.
    InvalidArgument
        At the start of a search: there are several objectives.

    Notes
    -----
    The steps are a function of the history alone: they go on from the best trial, whoever proposed it. Trials that run
    at once try other lengths of the same step, then points of the model. A failure, or a trial beyond a limit, is a
    step that failed. A descent is over when a step promises less than a millionth of what was gained, when four steps
    in a row were no better, or when the reach is below 1e-5 of the range. Then every second trial is the model's; the
    others go on with the descent that promises most. Gradients that do not predict how the values of neighbours differ
    are wrong, and not used. Costs and standard errors count in the model's proposals only.

    Steps: Nocedal & Wright 2006, "Numerical optimization", chapters 4 and 6. Bounds: Bertsekas 1982, "Projected Newton
    methods for optimization problems with simple constraints".
    """

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`.

        Raises
        ------
        InvalidSpace
            The space has no continuous parameter.
        """
        if "continuous" not in columns.kinds:
            named = ", ".join(f"{name!r} ({kind})" for name, kind in zip(columns.names, columns.kinds, strict=True))
            raise InvalidSpace(
                "sampler 'gradient' needs a continuous parameter, a Float or Normal without a step; got only "
                f"{named:.300}; use {OTHERS}"
            )
        return _Gradient(columns, GPSampler().bind(columns))
