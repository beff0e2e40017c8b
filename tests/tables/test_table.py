"""Columns of a table by their contents."""

from __future__ import annotations

from hpcore.tables.table import Columns


def test_columns_that_are_used_are_counted() -> None:
    columns = Columns(numbers=["a", "b"], text=["c"], dates={"d": None}, dropped={"no values": ["e"]})
    assert len(columns) == 4
    assert not len(Columns(dropped={"no values": ["e"]}))
