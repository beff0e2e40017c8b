"""One trial: the parameters that were proposed and what came of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, ValuesView
from enum import Enum
from typing import Any

from hpcore.arguments import check_attributes
from hpcore.attributes import Attributes, Settled, settled, settled_reports
from hpcore.errors import UnknownTrial
from hpcore.space.choices import maybe_copy

__all__ = ["Trial", "TrialState"]


class TrialState(str, Enum):
    """Where a trial stands. Compares equal to its name, so ``trial.state == "complete"``."""

    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    PAUSED = "paused"

    __str__ = str.__str__


_NO_FACTS = (None, None, None)


class ObjectiveValues(tuple[float, ...]):
    """The objectives' values of a trial, which can be called as the method `values` of a mapping.

    This field's tools name the attribute `values`, and every mapping has a method of that name: one object serves both.
    """

    _params: Mapping[str, Any]

    @classmethod
    def of(cls, params: Mapping[str, Any], values: tuple[float, ...] | None) -> ObjectiveValues:
        """Values of a trial with these parameters; none if it is not complete."""
        made = cls(values or ())
        made._params = params
        return made

    def __call__(self) -> ValuesView[Any]:
        """The parameters' values."""
        return self._params.values()

    def __eq__(self, other: object) -> bool:
        # A trial without values had None here before this class: code that compares with it stays right.
        return not self if other is None else super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def __reduce__(self) -> Any:
        return tuple, (tuple(self),)


