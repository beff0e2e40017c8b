"""Progress and summaries in a notebook with a kernel of its own, without ipywidgets."""

from __future__ import annotations

import queue
import time
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp

nbformat: Any = pytest.importorskip("nbformat")
nbclient: Any = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

pytestmark = [pytest.mark.doors, pytest.mark.filterwarnings("ignore")]

BEGIN = f"""import sys
sys.path.insert(0, {str(Path(hp.__file__).parents[1])!r})
import time
import hpcore as hp
from hpcore.sklearn import SearchCV
from sklearn.datasets import load_iris
from sklearn.svm import SVC
"""


def test_a_saved_notebook_shows_the_last_result(tmp_path: Path) -> None:
    cells = [
        BEGIN,
        "study = hp.minimize(lambda t: t['x'], {'x': hp.Float(0, 1)}, n_trials=9, sampler='random', seed=0)",
        "study",
        "SearchCV(SVC(), {'C': [0.1, 1, 10]}, strategy='grid', cv=3, progress=None).fit(*load_iris(return_X_y=True))",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    nbclient.NotebookClient(book, kernel_name="python3", timeout=120).execute()
    nbformat.write(book, tmp_path / "saved.ipynb")
    saved = nbformat.read(tmp_path / "saved.ipynb", as_version=4)
    assert saved.cells[0].outputs == []
    (line,) = saved.cells[1].outputs
    assert line.data["text/plain"].startswith("trial 9/9: best value ")
    assert '<progress value="9" max="9">' in line.data["text/html"]
    (summary,) = saved.cells[2].outputs
    assert "best value" in summary.data["text/html"] and "9 complete" in summary.data["text/html"]
    line, search = saved.cells[3].outputs
    assert line.data["text/plain"].startswith("trial 3/3: best score ") and "9/9 folds" in line.data["text/plain"]
    assert "best score" in search.data["text/html"] and "sk-top-container" in search.data["text/html"]


def test_an_interrupted_cell_says_how_to_go_on() -> None:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    try:
        client.execute(BEGIN)
        client.execute("objective = lambda t: time.sleep(0.05) or t['x']")
        client.execute("study = hp.minimize(objective, {'x': hp.Float(0, 1)}, n_trials=4000, sampler='random')")
        until, said, interrupted = time.monotonic() + 90, "", False
        while "whose run(...) goes on" not in said:
            assert time.monotonic() < until, said
            try:
                content = client.get_iopub_msg(timeout=1)["content"]
            except queue.Empty:
                continue
            said += content.get("text", "") + content.get("data", {}).get("text/plain", "")
            if "/4000: best value 0." in said and not interrupted:
                manager.interrupt_kernel()
                interrupted = True
        assert "interrupted: " in said and "Traceback" not in said
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
