"""Names of arguments in messages: options for the command line, parameters for a call from Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["COMMAND", "PYTHON", "Wording"]


@dataclass(frozen=True)
class Wording:
    """Names of arguments as the user wrote them.

    Attributes
    ----------
    data : str
        Name of the argument with the table.
    in_python : bool
        True for a call from Python.
    """

    data: str
    in_python: bool

    def option(self, name: str, value: object = None) -> str:
        """Return an argument with its value, such as ``--cv 5`` or ``cv=5``; without a value its name only."""
        if self.in_python:
            return name if value is None else f"{name}={_plain(value)!r}"
        return f"--{name}" if value is None else f"--{name} {_plain(value)}"

    @property
    def in_call(self) -> str:
        """Words after "pass" for an argument that only a call from Python has: none there."""
        return "" if self.in_python else " to hpcore.tables.autotune"

    def given(self, name: str, value: str) -> str:
        """Return an argument with a wrong value, such as ``--scoring 'f1'`` or ``scoring='f1'``."""
        return f"{name}={value!r}" if self.in_python else f"--{name} {value!r}"

    def target(self, column: str) -> str:
        """Return the subject of a message about the target."""
        if not self.in_python:
            return f"target column {column!r}"
        return "y" if column == "y" else f"y ({column!r})"


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


COMMAND = Wording("DATA", in_python=False)
PYTHON = Wording("X", in_python=True)
