"""A private PostgreSQL server: on loopback, in a temporary directory, as an unprivileged user."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

__all__ = ["PostgresServer", "binaries"]


def binaries() -> Path | None:
    """Find the directory of initdb and pg_ctl, from Debian's packages or the PATH; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return None if initdb is None else Path(initdb).resolve().parent


class PostgresServer:
    """Context in which the server runs; it leaves no files.

    Attributes
    ----------
    url : str
        Address for ``storage=``.
    """

    def __init__(self) -> None:
        found = binaries()
        if found is None:
            raise RuntimeError("no PostgreSQL server: apt-get install postgresql")
        self._bin = found
        self._root = Path(tempfile.mkdtemp(prefix="hpcore-pg-"))
        # The server refuses to run as root; any other user is unprivileged enough.
        self._user: str | None = None
        if os.getuid() == 0:
            self._user = next(name for name in ("postgres", "nobody") if _exists(name))
            shutil.chown(self._root, self._user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"postgresql://hpcore@127.0.0.1:{self._port}/postgres"

    def __enter__(self) -> PostgresServer:
        self._call("initdb", "-D", str(self._root / "data"), "-U", "hpcore", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop("immediate")
        shutil.rmtree(self._root, ignore_errors=True)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -p {self._port} -c unix_socket_directories={self._root}"
        log = str(self._root / "log")
        self._call("pg_ctl", "-D", str(self._root / "data"), "-o", options, "-l", log, "-w", "-t", "60", "start")

    def stop(self, how: str = "fast") -> None:
        """Stop the server: ``"fast"`` ends connections, ``"immediate"`` is a crash."""
        self._call("pg_ctl", "-D", str(self._root / "data"), "-m", how, "-w", "stop", check=False)

    def _call(self, program: str, *arguments: str, check: bool = True) -> None:
        subprocess.run(
            [str(self._bin / program), *arguments],
            check=check,
            user=self._user,
            cwd=self._root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
        )


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
