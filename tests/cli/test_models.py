"""The presets as `hpcore models` lists them."""

from __future__ import annotations

from typing import Any

import hpcore as hp
from hpcore.cli.models import _described
from hpcore.tables import presets


def test_models_are_described(hpcore: Any) -> None:
    everything = hpcore("models")
    assert everything.exit_code == 0
    for name in presets.names():
        assert f"\n{name}: " in f"\n{everything.stdout}"
    one = hpcore("models", "svc").stdout
    assert "degree        whole number, 2 to 4; when kernel is poly" in one
    assert "svr" not in one


def test_an_unknown_model(hpcore: Any) -> None:
    result = hpcore("models", "svm")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: model must be one of svc, svr")


def test_alternatives_are_described() -> None:
    either = [{"kernel": ["rbf", "poly"]}, {"kernel": "linear", "n": 2}]
    assert _described(hp.Int(2, 4, when=either)).endswith("when kernel is rbf or poly, or kernel is linear and n is 2")
