"""Conversion of attributes to plain data, and rejected values."""

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import json
import math
import pathlib
import pickle
import uuid
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcore.attributes import ATTRIBUTE_BYTES, MAX_DEPTH, Attributes, settled, settled_reports, to_plain
from hpcore.errors import InvalidArgument, InvalidType


class Colour(enum.Enum):
    RED = "red"
    SHAPE = (1, 2)
    THING = object()


class Level(enum.IntEnum):
    LOW = 3


class Flag(enum.Flag):
    A = 1
    B = 2


class Text(str):
    def __str__(self) -> str:
        raise RuntimeError("not asked")


@dataclasses.dataclass
class Config:
    rate: float
    layers: tuple[int, ...]


Pair = collections.namedtuple("Pair", "a b")
UTC = dt.timezone.utc

TABLE: list[tuple[Any, Any]] = [
    (None, None),
    (True, True),
    (-(2**70), -(2**70)),
    (-0.0, -0.0),
    (math.inf, math.inf),
    (math.nan, math.nan),
    ("a\0\ud800é", "a\0\ud800é"),
    (Text("a"), "a"),
    (b"model \xff", "model \\xff"),
    (bytearray(b"a"), "a"),
    (memoryview(b"ab"), [97, 98]),
    ((1, (2, [3])), [1, [2, [3]]]),
    (Pair(1, "b"), [1, "b"]),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset({"b", "a"}), ["a", "b"]),
    ({1, "a", (2,)}, ["a", 1, [2]]),
    (range(3), [0, 1, 2]),
    (collections.deque([1, 2]), [1, 2]),
    ({"a": 1}.keys(), ["a"]),
    ({"a": (1,)}.values(), [[1]]),
    ({"a": 1}.items(), [["a", 1]]),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (collections.OrderedDict(b=1, a={}), {"b": 1, "a": {}}),
    ({1: 0.5, 2.5: 1, None: 2, False: 3}, {"1": 0.5, "2.5": 1, "None": 2, "False": 3}),
    ({(1, "a"): 0.5, Colour.RED: 1, np.int8(4): 2, pathlib.PurePosixPath("p/q"): 3},
     {"(1, 'a')": 0.5, "red": 1, "4": 2, "p/q": 3}),
    ({dt.date(2026, 1, 2): 1}, {"2026-01-02": 1}),
    (pathlib.PurePosixPath("a/b.pt"), "a/b.pt"),
    (dt.datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
    (dt.date(2026, 1, 2), "2026-01-02"),
    (dt.time(3, 4), "03:04:00"),
    (dt.timedelta(minutes=1, milliseconds=500), 60.5),
    (Colour.RED, "red"),
    (Colour.SHAPE, [1, 2]),
    (Colour.THING, "THING"),
    (Level.LOW, 3),
    (Flag.A | Flag.B, 3),
    (decimal.Decimal("0.1"), 0.1),
    (fractions.Fraction(1, 4), 0.25),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Config(0.1, (1, 2)), {"rate": 0.1, "layers": [1, 2]}),
    (np.float64(0.1), 0.1),
    (np.float32(0.5), 0.5),
    (np.longdouble(0.5), 0.5),
    (np.int64(2**40), 2**40),
    (np.bool_(True), True),
    (np.str_("a"), "a"),
    (np.bytes_(b"a"), "a"),
    (np.datetime64("2026-01-02"), "2026-01-02"),
    (np.datetime64("2026-01-02T03:04:05.123456789"), "2026-01-02T03:04:05.123456789"),
    (np.timedelta64(1500, "ms"), 1.5),
    (np.array([0.91, math.inf]), [0.91, math.inf]),
    (np.array([[1, 2], [3, 4]], dtype=np.uint8), [[1, 2], [3, 4]]),
    (np.array(3), 3),
    (np.array([]), []),
    (np.array(["a", "b"]), ["a", "b"]),
    (np.array([b"a"]), ["a"]),
    (np.array([np.int8(1), None, {"a": {1}}], dtype=object), [1, None, {"a": [1]}]),
    (np.array([(1, 2.5)], dtype=[("a", int), ("b", float)]), [[1, 2.5]]),
    (np.array(["2026-01-02"], dtype="datetime64[ns]"), ["2026-01-02T00:00:00.000000000"]),
    (np.array([1, 2], dtype="timedelta64[m]"), [60.0, 120.0]),
    (np.ma.masked_array([1.0, 2.0], mask=[False, True]), [1.0, None]),
    ({"confusion": np.eye(2, dtype=int), "at": [dt.date(2026, 1, 2)]},
     {"confusion": [[1, 0], [0, 1]], "at": ["2026-01-02"]}),
    (pd.Series([1.0, 2.0]), [1.0, 2.0]),
    (pd.Series([1, 2], index=["a", 3]), {"a": 1, "3": 2}),
    (pd.Series([1, 2], index=["a", "a"]), [1, 2]),
    (pd.Series(pd.to_datetime(["2026-01-02"])), ["2026-01-02T00:00:00"]),
    (pd.DataFrame({"a": [1, 2], "b": ["x", None]}, dtype=object), {"a": [1, 2], "b": ["x", None]}),
    (pd.DataFrame({"f1": [0.5]}, index=["cat"]), {"f1": {"cat": 0.5}}),
    (pd.Index(["a"]), ["a"]),
    (pd.Categorical(["a", "b"]), ["a", "b"]),
    (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"),
    (pd.Timedelta("1s"), 1.0),
    (pd.NA, None),
    (pd.NaT, "NaT"),
]  # fmt: skip


