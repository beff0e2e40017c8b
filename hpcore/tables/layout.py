"""Layout of a text file: its encoding, the lines above the header, the separator of the columns."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from hpcore.errors import InvalidArgument

__all__ = ["Layout", "detect_layout", "open_text"]

HEAD_BYTES = 65536
ROWS_LOOKED_AT = 200
SEPARATORS = ",;\t|"
# Number of rows in which lines above the header are searched for.
MOST_TITLES = 50
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Cells with such a beginning lose information as numbers: 00123 its zeros, +491234567 its sign.
CODES = re.compile(r"(?:^|[,;\t|\"\s])(?:0\d{2,}|\+\d{7,})", re.MULTILINE)
SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


@dataclass
class Layout:
    """Layout of one text file.

    Attributes
    ----------
    encoding, errors : str
        Arguments of `open`: the encoding, and the handling of bytes that do not decode.
    skipped : int
        Number of physical lines before the header.
    separator : str
        Character between two columns.
    names : list of str
        Cells of the header.
    codes : bool
        True if a cell may begin with zeros, or be a plus sign with many digits.
    comments : bool
        True if lines before the header begin with ``#``.
    notices : list of str
        Messages for the user.
    """

    encoding: str
    skipped: int
    separator: str
    names: list[str]
    codes: bool
    comments: bool
    notices: list[str] = field(default_factory=list)
    errors: str = "strict"


def open_text(path: Path, packed: bool, encoding: str, errors: str, skipped: int = 0) -> IO[str]:
    """Open a file as text, after the first `skipped` lines."""
    stream: Any = (gzip.open if packed else open)(path, "rt", encoding=encoding, errors=errors, newline="")
    for _ in range(skipped):
        stream.readline()
    return stream  # type: ignore[no-any-return]


def detect_layout(path: Path, packed: bool, encoding: str | None, tabs: bool) -> Layout:
    """Find the layout of a file.

    Parameters
    ----------
    path : Path
        File that exists.
    packed : bool
        True if the file is compressed by gzip.
    encoding : str, optional
        Encoding of the file. By default the one of its byte order mark, else UTF-8 if the file decodes, else
        Windows-1252 or Latin-1.
    tabs : bool
        True if tabs separate the columns of a file that has some.

    Raises
    ------
    InvalidArgument
        The file is not text in this encoding, or has no header.
    """
    notices: list[str] = []
    errors = "strict"
    try:
        with (gzip.open if packed else open)(path, "rb") as stream:
            start = stream.read(HEAD_BYTES)
            used = _encoding(path, start, encoding)
            codes = _decodes(stream, used)
            if codes is None and encoding is None and used.startswith("utf-8"):
                bad = _bad_bytes(stream)
                if bad:
                    errors = "replace"
                    several = f"{bad} bytes that are" if bad > 1 else "1 byte that is"
                    notices.append(f"{path.name!r} holds {several} not UTF-8, each read as '\ufffd'")
                else:
                    used = "cp1252" if _decodes(stream, "cp1252") is not None else "latin-1"
                    notices.append(f"{path.name!r} is not UTF-8: read as {used} (--encoding overrides)")
                codes = _decodes(stream, used, errors)
    except (gzip.BadGzipFile, EOFError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InvalidArgument(f"DATA {path.name!r} is not a gzip file: {reason}") from error
    if codes is None:
        hint = "" if encoding is None else "; without --encoding it is detected"
        raise InvalidArgument(
            f"DATA {path.name!r} cannot be read as a table: it is not encoded in {used.upper()}{hint}"
        )
    with open_text(path, packed, used, errors) as lines:
        head = _lines(lines.read(HEAD_BYTES))
    skipped, separator, comments = _above(head)
    if skipped == len(head):
        raise InvalidArgument(f"DATA must hold a table, but {path.name!r} holds only empty lines")
    rest = head[skipped:]
    if separator is None:
        separator = _separator(rest, tabs)
    titles = _titles(rest, separator)
    shown = [line.strip().strip(SEPARATORS) for line in rest[:titles] if line.strip()]
    if shown:
        lines_are = "line above the header is" if len(shown) == 1 else "lines above the header are"
        notices.append(f"{len(shown)} {lines_are} left out: {shown[0][:60]!r}" + (" ..." if len(shown) > 1 else ""))
    skipped += titles
    names = [cell.strip() for cell in next(_rows(rest[titles:], separator), (0, []))[1]]
    return Layout(used, skipped, separator, names, codes, comments, notices, errors)


def _encoding(path: Path, start: bytes, encoding: str | None) -> str:
    if encoding is not None:
        try:
            name = codecs.lookup(encoding).name
            "".encode(name)
        except (LookupError, ValueError):
            raise InvalidArgument(
                f"--encoding must be one that Python knows, such as utf-8, cp1252, latin-1, utf-16 or shift_jis, "
                f"got {encoding!r}"
            ) from None
        marked = next((known for bom, known in BOMS if start.startswith(bom)), name)
        return marked if marked.startswith(name) else name
    for bom, name in BOMS:
        if start.startswith(bom):
            return name
    if b"\0" not in start:
        return "utf-8"
    # ASCII text in UTF-16 has a zero in every other byte.
    pairs = len(start) // 2
    even, odd = start[0 : 2 * pairs : 2].count(0), start[1 : 2 * pairs : 2].count(0)
    if odd > 0.2 * pairs and even < 0.05 * odd:
        return "utf-16-le"
    if even > 0.2 * pairs and odd < 0.05 * even:
        return "utf-16-be"
    raise InvalidArgument(f"DATA must be text where the name ends in .csv, .tsv or .txt, but {path.name!r} is binary")


def _bad_bytes(stream: Any) -> int:
    """Count the bytes that are not UTF-8, if they are few compared with the valid characters beyond ASCII; else 0."""
    stream.seek(0)
    bad = good = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while chunk := stream.read(1 << 20):
        text = decoder.decode(chunk)
        wrong = text.count("\ufffd")
        bad += wrong
        good += 0 if text.isascii() else sum(not char.isascii() for char in text) - wrong
    return bad if good > 9 * bad else 0


def _decodes(stream: Any, encoding: str, errors: str = "strict") -> bool | None:
    """Tell whether a file holds codes; None if it does not decode."""
    found, tail = False, ""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    try:
        while chunk := stream.read(1 << 20):
            text = tail + decoder.decode(chunk)
            found = found or CODES.search(text) is not None
            tail = text[-20:]
        decoder.decode(b"", final=True)
    except UnicodeError:
        return None
    return found


def _lines(text: str) -> list[str]:
    """Split text into physical lines, as `readline` does, without the last line if the text may end inside it."""
    lines = list(io.StringIO(text, newline=""))
    return lines[:-1] if len(lines) > 1 and len(text) >= HEAD_BYTES else lines


def _above(head: list[str]) -> tuple[int, str | None, bool]:
    """Count the lines above titles and header; also return the separator of a ``sep=`` line, and True for comments."""
    separator, comments, i = None, False, 0
    while i < len(head):
        line = head[i].strip("\r\n\ufeff ")
        named = SEP_LINE.fullmatch(line)
        if named and i == 0:
            separator = named[1]
        elif line.startswith("#") and not _heads(head, i):
            comments = True
        elif line:
            break
        i += 1
    return i, separator, comments


def _heads(head: list[str], i: int) -> bool:
    """Tell whether a line that begins with # is the header: as many cells as the row below, which has a number."""
    below = next((line for line in head[i + 1 :] if line.strip()), "")
    if below.startswith("#"):
        return False
    for separator in SEPARATORS:
        cells, row = _cells(head[i], separator), _cells(below, separator)
        if len(cells) > 1 and len(cells) == len(row):
            return any(map(_is_number, row)) and not any(map(_is_number, cells))
    return False


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)\s*", text) is not None


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])


