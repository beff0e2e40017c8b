"""The registry of random streams, csrc/hpcore/streams.hpp: no two purposes draw the same numbers."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import hpcore as hp
from hpcore._core import rng as native

PURPOSES = {name: value for name, value in vars(native).items() if name.isupper()}
GENERATORS = {"UNSEEN", "ALLOWED", "GP_SAMPLE"}  # NumPy's generators, seeded with the purpose; SAMPLE is both
# Equal values that never meet: the shuffle is trial 0's, weights need a complete trial before theirs.
APART = {("GP_WEIGHTS", "TPE_SHUFFLE")}
ROOT = Path(__file__).parents[2]


def test_the_values_are_those_of_searches_that_are_stored():
    assert PURPOSES == {
        "OWN_KEY": 0,
        "SUGGEST": 1,
        "FILL": 2,
        "UNSEEN": 3,
        "ALLOWED": 4,
        "SAMPLE": 5,
        "PARZEN_SAMPLE": 15,
        "GP_WEIGHTS": 16,
        "GP_SAMPLE": 17,
        "GP_SEARCH": 0x67700001,
        "GP_POSTERIOR": 0x67700002,
        "GP_BRANCH": 0x67700004,
        "TPE_SHUFFLE": 16,
        "TPE_EVEN": 17,
        "TPE_STARTUP": 18,
        "TPE_REST": 19,
        "FIDELITY_SEARCH": 0x66740001,
        "CMAES_SAMPLE": 0x636D0001,
        "CMAES_CHOICE": 0x636D0002,
        "CMAES_RESTART": 0x636D0003,
        "ANNEALING": 0x616E0001,
        "EVOLUTION": 0x65760001,
        "SOBOL_COLUMNS": 0x736F0001,
        "SOBOL_GROUPS": 0x736F0002,
    }


@pytest.mark.parametrize("family", [PURPOSES.keys() - GENERATORS, GENERATORS | {"SAMPLE"}], ids=["Philox", "NumPy"])
def test_no_two_purposes_share_a_value(family):
    equal = {pair for pair in combinations(sorted(family), 2) if PURPOSES[pair[0]] == PURPOSES[pair[1]]}
    assert equal <= APART


def test_attempts_and_groups_lead_to_no_other_purpose():
    """An attempt counts from bit 32; a group of TPE has 16 in its low byte and counts from bit 8."""
    for name, value in PURPOSES.items():
        assert value < 2**32, name
        assert value < 256 or value & 255 != 16, name


def test_every_purpose_has_other_numbers():
    drawn = {name: native.raw(3, 4, 0, value, 64) for name, value in PURPOSES.items() if name not in GENERATORS}
    del drawn["TPE_SHUFFLE"]
    words = np.concatenate(list(drawn.values()))
    assert len(np.unique(words)) == len(words)


@pytest.mark.parametrize("n_objectives", [2, 4])
@pytest.mark.parametrize(
    "sampler",
    [
        hp.samplers.GPSampler(n_startup_trials=1),
        hp.samplers.GPSampler(n_startup_trials=1, acquisition="ucb"),
        hp.samplers.TPESampler(n_startup_trials=1),
    ],
    ids=["gp", "gp ucb", "tpe"],
)
def test_weights_are_never_those_of_trial_0(sampler, n_objectives):
    """With the fewest startup trials there may be, trial 0 has nothing to scalarise: it is that of one objective."""
    first = [
        hp.Optimizer({"x": hp.Float(0, 1)}, sampler, directions=["minimize"] * m, seed=0).ask().params
        for m in (1, n_objectives)
    ]
    assert first[0] == first[1]


def test_nothing_draws_under_a_purpose_of_its_own():
    """No stream of the core or of the package is opened with a number in place of a registered name."""
    literal = re.compile(r"Philox(?: \w+)?\([^;]*,\s*(?:0x)?[0-9a-f']+u?\)|(?:\.uniform|\.generator)\([^)]*\b\d+\)")
    for path in [*(ROOT / "csrc" / "hpcore").rglob("*.cpp"), *(ROOT / "hpcore" / "samplers").rglob("*.py")]:
        assert not literal.search(path.read_text()), path
    for path in (ROOT / "hpcore").rglob("*.py"):
        for purpose in re.findall(r"\.generator\(([^)]*)\)", path.read_text()):
            assert purpose.split(".")[-1] in PURPOSES, f"{path}: {purpose}"
