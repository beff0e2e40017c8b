"""The layers in CONTRIBUTING.md: imports point to higher rows only."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "hpcore"

# Part -> (row, place in a "then" order within the row); parts with equal numbers do not import each other.
PLACE = {
    "_core": (0, 0),
    "kernels": (0, 1),
    "errors": (0, 0),
    "arguments": (0, 0),
    "attributes": (0, 0),
    "embedding": (0, 1),
    "space": (1, 0),
    "records": (1, 1),
    "workers": (1, 1),
    "surrogates": (2, 0),
    "schedulers": (2, 0),
    "storage": (2, 0),
    "samplers": (3, 0),
    "importance": (3, 0),
    "evaluation": (3, 0),
    "optimizer": (4, 0),
    "ledger": (5, 0),
    "study": (5, 1),
    "stopping": (5, 2),
    "sklearn": (6, 0),
    "tables": (6, 1),
    "integrations": (6, 1),
    "report": (6, 1),
    "tracking": (6, 2),
    "cli": (6, 3),
}
# errors, and the checks that raise them, may be imported by every part, kernels included.
EVERYONE = {"arguments", "attributes", "errors"}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".pyi").removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, part) of every import of hpcore in a file, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            module = node.module or ""
            names = [f"hpcore.{alias.name}" for alias in node.names] if module == "hpcore" else [module]
        for name in names:
            if name == "hpcore" or name.startswith("hpcore."):
                yield node.lineno, ([*name.split("."), ""])[1]


SOURCES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_up(path: Path) -> None:
    mine = part_of(path)
    assert mine in PLACE, f"{mine} has no place in the drawing"
    for line, other in imports(path):
        if other == mine or other in EVERYONE:
            continue
        where = f"{path.relative_to(ROOT)}:{line}: {mine} imports {other or 'hpcore itself'}"
        # Only the last row may use `import hpcore` itself.
        if other in ("", "__version__"):
            assert PLACE[mine][0] == 6, where
            continue
        assert other in PLACE, where
        assert PLACE[other] < PLACE[mine], where


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def modules_imported(path: Path, modules: set[str]) -> set[str]:
    """Return the modules of hpcore that a file imports, also those for type checkers only."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names} & modules
            # The package itself is imported for names that are not its modules.
            if len(inside) < len(node.names):
                found.add(node.module)
            found |= inside
    return found & modules


def circles() -> list[list[str]]:
    """Find groups of modules that import each other, by Tarjan's algorithm."""
    paths = {module_of(path): path for path in SOURCES}
    graph = {name: modules_imported(path, set(paths)) - {name} for name, path in paths.items()}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            group = sorted(stack[at:])
            del stack[at:]
            if len(group) > 1:
                groups.append(group)

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return groups


def test_the_only_circle_is_the_lazy_one_of_a_space_and_its_description() -> None:
    assert circles() == [["hpcore.space.serial", "hpcore.space.space"]]


def test_core_has_no_python() -> None:
    for path in (ROOT / "csrc" / "hpcore").rglob("*.?pp"):
        text = path.read_text()
        assert "Python.h" not in text and "pybind11" not in text, path
        assert not re.search(r"\bnew\s+\w|\bdelete\b(?!;)", re.sub(r"//.*", "", text).replace("= delete", "")), path


def test_import_is_light() -> None:
    heavy = ["scipy", "sklearn", "numba", "sqlalchemy", "plotly", "pandas", "joblib", "rich", "click", "cmaes"]
    code = f"import sys, hpcore; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
