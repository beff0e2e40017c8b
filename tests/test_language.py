"""Docstrings begin with a verb or a noun, and use the words of the field."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FIRST = re.compile(r"(?:Of|Whose|What|Whether|Which|Where)\b")
PRIVATE = re.compile(
    r"\b(?:books?|mirrors?|rivals?|verdicts?|beliefs?|worlds|bury|buries|buried|surrender(?:s|ed)?"
    r"|hand(?:s|ed|ing)? on|tak(?:e|es|en|ing) in|took in)\b",
    re.IGNORECASE,
)
# The core's stubs are Python too.
FILES = sorted([*(ROOT / "hpcore").rglob("*.py"), *(ROOT / "hpcore").rglob("*.pyi")])


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield node.body[0].lineno, text


def test_the_rules() -> None:
    assert FIRST.match("Whether it is so.") and not FIRST.match("Offset of a row.")
    assert PRIVATE.search("The rivals hand on\nnothing.") and not PRIVATE.search("A notebook on the other hand.")
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings(path: Path) -> None:
    wrong = []
    for line, text in docstrings(path):
        where = f"{path.relative_to(ROOT)}:{line}"
        if FIRST.match(text):
            wrong.append(f"{where}: begins with {text.split()[0]!r}")
        wrong += [f"{where}: {found[0]!r} is no word of the field" for found in PRIVATE.finditer(text)]
    assert not wrong, "\n".join(wrong)
