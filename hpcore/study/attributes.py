"""What a user keeps with a study, by name."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.study.book import Book

__all__ = ["UserAttributes"]


class UserAttributes(MutableMapping[str, Any]):
    """The attributes of a book under a prefix of their own, beside the note; read and written at once."""

    PREFIX = "user:"
    NAME_BYTES = 500

    def __init__(self, book: Book) -> None:
        self._book = book

    def _all(self) -> dict[str, Any]:
        stored = self._book.attributes()
        mine = {name: value for name, value in stored.items() if name.startswith(self.PREFIX)}
        return {name[len(self.PREFIX) :]: value[0] for name, value in mine.items()}

    def __getitem__(self, name: str) -> Any:
        return self._all()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str):
            raise InvalidType(f"an attribute's name must be a str, got {name!r}")
        if not 1 <= len(name.encode(errors="replace")) <= self.NAME_BYTES:
            raise InvalidArgument(f"an attribute's name must have 1 to {self.NAME_BYTES} bytes, got {name[:40]!r}")
        # In a list, so that None is a value.
        self._book.set_attribute(self.PREFIX + name, [value])

    def __delitem__(self, name: str) -> None:
        self._all()[name]
        self._book.set_attribute(self.PREFIX + name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())