def endless() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


def deep(n: int) -> Any:
    out: Any = 1
    for _ in range(n):
        out = [out]
    return out


class Sulky:
    def tolist(self) -> Any:
        raise OSError("the device is away")


REFUSED: list[tuple[Any, type[Exception], str]] = [
    (object(), InvalidType, "got an object of type builtins.object"),
    (len, InvalidType, "builtin_function"),
    (int, InvalidType, "builtins.type"),
    (math, InvalidType, "builtins.module"),
    (1j, InvalidType, "builtins.complex"),
    (np.array([1j]), InvalidType, "complex numbers"),
    (np.complex64(1), InvalidType, "complex numbers"),
    ({"a": [1, {"b": object()}]}, InvalidType, "builtins.object"),
    ({object(): 1}, InvalidType, "builtins.object"),
    ([object()], InvalidType, "builtins.object"),
    (np.array([object()]), InvalidType, "builtins.object"),
    (Colour, InvalidType, "EnumType|EnumMeta"),
    (Config, InvalidType, "builtins.type"),
    ((i for i in range(3)), InvalidType, "builtins.generator"),
    (Sulky(), InvalidType, "cannot be read: OSError: the device is away"),
    ({1: 1, "1": 2}, InvalidArgument, "keys that differ as text, got '1' twice"),
    (pd.DataFrame([[1, 2]], columns=["a", "a"]), InvalidArgument, "'a' twice"),
    (endless(), InvalidArgument, "at most 32 deep"),
    (deep(MAX_DEPTH + 2), InvalidArgument, "at most 32 deep"),
    ("x" * 2**20, InvalidArgument, "at most 1048576 bytes"),
    (np.zeros(10**8, dtype=np.int8), InvalidArgument, "at most 1048576 bytes"),
    (pd.Series(np.zeros(2**21)), InvalidArgument, "at most 1048576 bytes"),
    (10**5000, InvalidArgument, r"integers below 2\*\*13000"),
    (decimal.Decimal("sNaN"), InvalidType, "cannot be read: ValueError"),
    (fractions.Fraction(10**400), InvalidType, "cannot be read: OverflowError"),
]


@pytest.mark.parametrize(("value", "expected"), TABLE, ids=lambda v: type(v).__name__)
def test_what_has_a_meaning_as_plain_data(value: Any, expected: Any) -> None:
    plain = to_plain("a", value)
    assert repr(plain) == repr(expected)
    assert repr(json.loads(json.dumps(plain))) == repr(expected), "and comes back from a store as it was"
    assert repr(to_plain("a", plain)) == repr(expected)
    assert repr(Attributes(a=value)["a"]) == repr(expected)


@pytest.mark.parametrize(("value", "error", "match"), REFUSED, ids=lambda v: type(v).__name__)
def test_what_is_refused(value: Any, error: type[Exception], match: str) -> None:
    attributes = Attributes(kept=1)
    setters = [
        lambda: attributes.__setitem__("note", value),
        lambda: attributes.update(note=value),
        lambda: attributes.update({"first": 1, "note": value}),
        lambda: attributes.update([("first", 1), ("note", value)]),
        lambda: attributes.setdefault("note", value),
        lambda: attributes.__ior__({"first": 1, "note": value}),
        lambda: Attributes({"note": value}),
    ]
    for setter in setters:
        with pytest.raises(error, match=match) as refused:
            setter()
        assert "user_attrs['note']" in str(refused.value) or "user_attrs must" in str(refused.value)
    assert attributes == {"kept": 1}


