"""Data that may be stored, as it is written: names, and plain data as JSON, all of bounded size."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hpcore.attributes import MAX_DEPTH, check_size, to_plain
from hpcore.errors import InvalidArgument, InvalidType

__all__ = ["MAX_PARAMETERS", "NAME_BYTES", "bounded_error", "check_name", "from_text", "to_text"]

NAME_BYTES = 512
# Nothing that is written is nested deeper, tags and all; reading something that is would end in Python's own limit.
MAX_STORED_DEPTH = 100
MAX_PARAMETERS = 10_000
ERROR_CHARACTERS = 2**16


def check_name(argument: str, value: Any) -> str:
    """Check a name: 1 to 512 bytes without NUL, which no database takes. Quotes and the like are fine."""
    if not isinstance(value, str):
        raise InvalidType(f"{argument} must be a str, got {value!r}")
    try:
        n_bytes = len(value.encode())
    except UnicodeEncodeError:
        raise InvalidArgument(f"{argument} must be text that UTF-8 can write, got {value[:80]!r}") from None
    if not 1 <= n_bytes <= NAME_BYTES:
        raise InvalidArgument(f"{argument} must have 1 to {NAME_BYTES} bytes, got {n_bytes}: {value[:40]!r}")
    if "\0" in value:
        raise InvalidArgument(f"{argument} must not contain NUL, got {value[:80]!r}")
    return value


def to_text(argument: str, value: Any) -> str:
    """Write plain data, or whatever converts to it, as JSON; see `hpcore.attributes.to_plain`.

    Raises
    ------
    InvalidType, InvalidArgument
        Anything else, more than 32 levels in a list of its own, or more than 1 MiB. NaN and infinities are written as
        Python's json does.
    """
    return check_size(argument, to_plain(argument, value, MAX_DEPTH + 1))


def from_text(text: Any) -> Any:
    """Read the text that `to_text` wrote.

    Raises
    ------
    ValueError
        Text that is no JSON, or is nested too deep.
    """
    if not isinstance(text, str):
        raise ValueError(f"not text: {text!r:.80}")
    try:
        data = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    # Counted before looked at, for the sake of a hundred thousand short ones.
    if text.count("[") + text.count("{") > MAX_STORED_DEPTH:
        level = [data]
        for _ in range(MAX_STORED_DEPTH):
            level = [child for node in level for child in _children(node)]
        if level:
            raise ValueError("nested too deep")
    return data


def _children(node: Any) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


def bounded_error(text: str | None) -> str | None:
    """Bound a trial's error for storing: its end if it is very long, and nothing that a database refuses."""
    if text is None:
        return None
    if len(text) > ERROR_CHARACTERS:
        text = "[...] " + text[-ERROR_CHARACTERS:]
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