class Trial(Mapping[str, Any]):
    """A mapping of active parameters to their values, with the record of the trial.

    ``trial["C"]``, ``dict(trial)``, ``**trial``, ``trial.values()`` and ``trial.items()`` read the parameters;
    ``trial.values`` without a call holds the objectives' values.

    Attributes
    ----------
    number : int
        From 0, in the order of asking.
    params : dict
        Active parameters only.
    state : TrialState
        ``"running"``, ``"paused"``, ``"complete"``, ``"pruned"`` or ``"failed"``.
    values : tuple of float
        One per objective, in the user's own sign; of a pruned trial an estimate; empty where there are none. Called,
        ``trial.values()``, it gives the parameters' values as every mapping does.
    reports : dict of int to float
        Intermediate values by step.
    user_attrs : dict of str to plain data
        Whatever the user puts there before the trial is told; the record keeps what it holds then, and what is put
        there later is lost. `Optimizer.add` takes its own. Each is made plain data as it is set: arrays, tuples and
        sets lists, dates, paths and keys text, see `hpcore.attributes.to_plain`; other objects raise InvalidType, more
        than 1 MiB or 32 levels InvalidArgument.
    started, finished : float or None
        Unix time in seconds, UTC, where something with a clock ran the trial.
    cost : float or None
        Cost of the evaluation, as it was told.
    metrics : dict of str to float
        Further measurements that were told, by name.
    gradient : dict of str to float
        Derivative of the first value by parameter, as it was told.
    error : str or None
        Why it failed: a traceback, or what the value was.
    info : dict or None
        How the proposal came about, where the optimizer was asked to say: ``"step"`` of a deadline's ladder,
        ``"prefetched"``, ``"unseen"`` trials, see `Optimizer`; the ``"sampler"`` that `AutoSampler` chose. Not stored.
    """

    __slots__ = (
        "_facts",
        "_reports",
        "_user_attrs",
        "_values",
        "error",
        "finished",
        "info",
        "number",
        "params",
        "started",
        "state",
    )

    def __init__(self, number: int, params: dict[str, Any], state: TrialState = TrialState.RUNNING) -> None:
        self.number = number
        self.params = params
        self.state = state
        self._values: tuple[float, ...] | None = None
        self.started: float | None = None
        self.finished: float | None = None
        self.error: str | None = None
        self.info: dict[str, Any] | None = None
        # Cost, metrics and gradient, which few trials have.
        self._facts: tuple[float | None, Mapping[str, float] | None, Mapping[str, float] | None] = _NO_FACTS
        # Made on first use: most of a million trials have neither.
        self._reports: dict[int, float] | None = None
        # `Attributes` while they are written; `Settled` of the record's own, to be copied when somebody asks.
        self._user_attrs: dict[str, Any] | None = None

    @property
    def value(self) -> float | None:
        """The first objective's value."""
        return None if self._values is None else self._values[0]

    @property
    def values(self) -> ObjectiveValues:
        """The objectives' values, empty unless complete; called, the parameters' values."""
        return ObjectiveValues.of(self.params, self._values)

    @values.setter
    def values(self, values: tuple[float, ...] | None) -> None:
        self._values = values

    @property
    def cost(self) -> float | None:
        """Cost of the evaluation, as it was told."""
        return self._facts[0]

    @property
    def metrics(self) -> dict[str, float]:
        """Further measurements that were told, by name."""
        return dict(self._facts[1] or {})

    @property
    def gradient(self) -> dict[str, float]:
        """Derivative of the first value by parameter, as it was told."""
        return dict(self._facts[2] or {})

    def take_facts(
        self, cost: float | None, metrics: Mapping[str, float] | None, gradient: Mapping[str, float] | None
    ) -> None:
        """Set cost, metrics and gradient."""
        self._facts = (cost, metrics, gradient)

    @property
    def reports(self) -> dict[int, float]:
        """Intermediate values by step."""
        if self._reports is None:
            self._reports = {}
        return self._reports

    @property
    def user_attrs(self) -> dict[str, Any]:
        """Whatever the user puts there before the trial is told, as plain data."""
        if type(self._user_attrs) is not Attributes:
            self._user_attrs = Attributes(self._user_attrs or ())
        return self._user_attrs

    @user_attrs.setter
    def user_attrs(self, given: Mapping[str, Any]) -> None:
        if given is not self._user_attrs:  # as after |=
            self._user_attrs = Attributes(check_attributes("user_attrs", given))

    @property
    def extras(self) -> tuple[dict[str, Any] | None, dict[int, float] | None]:
        """``(user_attrs, reports)``, None where nothing was put there; asking makes neither."""
        return self._user_attrs, self._reports

    @extras.setter
    def extras(self, given: tuple[dict[str, Any] | None, dict[int, float] | None]) -> None:
        self._user_attrs, self._reports = given

    def settle(self) -> tuple[dict[str, Any] | None, dict[int, float] | None]:
        """Make attributes and reports what the record keeps, a copy as plain data; what has no meaning as such is named
        in a warning, and never costs the trial's value. Gives both, None where there are none."""
        if self._user_attrs is None and self._reports is None:
            return None, None
        self._user_attrs, reports = self._settled()
        self._reports = None if reports is None else dict(reports)
        return self._user_attrs, reports

    def _settled(self) -> tuple[dict[str, Any] | None, dict[int, float] | None]:
        user_attrs, reports = self._user_attrs, self._reports
        if user_attrs is not None and type(user_attrs) is not Settled:
            user_attrs = settled(f"trial {self.number}", user_attrs)
        return user_attrs or None, None if not reports else settled_reports(f"trial {self.number}", reports)

    def __getstate__(self) -> Any:
        # Something put into an attribute since it was set may be an object that no process can send.
        state = {name: getattr(self, name) for name in self.__slots__}
        if self._user_attrs is not None or self._reports is not None:
            state["_user_attrs"], state["_reports"] = self._settled()
        return None, state

    def check_copy(self, trial: Trial) -> None:
        """Whether what a caller holds of this number may be a copy of this trial.

        Raises
        ------
        UnknownTrial
            It has other parameters.
        """
        if trial is not self and not (
            trial.params.keys() == self.params.keys()
            and all(maybe_copy(trial.params[name], value) for name, value in self.params.items())
        ):
            raise UnknownTrial(f"trial {self.number} comes from another optimizer: its params differ, got {trial!r}")

    def adopt(self, copy: Trial) -> None:
        """Take over what a copy of this trial brought back, for instance from a worker process."""
        self.started, self.finished = copy.started, copy.finished
        self.extras = copy.extras

    def __getitem__(self, name: str) -> Any:
        return self.params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.params)

    def __len__(self) -> int:
        return len(self.params)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Trial):
            return all(
                getattr(self, field) == getattr(other, field)
                for field in ("number", "params", "state", "values", "reports", "user_attrs", "error", "_facts")
            )
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.number)

    def __repr__(self) -> str:
        value = self.value if self._values is None or len(self._values) == 1 else self._values
        return f"Trial(number={self.number}, params={self.params!r}, state={self.state.value!r}, value={value!r})"
