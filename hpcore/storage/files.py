"""Files of SQLite's: made, found again after a move, and refused where they may only be read."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from hpcore.errors import InvalidArgument, StorageError

__all__ = ["complete_moved", "identity", "is_writable", "prepare_file", "refusal"]


def prepare_file(path: Path, create: bool, read_only: bool) -> None:
    """See that a database may be at a path, and make an empty file, as the umask says, if there is none.

    Raises
    ------
    InvalidArgument
        A directory, or no such file where none may be made.
    StorageError
        The place cannot be written.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not create:
            raise InvalidArgument(f"storage must be an existing store, and there is no file {str(path)!r}") from None
        _create(path)
        return
    except OSError as error:
        raise StorageError(f"storage {str(path)!r} cannot be opened: {error.strerror}") from error
    if stat.S_ISDIR(mode):
        raise InvalidArgument(f"storage must be a file, and {str(path)!r} is a directory; name a file in it")
    if not stat.S_ISREG(mode):
        raise InvalidArgument(f"storage must be a regular file, and {str(path)!r} is not")
    if not read_only and not is_writable(path):
        raise StorageError(refusal(path))
    if not read_only and not is_writable(path.parent):
        raise StorageError(refusal(path, "its directory may not be written, where SQLite keeps its log"))


def refusal(path: Path, reason: str = "it may not be written") -> str:
    """Message about a file that may only be read, with what can be done."""
    return (
        f"storage {str(path)!r} is read-only: {reason}. Make it writable or copy it elsewhere to go on with it; to "
        "read it, give hpcore.storage.open_storage(FILE, read_only=True) to load_study, or use 'hpcore show' and "
        "'hpcore export'"
    )


def identity(path: Path) -> tuple[int, int] | None:
    """Read device and inode of the file at a path; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"storage {str(path)!r} cannot be reached: {error.strerror}") from error
    return found.st_dev, found.st_ino


def _create(path: Path) -> None:
    try:
        # With the permissions of any new file: those who share a folder with others set the umask so. SQLite gives its
        # journal files the same mode. Never opened if it exists: closing a second descriptor of a database would drop
        # the locks that this process holds on it.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
    except FileExistsError:
        pass  # another process was quicker
    except OSError as error:
        raise StorageError(
            f"storage {str(path)!r} cannot be made: {error.strerror}; its directory must exist and be writable"
        ) from error


def complete_moved(connection: Any, file: tuple[int, int] | None) -> None:
    """Bring the log into a database that was moved while it was open: the log stayed behind under the old name.

    Parameters
    ----------
    connection : sqlite3.Connection
        Opened before.
    file : tuple of int, optional
        Device and inode of the database.
    """
    # A log that is emptied cannot be mixed up with what is later done to the file under its new name. Of a file that is
    # removed (or was copied and removed) the log is all that is left, and stays.
    emptied = "TRUNCATE" if file is not None and _is_linked(file) else "PASSIVE"
    connection.execute(f"PRAGMA wal_checkpoint({emptied})")


def _is_linked(file: tuple[int, int]) -> bool:
    """Tell whether a file that this process has open still has a name; False where that cannot be known."""
    try:
        descriptors = list(Path("/proc/self/fd").iterdir())
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            # Not opened: to close it again would drop the locks of this process.
            found = descriptor.stat()
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == file:
            return found.st_nlink > 0
    return False


def is_writable(path: Path) -> bool:
    """Tell whether a file or directory may be written."""
    # Asked of the mode as well, which the superuser's access does not show.
    return bool(path.stat().st_mode & 0o222) and os.access(path, os.W_OK)
