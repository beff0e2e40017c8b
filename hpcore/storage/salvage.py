"""Reading what is intact in a damaged SQLite file, page by page, without SQLite.

Of a file whose schema, inner pages or length are damaged SQLite reads nothing, or only up to the damage. Here each
page that looks like a leaf of one of our tables is read by itself, and a record counts only if its checksum fits, so
neither stray bytes nor remains of older records can pass for one. https://sqlite.org/fileformat2.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["pages_of", "records_of"]

HEADER = b"SQLite format 3\0"
# Types of b-tree pages that hold records: leaves of tables with a rowid, and all pages of tables without.
TABLE_LEAF, INDEX_LEAF, INDEX_INNER = 0x0D, 0x0A, 0x02
MAX_PAYLOAD = 64 * 2**20
WAL_HEADER, FRAME_HEADER = 32, 24


def pages_of(path: Path) -> tuple[int, dict[int, bytes]]:
    """The size of a page, and the pages by number from 1: of the file, and where there is a log, the newer ones of it.

    All that were committed: a transaction's last frame in the log says so. A page cut off by the end is left out, and
    so are those on the freelist, with remains of what was deleted.
    """
    data = path.read_bytes()
    size = _page_size(data)
    pages = {i + 1: data[i * size : (i + 1) * size] for i in range(len(data) // size)}
    log = path.with_name(path.name + "-wal")
    if log.exists():
        pages.update(_logged(log.read_bytes(), size))
    for number in _free(size, pages):
        pages.pop(number, None)
    return size, pages


def _free(size: int, pages: dict[int, bytes]) -> set[int]:
    """Pages on the freelist, as far as it can be followed: what they hold was deleted, or lives on elsewhere."""
    free: set[int] = set()
    first = pages.get(1, b"")
    trunk = int.from_bytes(first[32:36], "big") if first[:16] == HEADER else 0
    while trunk in pages and trunk != 1 and trunk not in free:
        page = pages[trunk]
        following, n = struct.unpack(">II", page[:8])
        leaves = set(struct.unpack(f">{n}I", page[8 : 8 + 4 * n])) if n <= (size - 8) // 4 else {1}
        # A page that is none of the list, reached through damage, must not take others with it. Pages of the list
        # may be missing in a file that was cut off, so they are only known not to be the first.
        if page[0] in (TABLE_LEAF, INDEX_LEAF, INDEX_INNER) or not leaves.isdisjoint({0, 1}):
            break
        free |= leaves | {trunk}
        trunk = following
    return free


def _page_size(data: bytes) -> int:
    if data[:16] == HEADER and len(data) >= 18:
        size: int = struct.unpack(">H", data[16:18])[0]
        size = 65536 if size == 1 else size
        if 512 <= size <= 65536 and size & (size - 1) == 0:
            return size
    return 4096  # what hpcore's files have


def _logged(log: bytes, size: int) -> dict[int, bytes]:
    salt = log[16:24]
    committed: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for at in range(WAL_HEADER, len(log) - FRAME_HEADER - size + 1, FRAME_HEADER + size):
        number, n_pages = struct.unpack(">II", log[at : at + 8])
        if log[at + 8 : at + 16] != salt:
            break  # from before the log was begun anew
        pending[number] = log[at + FRAME_HEADER : at + FRAME_HEADER + size]
        if n_pages:
            committed.update(pending)
            pending = {}
    return committed


def records_of(size: int, pages: dict[int, bytes]) -> Iterator[tuple[int | None, list[Any]]]:
    """Read whatever can be read as records: their rowid, if the table has one, and their values."""
    for number in sorted(pages):
        page = pages[number]
        start = 100 if number == 1 else 0
        kind = page[start]
        if kind not in (TABLE_LEAF, INDEX_LEAF, INDEX_INNER):
            continue
        n_cells = int.from_bytes(page[start + 3 : start + 5], "big")
        pointers = start + (12 if kind == INDEX_INNER else 8)
        for i in range(min(n_cells, (size - pointers) // 2)):
            at = int.from_bytes(page[pointers + 2 * i : pointers + 2 * i + 2], "big")
            try:
                yield _record(page, at, kind, size, pages)
            except (ValueError, IndexError, struct.error):
                continue


def _record(page: bytes, at: int, kind: int, size: int, pages: dict[int, bytes]) -> tuple[int | None, list[Any]]:
    if kind == INDEX_INNER:
        at += 4
    length, at = _varint(page, at)
    rowid = None
    if kind == TABLE_LEAF:
        rowid, at = _varint(page, at)
    if length > MAX_PAYLOAD:
        raise ValueError("too long")
    return rowid, _values(_payload(page, at, length, kind, size, pages), rowid)


def _payload(page: bytes, at: int, length: int, kind: int, size: int, pages: dict[int, bytes]) -> bytes:
    """The bytes of a record, with those on overflow pages."""
    most = size - 35 if kind == TABLE_LEAF else (size - 12) * 64 // 255 - 23
    if length <= most:
        return page[at : at + length]
    least = (size - 12) * 32 // 255 - 23
    local = least + (length - least) % (size - 4)
    local = local if local <= most else least
    parts, missing = [page[at : at + local]], length - local
    following = int.from_bytes(page[at + local : at + local + 4], "big")
    while missing > 0:
        if following not in pages:
            raise ValueError("an overflow page is missing")
        overflow = pages[following]
        parts.append(overflow[4 : 4 + missing])
        missing -= len(parts[-1])
        following = int.from_bytes(overflow[:4], "big")
    return b"".join(parts)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(9):
        byte = data[at + i]
        if i == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + i + 1
    raise ValueError("no end")


def _values(payload: bytes, rowid: int | None) -> list[Any]:
    header, at = _varint(payload, 0)
    kinds, here = [], at
    while here < header:
        kind, here = _varint(payload, here)
        kinds.append(kind)
    at = header
    out: list[Any] = []
    for kind in kinds:
        value, length = _value(payload, at, kind)
        out.append(value)
        at += length
    if at != len(payload):
        raise ValueError("not as long as it says")
    if rowid is not None and out and out[0] is None:
        out[0] = rowid  # a column that is the rowid is stored as NULL
    return out


def _value(payload: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind == 0:
        return None, 0
    if kind in (8, 9):
        return kind - 8, 0
    if kind <= 6:
        length = (0, 1, 2, 3, 4, 6, 8)[kind]
        return int.from_bytes(payload[at : at + length], "big", signed=True), length
    if kind == 7:
        return struct.unpack(">d", payload[at : at + 8])[0], 8
    if kind < 12:
        raise ValueError("no such type")
    length = (kind - 12) // 2
    data = payload[at : at + length]
    if len(data) != length:
        raise ValueError("cut off")
    return (data if kind % 2 == 0 else data.decode()), length
