"""Docstrings of hpcore._core: an editor shows those of the stubs, `help` those of the module, and they are the same."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpcore import _core

STUBS = Path(__file__).parents[2] / "hpcore" / "_core"
ENUM = {"name", "value"}  # pybind11's own


def documented(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, str | None]]:
    """Each class, function, property and attribute of a stub that can have a docstring, by its path."""
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield prefix + node.name, ast.get_docstring(node)
            yield from documented(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef) and not (node.name.startswith("__") and node.name != "__len__"):
            if node.name not in ENUM:
                yield prefix + node.name, ast.get_docstring(node)
        elif isinstance(node, ast.AnnAssign) and prefix and "ClassVar" not in ast.unparse(node.annotation):
            assert isinstance(node.target, ast.Name)
            text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else None
            yield prefix + node.target.id, str(text) if text is not None else None


def runtime(module: str, path: str) -> str:
    found: Any = getattr(_core, module)
    for name in path.split("."):
        found = getattr(found, name)
    return " ".join((found.__doc__ or "").split())


@pytest.mark.parametrize("module", ["acquisition", "bo", "gp", "linalg", "records", "rng", "samplers", "space", "tpe"])
def test_everything_has_one_docstring(module: str) -> None:
    for path, text in documented(ast.parse((STUBS / f"{module}.pyi").read_text()).body):
        assert text, f"{module}.{path}: the stub has no docstring"
        assert " ".join(text.split()) in runtime(module, path), f"{module}.{path}"
    assert getattr(_core, module).__doc__
