"""Optuna's own tests of samplers, which its wheel brings."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")

from optuna.testing.pytest_samplers import (  # noqa: E402 - after the import that may skip
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

from hpcore.integrations.optuna import HpcoreSampler  # noqa: E402

pytestmark = [pytest.mark.doors, pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")]


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


class _Hpcore:
    @pytest.fixture(params=["gp", "tpe", "auto"])
    def sampler(self, request: pytest.FixtureRequest) -> Callable[[], Any]:
        return partial(HpcoreSampler, request.param, seed=0)


class TestBasic(_Hpcore, BasicSamplerTestCase): ...


class TestRelative(_Hpcore, RelativeSamplerTestCase): ...


class TestSeveralObjectives(_Hpcore, MultiObjectiveSamplerTestCase): ...
