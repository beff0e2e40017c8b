"""The command line: ``hpcore tune`` and the commands for stored studies."""

from hpcore.cli.app import main

__all__ = ["main"]
