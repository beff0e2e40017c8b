"""The command and its untidy table, as for the tests of the command itself."""

from tests.cli.conftest import hpcore, one_thread, untidy

__all__ = ["hpcore", "one_thread", "untidy"]
