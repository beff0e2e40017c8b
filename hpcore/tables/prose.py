"""Prose among the columns of text: sentences, titles and the like, in contrast to categories, names and ids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from statistics import median

__all__ = ["is_prose"]

# Number of different cells, spread over the column, that are examined.
EXAMINED = 2000
# Characters of a cell that are examined.
LONGEST_CELL = 2000
# Titles: at least so many words in half of the cells, and nearly every row has its own.
TITLE_WORDS, TITLE_DISTINCT = 3, 0.9
# Sentences: more words, and some rows may repeat each other.
SENTENCE_WORDS, SENTENCE_DISTINCT = 6, 0.3
# So many words occur in two cells or more, but not in nearly all: "Order of customer 123" is an id in words.
SHARED_WORDS, NEARLY_ALL = 5, 0.9
# At least two letters, with the punctuation around them: no e-mail address, URL, path, code or number.
WORD = re.compile(
    r"[\"'(\[\u00ab\u201c\u2018\u201e]*([^\W\d_]{2,}(?:['\u2019-][^\W\d_]+)*)[\"')\]\u00bb\u201d\u2019.,;:!?\u2026]*"
)


def is_prose(cells: Mapping[str, int]) -> bool:
    """Tell whether a column holds prose.

    Parameters
    ----------
    cells : mapping of str to int
        Distinct cells that are not missing, and their counts.

    Returns
    -------
    bool
        True if the cells have many words, nearly every row has its own, and some words are shared by rows.
    """
    if not cells:
        return False
    distinct = len(cells) / sum(cells.values())
    if distinct <= SENTENCE_DISTINCT:
        return False
    some = list(islice(cells, 0, None, -(-len(cells) // EXAMINED)))
    words = [_words(cell) for cell in some]
    typical = median(map(len, words))
    titles = typical >= TITLE_WORDS and distinct > TITLE_DISTINCT
    if not (titles or typical >= SENTENCE_WORDS):
        return False
    counts = Counter(word for cell in words for word in set(cell))
    shared = sum(2 <= n <= NEARLY_ALL * len(some) for n in counts.values())
    return shared >= SHARED_WORDS


def _words(cell: str) -> list[str]:
    found = map(WORD.fullmatch, cell[:LONGEST_CELL].split())
    return [word[1].casefold() for word in found if word is not None]
