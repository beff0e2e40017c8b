"""Names of objects among the choices, for people, and for finding them again."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["label_of", "without_address"]


def label_of(value: Any) -> str:
    """The name of an object, the same in every process."""
    if isinstance(value, type) or callable(value):
        name = getattr(value, "__qualname__", None)
        if name is not None:
            return f"{getattr(value, '__module__', '')}.{name}"
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__qualname__}>"
    return without_address(text)[:200].encode("utf-8", "backslashreplace").decode()


def without_address(text: str) -> str:
    """A text without the places in memory that reprs of objects say."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
