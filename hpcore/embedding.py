"""Paths of what programs in other languages need: the header and the shared library of the C interface."""

from __future__ import annotations

import sys
from pathlib import Path

from hpcore import _core

# Beside the core, which the build installs; in an editable installation the Python files are elsewhere.
_INSTALLED = Path(_core.__file__).parent


def get_include() -> str:
    """Find the folder of ``hpcore.h``, for a compiler's ``-I``.

    Raises
    ------
    FileNotFoundError
        If the core was not installed by pip but copied into a source tree.
    """
    return str(_existing(_INSTALLED / "include" / "hpcore.h").parent)


def get_library() -> str:
    """Find the shared library of the C interface: ``ctypes.CDLL(hpcore.get_library())``.

    A linker needs its folder and name, ``-L`` and ``-lhpcore``, on Windows that of ``hpcore.lib`` beside it.

    Raises
    ------
    FileNotFoundError
        If the core was not installed by pip but copied into a source tree.
    """
    name = {"win32": "hpcore.dll", "darwin": "libhpcore.dylib"}.get(sys.platform, "libhpcore.so")
    return str(_existing(_INSTALLED / "lib" / name))


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: install hpcore with 'pip install .' or 'pip install -e .'")
    return path
