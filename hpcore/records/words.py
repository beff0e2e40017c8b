"""Texts for people: numbers, durations, names and parameters in a few characters, clean and escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

__all__ = ["clean", "cut", "duration", "escape", "last_line", "shorten", "shown_params", "shown_value", "texts_of"]

VALUE = 60  # characters of a parameter's value


def clean(text: str) -> str:
    """Spell out characters that are no text: they may steer a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shorten(text: str, most: int) -> str:
    """Cut a text that has more characters than `most`."""
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"


def cut(text: str, most: int) -> str:
    """Cut a text that has more characters than `most` between two words, if there is more than one."""
    if len(text) <= most:
        return text
    whole, space, _ = text[:most].rpartition(" ")
    whole = whole.rstrip(" ,;")
    return f"{whole} …" if space and whole.strip() and len(whole) + 2 <= most else shorten(text, most)


def escape(text: str) -> str:
    """Return a text as HTML shows it; the only way of a text into a page.

    Quotes are numeric entities, which labels of plotly's figures read as well.
    """
    return html.escape(clean(text)).replace("&quot;", "&#34;")


def duration(seconds: float) -> str:
    """Return a number of seconds as text of two units at most."""
    if not seconds < 1e11:  # NaN included
        return "an unknown time"
    if seconds < 0.1:
        return f"{1e3 * max(seconds, 0.0):.3g} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    units = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))
    size, unit, smaller, small = next(each for each in units if whole >= each[0])
    rest = whole % size // smaller
    return f"{whole // size} {unit}" + (f" {rest} {small}" if rest else "")


def last_line(error: str | None) -> str:
    """Return the last line of an error, which says what it is."""
    return clean(((error or "").strip().splitlines() or ["no reason given"])[-1].strip())


def shown_value(value: Any, most: int = VALUE) -> str:
    """Return a value of a parameter in a few characters; an object that has no text is named by its class."""
    if isinstance(value, float):
        return f"{value:.6g}"
    try:
        return shorten(clean(value if isinstance(value, str) else repr(value)), most)
    except Exception:  # its own __repr__
        return shorten(clean(f"<{type(value).__name__}>"), most)


def texts_of(params: Mapping[str, Any]) -> list[str]:
    """Return a text for each parameter."""
    return [f"{shorten(clean(str(name)), VALUE)}={shown_value(value)}" for name, value in params.items()]


def shown_params(params: Mapping[str, Any], most: int) -> str:
    """Return parameters in about `most` characters; those without room are counted."""
    texts = texts_of(params)
    whole = ", ".join(texts)
    n = len(texts)
    while n > 1 and len(whole) > most:
        n -= 1
        whole = ", ".join([*texts[:n], f"+{len(texts) - n} more"])
    return whole