def test_what_would_have_no_end_is_refused_in_time() -> None:
    inner: list[Any] = [1]
    for _ in range(30):
        inner = [inner] * 10  # ten to the thirtieth items in thirty short lists
    with pytest.raises(InvalidArgument, match="takes more"):
        to_plain("a", inner)


plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(plain_data)
def test_plain_data_stays_as_it_is_and_is_copied(value: Any) -> None:
    plain = to_plain("a", value)
    assert repr(plain) == repr(value)
    if isinstance(value, list | dict):
        assert plain is not value


def test_names() -> None:
    attributes = Attributes({1: "a", None: "b", (1, 2): "c", np.str_("d"): "e"})
    assert attributes == {"1": "a", "None": "b", "(1, 2)": "c", "d": "e"}
    assert (attributes[1], attributes[(1, 2)], attributes.setdefault(1, 5)) == ("a", "c", "a")
    with pytest.raises(KeyError):
        attributes["nobody"]
    with pytest.raises(KeyError):
        attributes[7]
    with pytest.raises(InvalidType, match="attribute's name"):
        attributes[object()] = 1  # type: ignore[index]


def test_it_is_a_dict_in_every_other_way() -> None:
    attributes = Attributes([("a", (1,))], b=2)
    attributes |= {"c": 3}
    attributes |= [("d", 4)]
    assert attributes == {"a": [1], "b": 2, "c": 3, "d": 4}
    assert attributes.pop("d") == 4 and attributes.setdefault("e") is None
    pickled = pickle.dumps(attributes)
    for copied in (attributes.copy(), copy.copy(attributes), copy.deepcopy(attributes), pickle.loads(pickled)):  # noqa: S301
        assert copied == attributes and type(copied) is Attributes
        copied["a"] = 5
        with pytest.raises(InvalidType):
            copied["a"] = object()
    assert attributes["a"] == [1]


def test_all_of_them_together_are_bounded() -> None:
    attributes = Attributes()
    quarter = "x" * (ATTRIBUTE_BYTES // 4)
    for name in "abc":
        attributes[name] = quarter
    with pytest.raises(InvalidArgument, match="user_attrs must take at most 1048576 bytes as JSON"):
        attributes["d"] = quarter
    for _ in range(10):
        attributes["a"] = quarter[:-1]  # in its own place
    del attributes["b"]
    attributes["d"] = quarter
    assert sorted(attributes) == ["a", "c", "d"]
    with pytest.raises(InvalidArgument):
        attributes.update(e=quarter, f=quarter)


def test_what_was_put_inside_later_becomes_text(caplog: pytest.LogCaptureFixture) -> None:
    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError("nobody is to see it")

    attributes = Attributes(a=[1], b=[2], c=[3], d=4)
    attributes["a"].append(np.float64(0.5))
    attributes["b"].append(object())
    attributes["c"].append(Shy())
    kept = settled("trial 7", attributes)
    assert (kept["a"], kept["d"]) == ([1, 0.5], 4)
    assert kept["b"].startswith("[2, <object object at") and kept["c"] == "<builtins.list>"
    assert caplog.text.count("trial 7: an attribute is kept as text") == 2
    attributes["a"].append(9)
    assert kept["a"] == [1, 0.5]


def test_what_grew_too_large_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    attributes = Attributes(a=[1], b=[2], c=3)
    attributes["a"].extend(["x" * 600_000])
    attributes["b"].extend(["x" * 500_000])
    assert list(settled("trial 7", attributes)) == ["b", "c"]
    assert "trial 7: attribute 'a' is left out" in caplog.text


def test_reports(caplog: pytest.LogCaptureFixture) -> None:
    given = {np.int64(1): np.float32(0.5), 2: "x", "a": 1.0, 3: math.nan, 4: 10**400, 1.5: 1.0, 10**5000: 1.0, 5: None}
    kept = settled_reports("trial 7", given)
    assert repr(kept) == "{1: 0.5, 3: nan}"
    assert caplog.text.count("trial 7: a report is left out") == 6
    many = {step: 1 / (step + 3) for step in range(100_000)}
    kept = settled_reports("trial 8", many)
    assert 10_000 < len(kept) < 100_000 and all(many[step] == value for step, value in kept.items())
    assert "trial 8: half of 100000 reports are left out" in caplog.text
