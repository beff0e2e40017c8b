"""`import hpcore` if Python finds the source tree, without a compiled core, before the installed package."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hpcore
import hpcore._core

SITE = Path(np.__file__).parents[1]
CODE = """
import sys
sys.path += {paths!r}
import hpcore, hpcore._core, hpcore.errors
from hpcore.space import Float
opt = hpcore.Optimizer({{"x": Float(-1, 1)}}, "tpe", seed=0)
opt.tell(opt.ask(), 1.0)
print(hpcore.__version__, hpcore._core.__file__, hpcore.errors.__file__, hpcore.__path__, sep="\\n")
"""


def start(cwd: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Import hpcore in a folder, with `paths` after it on the path and without finders of editable installs."""
    code = CODE.format(paths=[str(path) for path in paths])
    return subprocess.run([sys.executable, "-S", "-c", code], cwd=cwd, capture_output=True, text=True, env={})


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("clone", "site"):
        shutil.copytree(
            Path(hpcore.__file__).parent, tmp_path / name / "hpcore", ignore=shutil.ignore_patterns("*.so", "*.pyd")
        )
    core = Path(hpcore._core.__file__)
    shutil.copy(core, tmp_path / "site" / "hpcore" / core.name)
    return tmp_path / "clone"


def test_the_installed_package_is_used_as_a_whole(clone: Path) -> None:
    site = clone.parent / "site"
    done = start(clone, clone.parent / "no_such_folder", site, SITE)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    version, core, errors, path = done.stdout.splitlines()
    assert version == hpcore.__version__ and path == str([str(site / "hpcore")])
    assert Path(core).parent == Path(errors).parent == site / "hpcore"


def test_source_that_differs_from_the_installed_package_is_named(clone: Path) -> None:
    with (clone / "hpcore" / "errors.py").open("a") as file:
        file.write("# changed\n")
    done = start(clone, clone.parent / "site", SITE)
    assert done.returncode == 0 and "errors.py" in done.stderr and "install it again" in done.stderr


def test_without_an_installed_package_the_error_says_how_to_install_it(clone: Path) -> None:
    for core in (clone.parent / "site" / "hpcore").glob("_core*.*"):
        if core.is_file():
            core.unlink()
    done = start(clone, clone.parent / "site")  # it ends before it needs more, and hpcore may be installed beside NumPy
    assert done.returncode != 0 and "pip install" in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("ImportError")


def test_a_core_that_cannot_be_loaded_is_no_reason_to_look_elsewhere(clone: Path) -> None:
    core = Path(hpcore._core.__file__)
    (clone / "hpcore" / core.name).write_bytes(b"no library")
    done = start(clone, clone.parent / "site", SITE)
    assert done.returncode != 0 and core.name in done.stderr and "pip install" not in done.stderr
