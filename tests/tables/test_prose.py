"""Prose in contrast to categories, names and ids."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from hpcore.tables.prose import is_prose

rng = np.random.default_rng(0)
COMMON = np.array(
    [
        *("the", "a", "and", "of", "to", "in", "was", "very", "good", "bad", "plot"),
        *("cast", "story", "movie", "price", "fast", "slow", "great", "small", "house", "city"),
    ]
)
SYLLABLES = np.array([a + b for a in "bdfgklmnprst" for b in "aeiou"])
TITLES = ["Mr", "Mrs", "Miss", "Dr", "Master"]
N = 400


def words(n: int) -> str:
    return " ".join(rng.choice(COMMON, n))


def name() -> str:
    return "".join(rng.choice(SYLLABLES, 3)).capitalize()


PROSE = {
    "sentences": [f"The {words(9)}, {words(4)}. It's {words(5)}!" for _ in range(N)],
    "sentences of another script": [
        f"\u0424\u0438\u043b\u044c\u043c {words(3)} \u0431\u044b\u043b {words(3)} {i}" for i in range(N)
    ],
    "titles": [f"{words(3)} {name()}" for _ in range(N)],
    "a few titles": [f"{words(3)} {name()}" for _ in range(35)],
    "names with titles": [f"{name()}, {rng.choice(TITLES)}. {name()} {name()}" for _ in range(N)],
    "sentences, each twice": [f"{words(8)} {name()}" for _ in range(N // 2)] * 2,
    "very long": [words(9) + " ".join(name() for _ in range(2000)) for _ in range(35)],
}
OTHER = {
    "nothing": [],
    "single words": [name() for _ in range(N)],
    "names": [f"{name()} {name()}" for _ in range(N)],
    "titles, repeated": [f"{words(3)} {name()}" for _ in range(N // 4)] * 4,
    "sentences, few": [f"one of a few long answers to a question, number {i % 40}" for i in range(N)],
    "ids in words": [f"order of the customer {i}" for i in range(N)],
    "codes": [f"AB-{i:05d}-X" for i in range(N)],
    "emails": [f"{name()}.{name()}@mail.org" for _ in range(N)],
    "emails with names": [f"{name()} {name()} <{name()}@mail.org>" for _ in range(N)],
    "addresses of pages": [f"https://www.some.org/the-{words(4).replace(' ', '-')}/{i}" for i in range(N)],
    "paths": [f"/usr/share/the {name()}/{i}.txt" for i in range(N)],
    "numbers": [f"{i} {i + 1} {i + 2} {i + 3}" for i in range(N)],
    "hexadecimal": [" ".join(f"{b:02x}" for b in rng.bytes(8)) for _ in range(N)],
}


@pytest.mark.parametrize("name", PROSE)
def test_prose(name: str) -> None:
    assert is_prose(Counter(PROSE[name]))


@pytest.mark.parametrize("name", OTHER)
def test_other_text(name: str) -> None:
    assert not is_prose(Counter(OTHER[name]))
