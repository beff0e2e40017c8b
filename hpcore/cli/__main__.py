"""``python -m hpcore.cli`` is the ``hpcore`` command."""

from hpcore.cli.app import main

if __name__ == "__main__":  # worker processes import this module by its name
    main(prog_name="hpcore")
