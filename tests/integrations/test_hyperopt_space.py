"""Spaces of Hyperopt as ours, against what Hyperopt draws itself."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

import hpcore
from hpcore.errors import InvalidSpace

hyperopt = pytest.importorskip("hyperopt")

from hyperopt import hp  # noqa: E402
from hyperopt.pyll import scope, stochastic  # noqa: E402

from hpcore.integrations.hyperopt import space  # noqa: E402

pytestmark = pytest.mark.doors

N = 20_000


def drawn(expr: Any, label: str, n: int = N) -> np.ndarray:
    """Values that Hyperopt draws."""
    node = hyperopt.Domain(lambda c: 0.0, {label: expr}).params[label]
    node = hyperopt.pyll.as_apply(node)
    rng = np.random.default_rng(0)
    node = stochastic.recursive_set_rng_kwarg(hyperopt.pyll.clone(node), hyperopt.pyll.as_apply(rng))
    node.named_args.append(("size", hyperopt.pyll.as_apply(n)))
    return np.asarray(hyperopt.pyll.rec_eval(node))


KINDS = {
    "uniform": hp.uniform("x", -2, 3),
    "loguniform": hp.loguniform("x", -5, 2),
    "quniform": hp.quniform("x", 0.1, 1.0, 0.3),
    "quniform of half cells": hp.quniform("x", 0.5, 4.5, 1),
    "quniform below 0": hp.quniform("x", -7, 10, 3),
    "quniform of many values": hp.quniform("x", 0, 3000, 1),
    "uniformint": hp.uniformint("x", 1, 9),
    "qloguniform": hp.qloguniform("x", 0, 4, 3),
    "qloguniform with 0": hp.qloguniform("x", -3, 2, 0.5),
    "qloguniform of many values": hp.qloguniform("x", -2, 12, 1),
    "normal": hp.normal("x", 4, 7),
    "qnormal": hp.qnormal("x", 0.3, 3, 0.5),
    "lognormal": hp.lognormal("x", -2, 2),
    "qlognormal": hp.qlognormal("x", 0, 1, 0.5),
    "qlognormal of many values": hp.qlognormal("x", 0, 2, 1),
    "randint": hp.randint("x", 5),
    "randint with low": hp.randint("x", 12, 25),
    "randint of many values": hp.randint("x", 10**6),
    "choice": hp.choice("x", ["a", "b", "c"]),
    "pchoice": hp.pchoice("x", [(0.1, "a"), (0.0, "never"), (0.9, "b")]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_distribution_is_that_of_hyperopt(kind: str) -> None:
    theirs = np.sort(drawn(KINDS[kind], "x"))
    ours = np.sort([params["x"] for params in space({"x": KINDS[kind]}).sample(N, seed=1)])
    at = np.union1d(theirs, ours)
    distance = np.abs(np.searchsorted(theirs, at, "right") - np.searchsorted(ours, at, "right")).max() / N
    assert distance < 1.95 * math.sqrt(2 / N)  # Kolmogorov-Smirnov, one in a thousand


def test_ends_of_quantised_values_have_the_share_of_their_cells() -> None:
    parameter = space(hp.quniform("n", 0, 2, 1))["n"]
    assert parameter == hpcore.Categorical([0.0, 1.0, 2.0], ordered=True, weights=[0.25, 0.5, 0.25])
    assert space(hp.uniformint("n", 0, 0))["n"].choices == (0.0,)
    # Half a cell beyond the bounds, as Hyperopt rounds.
    assert space(hp.quniform("n", 0, 10, 3))["n"].choices == (0.0, 3.0, 6.0, 9.0)


def test_kinds_of_parameters() -> None:
    found = space(
        {
            "few": hp.randint("few", 5),
            "many": hp.randint("many", 7, 10**6),
            "wide": hp.quniform("wide", 0, 3000, 1),
            "with p": hp.pchoice("with p", [(0.2, 1), (0.8, 2)]),
            "constant": 3,
        }
    )
    assert found == hpcore.Space(
        {
            "few": hpcore.Categorical(range(5)),
            "many": hpcore.Int(7, 10**6 - 1),
            "wide": hpcore.Float(0.0, 3000.0, step=1.0),
            "with p": hpcore.Categorical([0, 1], weights=[0.2, 0.8]),
        }
    )


shared = hp.uniform("shared", 0, 1)
inner = hp.choice("inner", [shared, hp.normal("deep", 0, 1), 7])
NESTED = {
    "tree": hp.choice("tree", [{"a": hp.uniform("a", 0, 1)}, [inner, 1], (shared, {"t": hp.randint("t", 3)})]),
    "always": hp.lognormal("always", 0, 1),
    "other": hp.pchoice("other", [(0.5, inner), (0.25, 2), (0.25, hp.uniform("last", 0, 1))]),
    "both": hp.choice("both", [hp.uniform("half", 0, 1), 0]),
}


def test_branches_are_conditions() -> None:
    found = space(NESTED)
    assert found["tree"].when == {}
    assert found["a"].when == {"tree": [0]}
    assert found["inner"].when == [{"other": [0]}, {"tree": [1]}]
    assert found["deep"].when == {"inner": [1]}
    assert found["shared"].when == [{"inner": [0]}, {"tree": [2]}]
    assert found["last"].when == {"other": [2]}
    assert found["half"].when == {"both": [0]}


def test_a_label_in_all_branches_is_no_condition() -> None:
    x = hp.uniform("x", 0, 1)
    assert space(hp.choice("c", [x, (x, 1), [x]]))["x"].when == {}
    assert space([hp.choice("c", [x, 0]), x])["x"].when == {}
    below = hp.choice("d", [hp.choice("c", [x, x + 1]), 0])
    assert space(below)["x"].when == {"d": [0]}
    assert space(hp.choice("e", [x, 1, x]))["x"].when == {"e": [0, 2]}


def test_what_nothing_leads_to_is_left_out() -> None:
    found = space(hp.pchoice("p", [(0.0, hp.uniform("never", 0, 1)), (1.0, hp.uniform("x", 0, 1))]))
    assert list(found) == ["p", "x"]
    assert found["x"].when == {}


def test_the_index_of_a_choice_may_be_used_again() -> None:
    index = hp.randint("i", 2)
    found = space([index, scope.switch(index, hp.uniform("x", 0, 1), hp.uniform("y", 0, 1))])
    assert found["x"].when == {"i": [0]} and found["y"].when == {"i": [1]}
    # An index that is computed tells nothing.
    found = space(scope.switch(scope.int(hp.uniform("u", 0, 1.99)), hp.uniform("x", 0, 1), 0))
    assert found["x"].when == {}


def test_points_go_both_ways() -> None:
    domain = hyperopt.Domain(lambda c: 0.0, NESTED)
    found = space(NESTED)
    trials = hyperopt.Trials()
    for i in range(500):
        [document] = hyperopt.rand.suggest([i], domain, trials, i)
        values = {label: held[0] for label, held in document["misc"]["vals"].items() if held}
        assert found.check(values) == values
        assert found.decode(found.encode(values)) == values
    seen: Counter[frozenset[str]] = Counter()
    for params in found.sample(500, seed=0):
        hyperopt.space_eval(NESTED, params)  # raises if one is missing
        seen[frozenset(params)] += 1
    assert len(seen) > 10


def test_what_has_no_counterpart_is_named() -> None:
    @scope.define
    def gamma_for_test(shape: float, rng: Any = None, size: Any = ()) -> Any:
        return rng.gamma(shape, size=size)

    with pytest.raises(InvalidSpace, match=r"label 'g' is drawn from gamma_for_test.*hp.lognormal"):
        space(scope.hyperopt_param("g", scope.gamma_for_test(2.0)))
    with pytest.raises(InvalidSpace, match=r"label 'x': high of uniform must be a constant, but is random itself"):
        space(hp.uniform("x", 0, hp.uniform("y", 1, 2)))
    with pytest.raises(InvalidSpace, match=r"label 'x' must stand for one distribution"):
        space([hp.uniform("x", 0, 1), hp.normal("x", 0, 1)])
    with pytest.raises(InvalidSpace, match=r"at least one label.*got none"):
        space({"a": 1})


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        (hp.loguniform("x", -1000, 0), "low must be > 0"),
        (hp.loguniform("x", 0, 1000), "'x', hp.loguniform"),
        (hp.quniform("x", 0, 1, 0), "q must be > 0"),
        (hp.qloguniform("x", 0, 1, -1), "q must be > 0"),
        (hp.normal("x", 0, 0), "std must be > 0"),
        (hp.qlognormal("x", 0, -1, 1), "sigma must be > 0"),
        (hp.randint("x", 0), "choices must not be empty"),
        (hp.uniform("x", 0, math.inf), "high must be finite"),
        (hp.pchoice("x", [(-0.5, 1), (1.5, 2)]), "probabilities must be >= 0"),
    ],
)
def test_arguments_that_are_not_allowed(expr: Any, message: str) -> None:
    with pytest.raises(InvalidSpace, match=message):
        space(expr)
