"""Durable studies: SQLite in a file, PostgreSQL, or memory; plain data only, one synced commit a result."""

from hpcore.storage.opening import open_storage
from hpcore.storage.sql import Storage

__all__ = ["Storage", "open_storage"]
