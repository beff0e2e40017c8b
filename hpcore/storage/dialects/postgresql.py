"""PostgreSQL: a database of a server that several machines share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hpcore.errors import DamagedStore, HpcoreError, InvalidArgument, StorageError, require

__all__ = ["Postgresql"]

# Any number, the same in every process: the transaction that makes the tables holds this lock.
_MAKING = 0x6870636F


class Postgresql:
    """A database of PostgreSQL's.

    Parameters
    ----------
    place : str
        ``USER@HOST/DATABASE`` and the like: a URL without its scheme.

    Raises
    ------
    MissingDependency
        psycopg is not installed.
    InvalidArgument
        It is no URL.
    """

    path: Path | None = None
    private = False
    longest_nap = 1.0
    words: Mapping[str, str] = {"id": "BIGSERIAL PRIMARY KEY", "real": "DOUBLE PRECISION", "blob": "BYTEA", "end": ""}

    def __init__(self, place: str) -> None:
        psycopg = require("psycopg", "postgres", "storage on PostgreSQL")
        try:
            self._url: URL = make_url(f"postgresql+psycopg://{place}")
            self.connect()
        except (ArgumentError, ValueError) as error:
            raise InvalidArgument(
                f"storage must be like 'postgresql://USER@HOST/DATABASE': {error}".replace(place, "...")
            ) from None
        self.shown = self._url.set(drivername="postgresql").render_as_string(hide_password=True)
        self.native: type[Exception] = psycopg.Error

    def connect(self) -> Engine:
        """See `Dialect.connect`."""
        return create_engine(self._url, pool_pre_ping=True, pool_size=4, hide_parameters=True)

    def renew(self, engine: Engine) -> Engine:
        """See `Dialect.renew`."""
        engine.dispose(close=False)
        return engine

    def reading(self) -> dict[str, Any]:
        """See `Dialect.reading`."""
        return {"hpcore_reading": True, "isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    def is_passing(self, error: BaseException) -> bool:
        """See `Dialect.is_passing`."""
        if isinstance(error, PoolTimeout):
            return True
        if not isinstance(error, DBAPIError | self.native):
            return False
        # Restarting, out of connections, deadlocked or serialised: SQLSTATE classes 08, 40, 53 and 57, or none at all
        # when the server could not even be reached.
        cause = getattr(error, "orig", error)
        state = getattr(cause, "sqlstate", None)
        gone = state is None and type(cause).__name__ == "OperationalError"
        lost = getattr(error, "connection_invalidated", False)
        return lost or gone or (state or "")[:2] in ("08", "40", "53", "57")

    def translated(self, error: BaseException) -> HpcoreError:
        """See `Dialect.translated`."""
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        if "readonly" in cause or "read-only" in cause:
            return StorageError(f"storage {self.shown} is read-only ({cause})")
        if "full" in cause or "No space" in cause:
            return StorageError(
                f"storage {self.shown} has no space left ({cause}); free some, and go on with the study"
            )
        return StorageError(f"storage {self.shown} failed: {cause}")

    def version(self, connection: Connection, meta: str) -> str | None:
        """See `Dialect.version`."""
        if not connection.execute(text("SELECT to_regclass('hpcore_meta') IS NOT NULL")).scalar():
            return None
        value = connection.execute(text("SELECT value FROM hpcore_meta WHERE name = 'schema'")).scalar()
        if not isinstance(value, str):
            raise DamagedStore(f"storage {self.shown} is damaged: it does not say its version")
        return value

    def has_tables(self, connection: Connection, tables: Mapping[str, str]) -> bool:
        """See `Dialect.has_tables`; a server keeps no text of them."""
        return bool(connection.execute(text("SELECT to_regclass('hpcore_meta') IS NOT NULL")).scalar())

    def lock_tables(self, connection: Connection, names: Iterable[str]) -> None:
        """See `Dialect.lock_tables`."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MAKING})
        if listed := ", ".join(names):
            connection.execute(text(f"LOCK TABLE {listed} IN ACCESS EXCLUSIVE MODE"))

    def lock_studies(self, connection: Connection) -> None:
        """See `Dialect.lock_studies`."""
        connection.execute(text("LOCK TABLE hpcore_studies IN SHARE ROW EXCLUSIVE MODE"))

    def row_lock(self, query: Any) -> Any | None:
        """See `Dialect.row_lock`."""
        return query.with_for_update()

    def now(self, connection: Connection) -> float:
        """See `Dialect.now`."""
        return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    def last_id(self, connection: Connection, table: str) -> int:
        """See `Dialect.last_id`."""
        find = text("SELECT pg_get_serial_sequence(CAST(:name AS text), 'id')")
        sequence = connection.execute(find, {"name": table}).scalar_one()
        last, used = connection.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608
        return int(last) if used else 0

    def skip_ids(self, connection: Connection, table: str, last: int) -> None:
        """See `Dialect.skip_ids`."""
        if last:
            change = text("SELECT setval(pg_get_serial_sequence(CAST(:name AS text), 'id'), :last)")
            connection.execute(change, {"name": table, "last": last})
