"""Files that are written completely or not at all, and values as JSON."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["encodable", "plain", "replace_file", "to_json"]


def replace_file(path: Path, write: Callable[[Path], object]) -> Path:
    """Call `write` with a temporary path beside `path`, then rename that file to `path`."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return path


def plain(value: Any) -> Any:
    """Convert a value to JSON types: numbers (None for NaN and infinity), lists, text."""
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value)


def to_json(value: Any, indent: int | None = None) -> str:
    """Write a value as strict JSON."""
    return encodable(json.dumps(plain(value), allow_nan=False, ensure_ascii=False, indent=indent))


def encodable(text: str) -> str:
    """Escape lone surrogates, which file names may contain, as JSON does."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