def _rows(lines: list[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of physical lines before it."""
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    before = 0
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield before, row
            before = reader.line_num
    except csv.Error:
        return  # such as a field beyond the limit; the rows so far are used


def _most(widths: list[int]) -> int:
    """Return the most frequent width, the largest one in a tie."""
    counts = Counter(widths)
    return max(counts, key=lambda width: (counts[width], width), default=0)


def _separator(lines: list[str], tabs: bool) -> str:
    """Find the separator that splits most rows into the same number of cells, starting as early as possible."""
    best, best_score = ",", (-1.0, 0, 0)
    for separator in "\t" if tabs and any("\t" in line for line in lines) else SEPARATORS:
        full, most = _full_widths(lines, separator)
        if most < 2:
            continue
        start = next(i for i, width in enumerate(full) if width == most)
        fit = full[start:].count(most) / len(full[start:])
        score = (round(fit, 1), -start, most)
        if score > best_score:
            best, best_score = separator, score
    return best


def _full_widths(lines: list[str], separator: str) -> tuple[list[int], int]:
    widths = [len(row) for _, row in islice(_rows(lines, separator), ROWS_LOOKED_AT)]
    return widths, _most(widths)


def _titles(lines: list[str], separator: str) -> int:
    """Count the title lines above the header: they fill at most half of the columns, and a fuller row follows."""
    rows = list(islice(_rows(lines, separator), ROWS_LOOKED_AT))
    most = _most([_filled(row) for _, row in rows])
    if most < 2:
        return 0
    for i, (before, row) in enumerate(rows[:MOST_TITLES]):
        cells = sum(bool(cell.strip()) for cell in row)
        # Too short for the rows below. A padded row counts only below a title, since a last column may have no name.
        no_header = _filled(row) < most and (len(row) < most or (i > 0 and any(map(_is_number, row))))
        if no_header and any(_names_all(below, most) for _, below in rows[i + 1 : MOST_TITLES]):
            continue
        if _filled(row) > max(1, most // 2) and (cells > 1 or most == 2):
            return before
        # A short row padded to the width of the table may be a header with few names.
        if (
            len(row) >= most
            and cells > 1
            and not any(_names_all(below, most) for _, below in rows[i + 1 : MOST_TITLES])
        ):
            return before
    return 0


def _filled(row: list[str]) -> int:
    """Return the width of a row without the empty cells at its end."""
    return max((i + 1 for i, cell in enumerate(row) if cell.strip()), default=1)


def _names_all(row: list[str], width: int) -> bool:
    """Tell whether a row could be the header of `width` columns: a different name for each, and no number."""
    names = [cell.strip() for cell in row if cell.strip()]
    return len(names) >= width and len(set(names)) == len(names) and not any(map(_is_number, names))
