"""Slow, obvious answers about a search space, and random spaces to ask about."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st

import hpcore as hp
from hpcore.space.conditions import AtLeast, AtMost, check_when
from hpcore.space.parameter import Parameter

NAN = float("nan")
# Equal to each other, or to themselves, in ways that trip a dictionary up.
LOOKALIKES = [True, 1, 1.0, "1", b"1", None, NAN, False, 0, 0.0, -0.0, "", (), (1,), (1.0,), [1], ("a", None)]


def same(a: Any, b: Any) -> bool:
    """Equal, of one type, sign of zero and nan included."""
    return type(a) is type(b) and (a is b or repr(a) == repr(b))


def same_params(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return list(a) == list(b) and all(same(a[name], b[name]) for name in a)


def holds(wanted: Any, value: Any, parent: Parameter) -> bool:
    """True if a parent's value meets one entry of `when`."""
    if isinstance(wanted, AtLeast | AtMost):
        a, b = value, wanted.value
        if isinstance(parent, hp.Categorical):
            a, b = ([same(choice, v) for choice in parent.choices].index(True) for v in (a, b))
        return a >= b if isinstance(wanted, AtLeast) else a <= b
    return any(same(value, w) for w in (wanted if isinstance(wanted, list) else [wanted]))


def is_active(space: hp.Space, name: str, chosen: dict[str, Any]) -> bool:
    when = space[name].when
    return any(
        all(parent in chosen and holds(wanted, chosen[parent], space[parent]) for parent, wanted in alternative.items())
        for alternative in (when if isinstance(when, list) else [when])
    )


