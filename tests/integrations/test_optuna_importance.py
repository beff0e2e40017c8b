"""The same studies judged by Optuna's evaluators: same order, and shares within a stated tolerance."""

from __future__ import annotations

import math
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")

from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator  # noqa: E402 - as above

import hpcore as hp  # noqa: E402 - after the import that may skip
from hpcore.integrations.optuna import export_study  # noqa: E402

pytestmark = [pytest.mark.doors, pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")]

# Both sides by share of the sum. Grids, bandwidths and priors of PED-ANOVA are the same but for the width of the end
# cells; the forests have other leaves, choices without one-hot encoding, and log scales, which Optuna's have not.
OPTIONS: dict[str, dict[str, Any]] = {
    "ped_anova": {"method": "ped_anova"},
    "fanova": {"method": "fanova", "model": "forest"},
}
PED_TOLERANCE, FANOVA_TOLERANCE = 0.02, 0.1


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def quadratic(t: Any) -> float:
    return float((t["a"] - 0.3) ** 2 + 0.6 * (t["b"] - 0.6) ** 2 + 0.05 * t["c"] ** 2)


def mixed(t: Any) -> float:
    return float({"p": 0.0, "q": 0.5, "r": 2.0}[t["kind"]] + 0.25 * t["n"] + 0.4 * (t["u"] - 0.2) ** 2)


def conditional(t: Any) -> float:
    inside = 0.3 * abs(math.log10(t["rate"]) + 2) if t["solver"] == "sgd" else 1.0
    return float(inside + (t["shrink"] - 0.5) ** 2 * 4)


STUDIES = {
    "quadratic": (quadratic, {name: hp.Float(0, 1) for name in "abc"}),
    "mixed": (mixed, {"kind": hp.Categorical(["p", "q", "r"]), "n": hp.Int(1, 6), "u": hp.Float(0, 1)}),
    "conditional": (
        conditional,
        {
            "solver": hp.Categorical(["sgd", "exact"]),
            "rate": hp.Float(1e-4, 1, log=True, when={"solver": "sgd"}),
            "shrink": hp.Float(0, 1),
        },
    ),
}


def both(name: str, method: str) -> tuple[dict[str, float], dict[str, float]]:
    function, space = STUDIES[name]
    study = hp.minimize(function, space, sampler="random", n_trials=500, seed=1)
    ours = {key: float(part) for key, part in hp.importance(study, interval=None, **OPTIONS[method]).items()}
    evaluator = PedAnovaImportanceEvaluator() if method == "ped_anova" else FanovaImportanceEvaluator(seed=0)
    theirs = optuna.importance.get_param_importances(
        export_study(study), evaluator=evaluator, params=None if method == "ped_anova" else common(space)
    )
    ours = {key: ours[key] for key in ours if key in theirs}
    return {key: value / sum(ours.values()) for key, value in ours.items()}, theirs


def common(space: dict[str, Any]) -> list[str]:
    """The parameters of all trials, for which alone Optuna's fANOVA uses all trials."""
    return [name for name, parameter in space.items() if not parameter.when]


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize(("method", "tolerance"), [("ped_anova", PED_TOLERANCE), ("fanova", FANOVA_TOLERANCE)])
def test_same_order_and_shares(name: str, method: str, tolerance: float) -> None:
    ours, theirs = both(name, method)
    assert list(ours) == list(theirs)
    assert ours == pytest.approx(dict(theirs), abs=tolerance)
