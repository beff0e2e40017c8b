"""Sample files, and a function that reads them."""

from __future__ import annotations

import pandas as pd

from hpcore.tables.columns import classify
from hpcore.tables.data import load
from hpcore.tables.preprocessing import reader
from hpcore.tables.table import Columns
from hpcore.tables.target import Problem, split_target

N = 60
PRICES = [(i * 7919 % 100_000) / 4 - 300 for i in range(N)]
CITIES = [["København", "Zürich", "Łódź"][i % 3] for i in range(N)]
WESTERN = [city.replace("Łódź", "Orléans") for city in CITIES]
CLASSES = ["ja" if price > 9000 else "nein" for price in PRICES]


def found(path: str, target: str, encoding: str | None = None) -> tuple[pd.DataFrame, Problem, Columns]:
    """Return features as floats and categories, the problem, and the contents of the columns."""
    table = load(path, encoding)
    problem = split_target(table, target, None)
    columns = classify(problem.X, table.likely)
    return reader(columns).transform(problem.X), problem, columns


def table(separator: str, comma: bool, cities: list[str], end: str = "\n") -> str:
    prices = [f"{price:.2f}".replace(".", ",") if comma else f"{price:.2f}" for price in PRICES]
    cells = [f'"{cell}"' if separator in cell else cell for cell in prices]
    rows = [separator.join(row) for row in zip(cells, cities, CLASSES, strict=True)]
    return end.join([separator.join(["größe", "stadt", "y"]), *rows, ""])