def all_points(space: hp.Space, values: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Every distinct point by brute force: the product of all values, inactive ones dropped, first occurrences kept.

    Only for spaces whose parents are declared before their children.
    """
    found: dict[str, dict[str, Any]] = {}
    for combination in itertools.product(*(values[name] for name in space)):
        chosen: dict[str, Any] = {}
        for name, value in zip(space, combination, strict=True):
            if is_active(space, name, chosen):
                chosen[name] = value
        found.setdefault(repr(chosen), chosen)
    return list(found.values())


def values_of(parameter: Parameter) -> list[Any]:
    """The values of a finite parameter, in order."""
    assert parameter.levels is not None
    return [parameter.at(level) for level in range(parameter.levels)]


# --- random parameters and spaces ---------------------------------------------------------------------------------

doubles = st.floats(allow_nan=False, allow_infinity=False)
moderate = st.floats(-1e6, 1e6)


@st.composite
def floats(draw: st.DrawFn) -> hp.Float:
    log = draw(st.booleans())
    bounds = st.floats(1e-300, 1e300) if log else draw(st.sampled_from([doubles, moderate]))
    low, high = sorted((draw(bounds), draw(bounds)))
    return hp.Float(low, high, log=log)


@st.composite
def stepped_floats(draw: st.DrawFn) -> hp.Float:
    log = draw(st.booleans())
    step = draw(st.sampled_from([0.1, 0.25, 1e-3, 3.0, 1 / 3, 7e-5, 1e10]))
    count = draw(st.integers(1, 10**9))
    first = draw(st.integers(1 if log else -(10**6), 10**6))
    low = first * step
    return hp.Float(low, low + (count + 0.5) * step, log=log, step=step)


@st.composite
def ints(draw: st.DrawFn) -> hp.Int:
    log = draw(st.booleans())
    least = 1 if log else -(2**63)
    ends = st.one_of(
        st.integers(max(least, -100), 100),
        st.integers(least, 2**63 - 1),
        st.sampled_from([max(least, -(2**63)), 1, 2**53, 2**63 - 1]),
    )
    low, high = sorted((draw(ends), draw(ends)))
    step = draw(st.one_of(st.just(1), st.integers(1, max(1, high - low)).filter(lambda s: s < 2**63)))
    return hp.Int(low, high, log=log, step=step)


@st.composite
def normals(draw: st.DrawFn) -> hp.Normal:
    log = draw(st.booleans())
    mean = draw(st.floats(-5, 5) if log else moderate)
    std = draw(st.floats(1e-3, 10.0))

    def value(z: float) -> float:
        x = mean + z * std
        return float(2.718281828459045**x) if log else x

    low = draw(st.one_of(st.none(), st.floats(-6, 6).map(value)))
    high = draw(st.one_of(st.none(), st.floats(-6, 6).map(value)))
    if low is not None and high is not None and low > high:
        low, high = high, low
    return hp.Normal(mean, std, log=log, low=low, high=high)


@st.composite
def stepped_normals(draw: st.DrawFn) -> hp.Normal:
    mean, std = draw(st.floats(-50, 50)), draw(st.floats(0.5, 10.0))
    step = draw(st.sampled_from([0.1, 0.25, 0.5, 2.0]))
    if draw(st.booleans()):
        return hp.Normal(mean, std, step=step)
    return hp.Normal(mean, std, low=mean - 30.0 * std, high=mean + draw(st.floats(6.0, 40.0)) * std, step=step)


@st.composite
def categoricals(draw: st.DrawFn) -> hp.Categorical:
    # One of each spelling: hypothesis compares by ==, so distinct positions are drawn.
    where = draw(st.lists(st.integers(0, len(LOOKALIKES) - 1), min_size=1, max_size=8, unique=True))
    choices = [LOOKALIKES[i] for i in where]
    weights = draw(
        st.one_of(
            st.none(),
            st.lists(st.floats(1e-30, 1e30), min_size=len(choices), max_size=len(choices)),
        )
    )
    return hp.Categorical(choices, ordered=draw(st.booleans()), weights=weights)


parameters = st.one_of(floats(), stepped_floats(), ints(), normals(), stepped_normals(), categoricals())


@st.composite
def conditions(draw: st.DrawFn, parent: Parameter) -> Any:
    """Something that may stand in `when` for this parent."""
    if isinstance(parent, hp.Categorical):
        some = draw(st.lists(st.sampled_from(range(len(parent.choices))), min_size=1, max_size=3, unique=True))
        if parent.ordered and draw(st.booleans()):
            return draw(st.sampled_from([hp.at_least, hp.at_most]))(parent.choices[some[0]])
        return [parent.choices[i] for i in some]
    if parent.levels is not None and draw(st.booleans()):
        return [parent.at(draw(st.integers(0, parent.levels - 1)))]
    # In the middle, and legal whatever the scale; an int, where the parent is one.
    values = [p["x"] for p in hp.Space({"x": parent_alone(parent)}).sample(1, seed=draw(st.integers(0, 99)))]
    return draw(st.sampled_from([hp.at_least, hp.at_most]))(values[0])


def parent_alone(parent: Parameter) -> Parameter:
    import copy

    alone = copy.copy(parent)
    alone.when = {}
    return alone


@st.composite
def spaces(draw: st.DrawFn, kinds: st.SearchStrategy[Parameter] = parameters, max_size: int = 5) -> hp.Space:
    """Spaces whose later parameters may depend on earlier ones."""
    made: dict[str, Parameter] = {}
    for i in range(draw(st.integers(1, max_size))):
        parameter = draw(kinds)
        if made and draw(st.booleans()):
            alternatives = []
            for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
                names = draw(st.lists(st.sampled_from(list(made)), min_size=1, max_size=2, unique=True))
                alternatives.append({name: draw(conditions(made[name])) for name in names})
            parameter.when = check_when(alternatives)
        made[f"p{i}"] = parameter
    return hp.Space(made)


small_parameters = st.one_of(
    st.builds(lambda low, n, log: hp.Int(low, low + n, log=log), st.integers(1, 3), st.integers(0, 2), st.booleans()),
    st.builds(lambda n: hp.Float(0.0, n * 0.1 + 0.05, step=0.1), st.integers(1, 2)),
    st.builds(lambda n, ordered: hp.Categorical(["a", True, 1][:n], ordered=ordered), st.integers(1, 3), st.booleans()),
    st.builds(lambda high: hp.Normal(0.0, 1.0, low=-9.0, high=high, step=6.0), st.floats(-3.0, 8.0)),
)
