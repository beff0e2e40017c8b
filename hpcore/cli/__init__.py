"""The command line: ``hpcore tune DATA``."""

from hpcore.cli.app import main

__all__ = ["main"]
