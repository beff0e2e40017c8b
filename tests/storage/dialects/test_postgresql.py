"""PostgreSQL behind the dialect's protocol, without a server."""

from __future__ import annotations

import pytest

from hpcore.errors import InvalidArgument, StorageError
from hpcore.storage.dialects.postgresql import Postgresql

pytest.importorskip("psycopg")


def test_passwords_are_not_shown() -> None:
    dialect = Postgresql("me:secret@host/db")
    assert dialect.shown == "postgresql://me:***@host/db"
    with pytest.raises(InvalidArgument) as error:
        Postgresql("me:secret@host:port/db")
    assert "secret" not in str(error.value)


def test_passing_troubles() -> None:
    from psycopg import errors

    dialect = Postgresql("me@host/db")
    for passing in (errors.SerializationFailure(), errors.DeadlockDetected(), errors.AdminShutdown()):
        assert dialect.is_passing(passing)
    for lasting in (errors.UndefinedColumn(), errors.UniqueViolation(), ValueError()):
        assert not dialect.is_passing(lasting)


def test_errors_are_explained() -> None:
    dialect = Postgresql("me@host/db")
    for said, match in (
        ("read-only transaction", "is read-only"),
        ("disk full", "no space"),
        ("other", "failed: other"),
    ):
        with pytest.raises(StorageError, match=match):
            raise dialect.translated(RuntimeError(said))
