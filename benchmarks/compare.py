"""Ratios of two runs of the micro benchmarks; a benchmark that is slower beyond the spread of both is marked.

    python benchmarks/compare.py old.json new.json

Files as ``pytest benchmarks --benchmark-json=FILE`` writes them. A benchmark is slower if its median grew by more than
a tenth and by more than the quartile distances of both runs together. The exit code is 1 if one of hpcore's is slower;
a changed limit is marked but not counted, as only the machine differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def load(path: Path) -> dict[str, dict[str, Any]]:
    """Read the statistics by benchmark."""
    return {b["fullname"]: b["stats"] for b in json.loads(path.read_text())["benchmarks"]}


def mark_of(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Return a mark if the change is beyond the spread, else an empty string."""
    change, spread = new["median"] - old["median"], old["iqr"] + new["iqr"]
    if abs(change) <= spread or abs(change) <= 0.1 * old["median"]:
        return ""
    return "slower" if change > 0 else "faster"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    options = parser.parse_args()
    old, new = load(options.old), load(options.new)
    print("| benchmark | old us | new us | new / old | |\n| --- | --- | --- | --- | --- |")
    slower = 0
    for name in sorted(old.keys() & new.keys()):
        a, b = old[name], new[name]
        word = mark_of(a, b)
        if word and "limit:" in name:
            word = f"machine {word}"
        slower += word == "slower"
        print(
            f"| {name} | {1e6 * a['median']:.1f} | {1e6 * b['median']:.1f} | {b['median'] / a['median']:.2f} | {word} |"
        )
    for label, names in (("only in the old run", old.keys() - new.keys()), ("new", new.keys() - old.keys())):
        for name in sorted(names):
            print(f"{name}: {label}")
    print(f"{slower} slower")
    return min(slower, 1)


if __name__ == "__main__":
    sys.exit(main())
