"""The code that a pickled model needs, as one module without imports of hpcore."""

from __future__ import annotations

import ast
import inspect
import pickle
from collections.abc import Collection, Iterator
from importlib import import_module
from types import BuiltinFunctionType, FunctionType
from typing import Any

from hpcore.errors import InvalidArgument

__all__ = ["bundle", "references"]

HEADER = '''"""Steps of the model in best_model.joblib, as they were when it was saved by hpcore {version}.

Generated from the sources of {modules}.
predict.py in this folder loads it under these names: the model does not need hpcore.
"""

# Copyright (c) 2026 The hpcore developers
# SPDX-License-Identifier: MIT

from __future__ import annotations

MODULES = {names}


class InvalidArgument(ValueError):
    """{error}"""
'''
ERRORS = "hpcore.errors"


class _References(pickle.Pickler):
    """Pickler that keeps the modules of classes and functions, and nothing else."""

    def __init__(self) -> None:
        super().__init__(_Nowhere(), 5, buffer_callback=lambda buffer: None)
        self.modules: set[str] = set()

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, (type, FunctionType, BuiltinFunctionType)) and value.__module__:
            self.modules.add(value.__module__)
        return NotImplemented


class _Nowhere:
    def write(self, data: bytes) -> int:
        return len(data)


def references(model: Any) -> set[str]:
    """Return the names of the modules whose classes and functions a pickle of `model` refers to."""
    pickler = _References()
    pickler.dump(model)
    return pickler.modules


def bundle(modules: Collection[str], version: str) -> str:
    """Concatenate the sources of modules of hpcore, and of those that they import, in the order of their imports.

    Parameters
    ----------
    modules : collection of str
        Names of the modules that a pickle refers to.
    version : str
        Version of hpcore, for the header.

    Returns
    -------
    str
        Source of one module that has the names of all. `InvalidArgument` is a class of its own there; nothing else of
        hpcore is needed. ``MODULES`` lists the modules that it replaces.

    Raises
    ------
    InvalidArgument
        A module imports something of hpcore that cannot be included, or two modules use a name for different things.
    """
    parts: dict[str, _Part] = {}
    for name in sorted(modules):
        _add(name, parts)
    names = {"MODULES": ("the header", "the header"), "InvalidArgument": ("the header", ERRORS)}
    for part in parts.values():
        for name, meaning in part.names.items():
            owner, other = names.setdefault(name, (part.name, meaning))
            if meaning != other:
                raise InvalidArgument(f"{part.name} cannot be saved with a model: {owner} has a {name!r} as well")
    header = HEADER.format(
        version=version,
        modules=", ".join(parts),
        names=repr(tuple(parts)),
        error=inspect.getdoc(InvalidArgument),
    )
    text = header + "".join(f"\n\n# --- {part.name} ---\n\n{part.source}\n" for part in parts.values())
    compile(text, "table_steps.py", "exec")
    return text


class _Part:
    """Source of one module without what the others or the header have.

    Attributes
    ----------
    name, source : str
        Name of the module, and its source.
    names : dict of str to str
        Names at its top level with what they mean: the module that defines them, or the import.
    needs : list of tuple
        Imports of hpcore: module, name and line.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            text = inspect.getsource(import_module(name))
        except (ImportError, OSError, TypeError) as error:
            raise InvalidArgument(f"{name} cannot be saved with a model: its source is not there ({error})") from error
        tree = ast.parse(text)
        lines: list[str | None] = list(text.splitlines())
        self.names: dict[str, str] = {}
        self.needs: list[tuple[str, str, int]] = []
        for i, node in enumerate(tree.body):
            own = self._own_imports(node)
            described = i == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if described or own or _is_left_out(node):
                lines[node.lineno - 1 : node.end_lineno] = [None] * ((node.end_lineno or node.lineno) - node.lineno + 1)
                continue
            for inner in ast.walk(node):
                if _imports_hpcore(inner):
                    self._refuse(node.lineno, "it imports hpcore elsewhere than at its top")
            self.names |= dict(_bound(node, name))
        self.source = "\n".join(line for line in lines if line is not None).strip("\n")

    def _own_imports(self, node: ast.stmt) -> bool:
        """Add a statement to `needs` if it imports names from modules of hpcore."""
        if not (isinstance(node, ast.ImportFrom) and _imports_hpcore(node)):
            return False
        if node.level:
            self._refuse(node.lineno, "its imports must be absolute")
        for alias in node.names:
            if alias.asname or alias.name == "*":
                self._refuse(node.lineno, "it imports a name of hpcore under another one")
            if node.module == ERRORS and alias.name != InvalidArgument.__name__:
                self._refuse(node.lineno, f"it needs {alias.name}")
            self.needs.append((str(node.module), alias.name, node.lineno))
        return True

    def _refuse(self, line: int, why: str) -> None:
        raise InvalidArgument(f"{self.name} cannot be saved with a model: {why} (line {line})")

    def check(self, parts: dict[str, _Part]) -> None:
        """Check that every name that is imported from another module is one of its own."""
        for module, name, line in self.needs:
            if module != ERRORS and parts[module].names.get(name) != module:
                self._refuse(line, f"{module} does not define {name}")


def _add(name: str, parts: dict[str, _Part]) -> None:
    """Add a module after those that it imports."""
    if name in parts:
        return
    part = _Part(name)
    for module, _, _ in part.needs:
        if module != ERRORS:
            _add(module, parts)
    part.check(parts)
    parts[name] = part


def _imports_hpcore(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or (node.module or "").partition(".")[0] == "hpcore"
    return isinstance(node, ast.Import) and any(alias.name.partition(".")[0] == "hpcore" for alias in node.names)


def _is_left_out(node: ast.stmt) -> bool:
    """Tell whether a statement is an import of the future or for type checkers, or the list of public names."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__"
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" and not node.orelse
    return isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)


def _bound(node: ast.stmt, module: str) -> Iterator[tuple[str, str]]:
    """List the names that a statement binds, with what they mean."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name, module
    elif isinstance(node, ast.Import):
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            yield bound, f"import {alias.name if alias.asname else bound}"
    elif isinstance(node, ast.ImportFrom):
        yield from ((alias.asname or alias.name, f"from {node.module} import {alias.name}") for alias in node.names)
    else:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
        for target in targets:
            for inner in ast.walk(target):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id, module
