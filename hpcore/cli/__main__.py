"""Entry point of ``python -m hpcore.cli``, the same as the ``hpcore`` command."""

from hpcore.cli.app import main

if __name__ == "__main__":  # worker processes import this module under another name
    main(prog_name="hpcore")
