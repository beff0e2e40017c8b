"""A command line with placeholders such as ``${{search_space.lr}}``."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from hpcore.errors import InvalidArgument

__all__ = ["Template", "as_text"]

_PLACEHOLDER = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
# A line with one of these needs a shell; others are run directly.
_SHELL = re.compile(r"[|&;<>()$`\\\n*?\[\]{}~#!]|^\s*\w+=")
# Parts of a command in $[[ ]] are left out if an optional input has no value.
_OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)


class Template:
    """Command line to be filled in.

    Parameters
    ----------
    text : str
        Command line.
    parameters : collection of str
        Names of the search space.
    inputs : mapping of str to value
        Values of inputs; None for an optional one without a value.
    outputs : collection of str
        Names of outputs.

    Raises
    ------
    InvalidArgument
        A placeholder has no counterpart; or a parameter does not occur.
    """

    def __init__(
        self, text: str, parameters: Collection[str], inputs: Mapping[str, Any], outputs: Collection[str]
    ) -> None:
        self.text, self._inputs = text, dict(inputs)
        self._parameters, self._outputs = tuple(parameters), tuple(outputs)
        used = set()
        for found in _PLACEHOLDER.finditer(text):
            group, name = self._find(found[1])
            if group == "search_space":
                used.add(name)
        for name in self._parameters:
            if name not in used:
                raise InvalidArgument(
                    "trial.command must use every parameter of the search space, and lacks "
                    f"${{{{search_space.{name}}}}}, got {text!r:.200}"
                )

    @property
    def needs_shell(self) -> bool:
        """True if the line has more than a program and its arguments."""
        return _SHELL.search(_PLACEHOLDER.sub("", _OPTIONAL.sub(r"\1", self.text))) is not None

    def line(self, params: Mapping[str, Any], folder: Callable[[], Path]) -> str:
        """The command line of a trial for the shell; values are quoted as their places need it.

        Parameters
        ----------
        params : mapping of str to value
            Parameters of the trial.
        folder : callable
            Makes the folder of the outputs.
        """
        text = self._without_missing()
        return _PLACEHOLDER.sub(lambda found: _quoted(self._value(found, params, folder), text[: found.start()]), text)

    def arguments(self, params: Mapping[str, Any], folder: Callable[[], Path]) -> list[str]:
        """The program of a trial and its arguments, without a shell; see `line`."""
        # Split before values are put in, which may hold spaces and quotes.
        whole = _PLACEHOLDER.sub(lambda found: f"${{{{{found[1]}}}}}", self._without_missing())
        parts = shlex.split(whole)
        return [_PLACEHOLDER.sub(lambda found: self._value(found, params, folder), part) for part in parts]

    def _value(self, found: re.Match[str], params: Mapping[str, Any], folder: Callable[[], Path]) -> str:
        group, name = self._find(found[1])
        if group == "search_space":
            return as_text(params[name])
        if group == "inputs":
            return as_text(self._inputs[name])
        path = folder() / name
        path.mkdir(parents=True, exist_ok=True)
        return os.fspath(path)

    def _without_missing(self) -> str:
        """The text without the optional parts whose inputs have no value."""

        def part(found: re.Match[str]) -> str:
            names = [self._find(inner[1]) for inner in _PLACEHOLDER.finditer(found[1])]
            lacks = any(group == "inputs" and self._inputs[name] is None for group, name in names)
            return "" if lacks else found[1]

        return _OPTIONAL.sub(part, self.text)

    def _find(self, inside: str) -> tuple[str, str]:
        group, _, name = inside.partition(".")
        if group == "search_space" and name in self._parameters:
            return group, name
        # A sweep over an input of a command or a component replaces its value.
        if group == "inputs" and name in self._parameters:
            return "search_space", name
        if group == "inputs" and name in self._inputs:
            return group, name
        if group == "outputs" and name in self._outputs:
            return group, name
        known = [f"search_space.{name}" for name in self._parameters]
        known += [f"inputs.{name}" for name in self._inputs] + [f"outputs.{name}" for name in self._outputs]
        raise InvalidArgument(
            f"trial.command has the placeholder ${{{{{inside}}}}}, which is not known; there are {', '.join(known)}"
        )


def _quoted(value: str, before: str) -> str:
    """A value for the shell, at a place after the text before it: in quotes of either kind, or in none."""
    inside = ""
    escaped = False
    for character in before:
        if escaped:
            escaped = False
        elif character == "\\" and inside != "'":
            escaped = True
        elif character in "'\"" and inside in ("", character):
            inside = "" if inside else character
    if inside == "'":
        return value.replace("'", "'\\''")
    if inside == '"':
        return re.sub(r"([\"\\$`])", r"\\\1", value)
    return shlex.quote(value)


def as_text(value: Any) -> str:
    """A value as an argument of a command line: whole floats as integers, which every script reads."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return value if isinstance(value, str) else json.dumps(value)
