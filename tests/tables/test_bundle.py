"""Modules of hpcore become one that does not need hpcore."""

from __future__ import annotations

import ast
import sys
import types
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcore.errors import InvalidArgument
from hpcore.tables.bundle import bundle, references
from hpcore.tables.numerals import Style, find_style, parse
from hpcore.tables.preprocessing import ReadCells


def test_references_are_modules_of_classes_and_functions() -> None:
    found = references({"a": [Style(), np.arange(3)], "b": partial(find_style, likely=","), "c": ReadCells})
    assert {"hpcore.tables.numerals", "functools", ReadCells.__module__} <= found
    assert references([1, "a", None]) == set()


def executed(text: str) -> types.ModuleType:
    module = types.ModuleType("bundled")
    sys.modules["bundled"] = module
    try:
        exec(text, module.__dict__)  # noqa: S102 - our own source
    finally:
        del sys.modules["bundled"]
    return module


def test_the_source_runs_alone_and_says_what_it_is() -> None:
    text = bundle(["hpcore.tables.numerals"], "1.2.3")
    tree = ast.parse(text)
    imported = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert not [node for node in imported if "hpcore" in ast.dump(node)]
    assert "hpcore 1.2.3" in str(ast.get_docstring(tree)) and "SPDX-License-Identifier: MIT" in text
    module = executed(text)
    assert module.MODULES == ("hpcore.tables.numerals",)
    assert module.parse("$1,234.50", module.Style(unit="$")) == parse("$1,234.50", Style(unit="$")) == 1234.5
    assert module.InvalidArgument is not InvalidArgument and issubclass(module.InvalidArgument, ValueError)


def test_what_a_module_imports_comes_before_it() -> None:
    text = bundle([ReadCells.__module__], "1")
    module = executed(text)
    assert ("hpcore.tables.numerals", ReadCells.__module__) == module.MODULES
    assert text.index("class Style") < text.index("class ReadCells")
    assert module.ReadCells([], [], [], {}, {}, {}).__class__.__module__ == "bundled"


FIRST = '"""First."""\nfrom __future__ import annotations\nimport math\nA = 1\n__all__ = ["A"]\n'


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that makes modules of hpcore from their sources."""

    def make(**sources: str) -> list[str]:
        for name, source in sources.items():
            path = tmp_path / f"{name}.py"
            path.write_text(source)
            module = types.ModuleType(f"hpcore.{name}")
            module.__file__ = str(path)
            monkeypatch.setitem(sys.modules, f"hpcore.{name}", module)
        return [f"hpcore.{name}" for name in sources]

    return make


def test_parts_share_imports_and_one_class_of_errors(modules: Any) -> None:
    second = (
        "from typing import TYPE_CHECKING\nimport math\nfrom hpcore.errors import InvalidArgument\n"
        "from hpcore.first import (\n    A,\n)\n"
        "if TYPE_CHECKING:\n    from hpcore.space import Space\n\n# why it is so\nB = [A for A in (A, 2)]\n"
        "def fail(space: 'Space') -> None:\n    raise InvalidArgument(math.pi)\n"
    )
    text = bundle(modules(second=second, first=FIRST)[:1], "1")
    module = executed(text)
    assert (module.A, module.B, module.MODULES) == (1, [1, 2], ("hpcore.first", "hpcore.second"))
    assert "# why it is so" in text and "__all__" not in text and "TYPE_CHECKING:" not in text
    with pytest.raises(module.InvalidArgument):
        module.fail(None)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ("from hpcore.errors import closest\n", "it needs closest"),
        ("from hpcore.first import A as B\n", "under another one"),
        ("from hpcore.first import *\n", "under another one"),
        ("from hpcore.first import C\n", "hpcore.first does not define C"),
        ("from hpcore.first import math\n", "hpcore.first does not define math"),
        ("import hpcore.first\n", "elsewhere than at its top"),
        ("def f():\n    from hpcore.first import A\n", "elsewhere than at its top"),
        ("try:\n    import hpcore\nexcept ImportError:\n    pass\n", "elsewhere than at its top"),
        ("from . import first\n", "must be absolute"),
        ("from hpcore.first import A\nfrom cmath import pi as math\n", "hpcore.first has a 'math' as well"),
        ("from hpcore.first import A\ndef A(): pass\n", "hpcore.first has a 'A' as well"),
        ("MODULES = 1\n", "the header has a 'MODULES' as well"),
        ("from hpcore._core import linalg\n", "its source is not there"),
        ("from hpcore.no_such_module import x\n", "its source is not there"),
    ],
)
def test_modules_that_cannot_be_included(modules: Any, second: str, words: str) -> None:
    names = modules(first=FIRST, second=second)
    with pytest.raises(InvalidArgument, match=words) as caught:
        bundle(names[1:], "1")
    assert "cannot be saved with a model" in str(caught.value)
