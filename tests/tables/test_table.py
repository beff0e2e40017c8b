"""Columns of a table by their contents."""

from __future__ import annotations

from hpcore.tables.table import Columns


def test_columns_that_are_used_are_counted() -> None:
    columns = Columns(numbers=["a", "b"], text=["c"], dates={"d": None}, dropped={"no values": ["e"]}, prose=["f"])
    assert len(columns) == 5
    assert not len(Columns(dropped={"no values": ["e"]}))


def test_columns_of_high_cardinality() -> None:
    assert Columns(text=["a", "b", "c"], levels={"a": 30, "b": 31, "c": 2000}).high_cardinality == ["b", "c"]
    assert Columns(text=["a"]).high_cardinality == []
