"""The levels of the deadline ladder: one list, which every sampler and the core keep to."""

from __future__ import annotations

import pytest

import hpcore as hp
from hpcore._core import bo
from hpcore.records.streams import Rng
from hpcore.samplers import ladder

SPACE = hp.Space({"x": hp.Float(0, 1), "n": hp.Int(1, 9), "c": hp.Categorical(["a", "b"])})


def suggester(name: str) -> hp.samplers.Suggester:
    return hp.samplers.resolve(name).bind(SPACE.columns)


def test_the_cores_names_are_those_of_the_list() -> None:
    levels = [name for name in bo.Step.__members__ if name != "none"]  # which is SOBOL, by the sampler
    assert tuple(levels) == ladder.GP_LADDER[:-1]
    assert [bo.Step.__members__[name].value for name in (*levels, "none")] == [
        0,
        1,
        2,
        3,
        4,
    ]  # the lowest is the greatest


@pytest.mark.parametrize("name", hp.samplers.names())
def test_every_ladder_starts_at_the_top_and_every_level_is_described(name: str) -> None:
    levels = suggester(name).ladder
    assert levels[0] == ladder.FULL
    assert len(set(levels)) == len(levels)
    assert set(levels) <= ladder.LEVELS.keys()


def test_every_described_level_is_on_a_ladder() -> None:
    levels = {level for name in hp.samplers.names() for level in suggester(name).ladder}
    assert levels | {ladder.RANDOM} == ladder.LEVELS.keys()


@pytest.mark.parametrize("m", [1, 2])
@pytest.mark.parametrize("name", hp.samplers.names())
def test_no_sampler_leaves_its_ladder(name: str, m: int) -> None:
    if name in ("cmaes", "gradient") and m > 1:
        pytest.skip("refuses several objectives")
    opt = hp.Optimizer(SPACE, name, directions=["minimize"] * m, seed=0)
    levels = {*opt._suggestions.suggester.ladder, ladder.RANDOM}
    for k in range(24):
        trial = opt.ask(deadline_ms=(1e-6, 1.0, 60_000.0)[k % 3])
        assert trial.info is not None
        assert trial.info["step"] in levels
        opt.tell(trial, [trial["x"], -trial["x"]][:m])
    history = opt.history
    for deadline_ms in (1e-6, 0.1, 60_000.0):
        rng = Rng(0, history.n)
        _, step = opt._suggestions.suggester.suggest_within(history, history.running(), 2, rng, deadline_ms)
        assert step in levels - {ladder.RANDOM}
