"""An empty folder for each test, one thread, and an untidy table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import one_thread, untidy

__all__ = ["one_thread", "untidy"]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
