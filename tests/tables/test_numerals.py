"""Numbers in many formats; the original numbers are the oracle."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from hpcore.tables.columns import classify
from hpcore.tables.numerals import evidence, find_style, holds_codes, is_missing_word, parse
from hpcore.tables.preprocessing import reader

RNG = np.random.default_rng(0)
# Small and large, whole and not, negative and zero; written with two decimals.
CENTS = [int(c) for c in RNG.integers(-9_999_999, 99_999_999, 60)] + [0, 5, -5, 99, 100, 12345, -100_000, 123_456_789]
WHOLE = [int(c) for c in RNG.integers(0, 5_000_000, 60)] + [0, 7, 999, 1000, 1_000_000]


def english(cents: int) -> str:
    return f"{cents / 100:,.2f}"


def german(cents: int) -> str:
    return english(cents).translate(str.maketrans(",.", ".,"))


def spaced(cents: int, blank: str = " ") -> str:
    return english(cents).replace(",", blank).replace(".", ",")


def lakh(cents: int) -> str:
    sign, digits = "-" * (cents < 0), f"{abs(cents) // 100}"
    head, tail = digits[:-3], digits[-3:]
    groups = []
    while head:
        groups.insert(0, head[-2:])
        head = head[:-2]
    return f"{sign}{','.join([*groups, tail])}.{abs(cents) % 100:02d}"


def signed(write: Callable[[int], str], before: str = "{}", negative: str = "-{}") -> Callable[[int], str]:
    """Return a format with text around the digits, and another one for negative numbers."""
    return lambda cents: (negative if cents < 0 else "{}").format(before.format(write(abs(cents))))


FORMATS: dict[str, Callable[[int], str]] = {
    "plain": lambda c: f"{c / 100:.2f}",
    "exponent": lambda c: f"{c / 100:.9E}",
    "thousands": english,
    "plus": lambda c: f"{c / 100:+,.2f}",
    "Unicode minus": lambda c: english(c).replace("-", "\u2212"),
    "German": german,
    "German, no groups": lambda c: f"{c / 100:.2f}".replace(".", ","),
    "comma and exponent": lambda c: f"{c / 100:.9E}".replace(".", ","),
    "French": spaced,
    "no-break space": lambda c: spaced(c, "\u00a0"),
    "narrow no-break space": lambda c: spaced(c, "\u202f"),
    "thin space": lambda c: spaced(c, "\u2009"),
    "spaces and point": lambda c: english(c).replace(",", " "),
    "Swiss": lambda c: english(c).replace(",", "'"),
    "Swiss, typographic": lambda c: english(c).replace(",", "\u2019"),
    "lakh": lakh,
    "brackets": signed(english, negative="({})"),
    "brackets, German": signed(german, negative="({})"),
    "minus behind": signed(english, negative="{}-"),
    "dollar": signed(english, "${}"),
    "dollar, sign inside": lambda c: f"${english(c)}",
    "dollar, space": signed(english, "$ {}"),
    "dollar, brackets": signed(english, "${}", "({})"),
    "dollar, brackets inside": lambda c: f"$({english(-c)})" if c < 0 else f"${english(c)}",
    "US$": signed(english, "US${}"),
    "real": signed(german, "R$ {}"),
    "euro before": signed(german, "\u20ac{}"),
    "euro behind": signed(german, "{} \u20ac"),
    "euro behind, no blank": signed(german, "{}\u20ac"),
    "pound": signed(english, "\u00a3{}"),
    "yen": signed(english, "\u00a5{}"),
    "full-width yen": signed(english, "\uffe5{}"),
    "rupee": signed(lakh, "\u20b9 {}"),
    "Rs.": signed(lakh, "Rs. {}"),
    "code before": signed(english, "USD {}"),
    "code behind": signed(german, "{} EUR"),
    "kroner": signed(spaced, "{} kr"),
    "zloty": signed(spaced, "{} z\u0142"),
    "percent": signed(lambda c: f"{c / 100:.2f}", "{}%"),
    "percent, blank": signed(lambda c: f"{c / 100:.2f}", "{} %"),
    "percent, comma": signed(lambda c: f"{c / 100:.2f}".replace(".", ","), "{} %"),
    "unit": signed(english, "{} km"),
    "unit, no blank": signed(english, "{}kg"),
    "unit with a slash": signed(english, "{} km/h"),
    "degrees": signed(english, "{} \u00b0C"),
    "square metres": signed(german, "{} m\u00b2"),
    "square metres, plain": signed(english, "{} m2"),
    "full-width digits": lambda c: english(c).translate({ord(str(d)): 0xFF10 + d for d in range(10)}),
    "blanks around": lambda c: f"  {english(c)} ",
}
WHOLE_FORMATS: dict[str, Callable[[int], str]] = {
    "thousands": lambda v: f"{v:,}",
    "dollar": lambda v: f"${v:,}",
    "spaces": lambda v: f"{v:,}".replace(",", " "),
    "apostrophes": lambda v: f"{v:,}".replace(",", "'"),
    "points": lambda v: f"{v:,}".replace(",", "."),
    "no cents": lambda v: f"{v:,}.-".replace(",", "'"),
    "no cents, long": lambda v: f"{v},--",
    "percent": lambda v: f"{v}%",
}


def read(cells: list[str]) -> list[float]:
    style = find_style(Counter(cells))
    assert style is not None
    return [parse(cell, style) for cell in cells]


@pytest.mark.parametrize("name", FORMATS)
def test_every_way_of_writing(name: str) -> None:
    cells = [FORMATS[name](cents) for cents in CENTS]
    assert read(cells) == [cents / 100 for cents in CENTS]


WORDS = ["", "NA", "n/a", "-", "?", "#DIV/0!", "\u2014", "unknown"]


@pytest.mark.parametrize(
    ("name", "word"),
    [(name, WORDS[i % len(WORDS)]) for i, name in enumerate(FORMATS)] + [("thousands", w) for w in WORDS],
)
def test_words_for_missing_do_not_matter(name: str, word: str) -> None:
    # The whole column has more words than numbers.
    cells = [FORMATS[name](cents) for cents in CENTS] + [word] * 100
    frame = pd.DataFrame({"x": [cell or None for cell in cells]})
    columns = classify(frame)
    assert columns.numbers == ["x"], columns.notices
    values = reader(columns).transform(frame)["x"].to_numpy()
    np.testing.assert_array_equal(values, [cents / 100 for cents in CENTS] + [math.nan] * 100)
    if word:
        assert any("treated as missing: 100 cells" in notice and repr(word) in notice for notice in columns.notices)


@pytest.mark.parametrize("name", WHOLE_FORMATS)
def test_whole_numbers(name: str) -> None:
    assert read([WHOLE_FORMATS[name](value) for value in WHOLE]) == WHOLE


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["\u20ac110.5M", "\u20ac565K", "\u20ac0", "\u20ac1.1M"], [110_500_000, 565_000, 0, 1_100_000]),
        (["19M", "8.7M", "201k"], [19_000_000, 8_700_000, 201_000]),
        (["$1.2B", "$3bn", "$4"], [1.2e9, 3e9, 4]),
        (["3 Mio. \u20ac", "1,5 Mrd. \u20ac"], [3e6, 1.5e9]),
        (["1M", "2M", "3M"], [1, 2, 3]),  # sizes, or a unit: not one of them says that M multiplies
        ([".5", "5.", "-.25"], [0.5, 5, -0.25]),
        ([",5", "-,25"], [0.5, -0.25]),
        (["0,123", "4,567"], [0.123, 4.567]),  # no group begins with a zero
    ],
)
def test_short_ways(cells: list[str], values: list[float]) -> None:
    assert read(cells) == values


@pytest.mark.parametrize(
    ("cells", "likely", "value"),
    [
        (["1,234"], None, 1234),
        (["1,234", "12,345"], None, 1234),
        (["1,234", "999"], None, 1234),
        (["1,234", "2500"], None, 1.234),  # thousands would be grouped in both
        (["1,234", "1.5"], None, 1234),
        (["1,234", "1,5"], None, 1.234),
        (["1,234", "0,123"], None, 1.234),
        (["1,234", "1,234,567"], None, 1234),
        (["1,234"], ",", 1.234),
        (["1,234", "1.5", "2.25"], ",", 1234),  # the column knows better than the file
        (["1.234"], None, 1.234),
        (["1.234"], ",", 1234),
        (["1.234", "1.234.567"], None, 1234),
        (["1.234", "1,5"], None, 1234),
        (["1.234", "1.5"], ",", 1.234),
        (["1.230", "12"], None, 1230),  # with decimals that would be 1.23, or 12.000
        (["1.230", "12", "1500"], None, 1.23),
        (["1.230", "12", "0.500"], None, 1.23),
        (["1.230", "12.000"], None, 1.23),
        (["1.234", "12"], None, 1.234),
    ],
)
def test_either_way_is_decided_by_the_column(cells: list[str], likely: str | None, value: float) -> None:
    style = find_style(Counter(cells), likely)  # type: ignore[arg-type]
    assert style is not None
    assert parse(cells[0], style) == value


@pytest.mark.parametrize(
    "cells",
    [
        ["01.02.2024", "13.02.2024"],
        ["2024-01-01"],
        ["1/2/2024"],
        ["10:30", "11:45"],
        ["2024-01"],
        ["1.2.3", "1.10.0"],
        ["192.168.1.1"],
        ["+49 301 234 567"],
        ["(555) 123-4567"],
        ["555-1234"],
        ["030/123456"],
        ["A1", "B2"],
        ["12A", "12B", "7C"],
        ["5 kg", "7 lb"],
        ["$5", "\u20ac5"],
        ["10-20", "20-30"],
        ["<5", ">10"],
        ["1 2", "3 4"],
        ["12 34 56"],
        ["4/5"],
        ["0x1F"],
        ["1_000"],
        ["1,2,3"],
        ["1,23"] * 5 + ["1.23"] * 5,
        ["no", "numbers"],
        ["NA", "-", "?"],
        ["$", "%", "."],
        ["--5", "+-5", "-(5)", "(5", "5)"],
        ["5 apples and pears today"],
        ["1" * 5000, "2" * 5000],
        ["1" + " ," * 20_000],
        [],
    ],
)
def test_other_text_is_no_number(cells: list[str]) -> None:
    assert find_style(Counter(cells)) is None


@pytest.mark.parametrize("n_wrong", [0, 5, 9])
def test_a_few_wrong_cells(n_wrong: int) -> None:
    cells = [f"${i},500" for i in range(1, 101 - n_wrong)] + [f"see note {i}" for i in range(n_wrong)]
    assert sum(math.isnan(value) for value in read(cells)) == n_wrong
    assert find_style(Counter(cells + [f"see note {i}" for i in range(9, 30)])) is None


def test_one_word_among_many_numbers_is_no_category() -> None:
    cells = [f"{i}.5M" for i in range(30)] + ["Varies with device"] * 25
    assert sum(math.isnan(value) for value in read(cells)) == 25
    assert find_style(Counter([*"123"] + ["other"] * 2)) is None  # three numbers and a word are four categories


def test_evidence_counts_cells() -> None:
    seen = evidence({"1,5": 3, "1.5": 2, "1,234": 4, "1.234": 1, "1500": 5, "word": 9})
    assert (seen.comma, seen.point, seen.either_comma, seen.either_point, seen.thousand_unmarked) == (3, 2, 4, 1, 5)
    assert seen.mark() == ","


@pytest.mark.parametrize("cells", [["00123", "45678"], ["007", "12", "1500"], ["+4930123456", "+4989654321"]])
def test_codes(cells: list[str]) -> None:
    assert holds_codes([*cells, "NA"])


@pytest.mark.parametrize(
    "cells", [["01", "12"], ["0", "5"], ["0.5", "012.5"], ["+5", "-3"], ["123", "456"], [], ["NA"]]
)
def test_no_codes(cells: list[str]) -> None:
    assert not holds_codes(cells)


def test_words_for_missing() -> None:
    assert all(
        map(is_missing_word, ["", " ", "NA", "na", "NaN", "None", "NULL", "-", "--", "?", "n.a.", "#REF!", "\\N"])
    )
    assert not any(map(is_missing_word, ["0", "no", "north", "x", "nana"]))
