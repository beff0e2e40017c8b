"""The differences between databases, as a store sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine

from hpcore.errors import HpcoreError

__all__ = ["Dialect"]


class Dialect(Protocol):
    """A database: its connections, its errors, its words and its locks.

    Attributes
    ----------
    path : Path or None
        The file, if it is one.
    private : bool
        True if the database is this process's memory, which nobody else sees.
    shown : str
        Name for people, without passwords.
    native : type
        Error of the driver, as raised where SQLAlchemy does not see it.
    longest_nap : float
        Seconds between two attempts, at most.
    words : mapping of str to str
        Spelling of types in the tables' text, see `hpcore.storage.schema.ddl`.
    """

    path: Path | None
    private: bool
    shown: str
    native: type[Exception]
    longest_nap: float
    words: Mapping[str, str]

    def connect(self) -> Engine:
        """Make an engine."""

    def renew(self, engine: Engine) -> Engine:
        """Make an engine of a forked child's own, whose parent had `engine`.

        Raises
        ------
        StorageError
            The database does not reach across a fork.
        """

    def reading(self) -> dict[str, Any]:
        """Options of a connection for a transaction that only reads, on one state of the database."""

    def is_passing(self, error: BaseException) -> bool:
        """Tell whether the same may succeed a moment after this error."""

    def translated(self, error: BaseException) -> HpcoreError:
        """Explain an error of the database."""

    def version(self, connection: Connection, meta: str) -> str | None:
        """Read the version that a store says it has; None if there is no store.

        Parameters
        ----------
        connection : Connection
            In a transaction.
        meta : str
            Text of the table that says it.

        Raises
        ------
        DamagedStore, UntrustedStore
            It does not say one; it holds something that hpcore never makes.
        """

    def has_tables(self, connection: Connection, tables: Mapping[str, str]) -> bool:
        """Check that the tables are those that hpcore makes, by their text; False if there are none.

        Raises
        ------
        UntrustedStore, InvalidArgument
            They are others.
        """

    def lock_tables(self, connection: Connection, names: Iterable[str]) -> None:
        """Keep others from making tables, and from the tables of these names, until the transaction ends."""

    def lock_studies(self, connection: Connection) -> None:
        """Keep others from making studies until the transaction ends."""

    def row_lock(self, query: Any) -> Any | None:
        """Give a query that locks the rows it finds until the transaction ends; None where that needs no lock."""

    def now(self, connection: Connection) -> float:
        """Read the clock of all who share the store: unix time, UTC."""

    def last_id(self, connection: Connection, table: str) -> int:
        """Read the last id that a table gave to a row; 0 if it gave none."""

    def skip_ids(self, connection: Connection, table: str, last: int) -> None:
        """Have a table give ids after `last` only."""
