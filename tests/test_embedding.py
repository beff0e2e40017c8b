"""Header and library of the C interface, as they are installed."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hpcore as hp
from hpcore import _core, embedding

ROOT = Path(__file__).parents[1]
IN_THE_SOURCE = Path(_core.__file__).parent == ROOT / "hpcore"
installed = pytest.mark.skipif(IN_THE_SOURCE, reason="the core was copied into the source tree")
PROGRAM = """
#include <hpcore.h>
#include <stdio.h>
int main(void) {
    printf("%s %d", hpcore_version(), hpcore_abi_version() == HPCORE_ABI_VERSION);
    return 0;
}
"""


def test_what_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedding, "_INSTALLED", tmp_path)
    for find, name in ((hp.get_include, "hpcore.h"), (hp.get_library, "hpcore")):
        with pytest.raises(FileNotFoundError, match=name):
            find()


def test_the_names_of_all_systems(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedding, "_INSTALLED", tmp_path)
    (tmp_path / "lib").mkdir()
    for system, name in (("linux", "libhpcore.so"), ("darwin", "libhpcore.dylib"), ("win32", "hpcore.dll")):
        monkeypatch.setattr(sys, "platform", system)
        (tmp_path / "lib" / name).touch()
        assert hp.get_library() == str(tmp_path / "lib" / name)


@installed
def test_the_header_is_that_of_the_source() -> None:
    assert (Path(hp.get_include()) / "hpcore.h").read_bytes() == (ROOT / "csrc/include/hpcore.h").read_bytes()


@installed
def test_the_library_is_of_this_version() -> None:
    library = ctypes.CDLL(hp.get_library())
    library.hpcore_version.restype = ctypes.c_char_p
    assert library.hpcore_version().decode() == hp.__version__


@installed
@pytest.mark.skipif(sys.platform == "win32" or shutil.which("cc") is None, reason="needs a C compiler")
def test_a_program_in_c(tmp_path: Path) -> None:
    (tmp_path / "program.c").write_text(PROGRAM)
    folder = str(Path(hp.get_library()).parent)
    subprocess.run(
        ["cc", "program.c", "-I", hp.get_include(), "-L", folder, "-lhpcore", f"-Wl,-rpath,{folder}", "-o", "program"],
        cwd=tmp_path,
        check=True,
    )
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{hp.__version__} 1"
