"""Values of a metric in what a program prints."""

from __future__ import annotations

import re

__all__ = ["MetricReader"]

_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|(?i:inf(?:inity)?|nan))"


class MetricReader:
    """Reader of lines such as ``accuracy: 0.93``, ``epoch 3, accuracy=0.93`` and ``{"epoch": 3, "accuracy": 0.93}``.

    The name stands alone, in any quotes, before a colon or an equals sign and a number, which may be NaN; the last one
    of a line counts.

    Parameters
    ----------
    metric : str
        Name of the metric.
    """

    def __init__(self, metric: str) -> None:
        self.metric = metric
        name = re.escape(metric)
        self._pattern = re.compile(rf"(?<![\w./-])(['\"]?){name}\1\s*[:=]\s*['\"]?({_NUMBER})(?!\w)")

    def read(self, line: str) -> float | None:
        """The value in a line; None if there is none."""
        found = None
        for match in self._pattern.finditer(line):
            found = float(match[2])
        return found
