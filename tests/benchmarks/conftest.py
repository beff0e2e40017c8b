import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    """The scripts import their neighbours by name, as they do when run."""
    known = set(sys.modules)
    for folder in ("", "quality", "peers", "examples", "tables"):
        monkeypatch.syspath_prepend(str(BENCHMARKS / folder))
    yield
    for name in set(sys.modules) - known:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
