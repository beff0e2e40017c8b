"""Comparison of two invented runs of the micro benchmarks."""

import importlib
import json
import sys

import pytest

# Name, (median, quartile distance) before and after in microseconds, and the mark.
CASES = [
    ("twice", (100.0, 2.0), (200.0, 2.0), "slower"),
    ("half", (100.0, 2.0), (50.0, 2.0), "faster"),
    ("within a tenth", (100.0, 0.1), (109.0, 0.1), ""),
    ("within the spread", (100.0, 30.0), (150.0, 30.0), ""),
    ("beyond the spread", (100.0, 20.0), (150.0, 20.0), "slower"),
    ("the same", (100.0, 0.0), (100.0, 0.0), ""),
    ("a[limit: dpotrf]", (100.0, 1.0), (200.0, 1.0), "machine slower"),
]


def write(path, runs):
    stats = [{"fullname": name, "stats": {"median": m / 1e6, "iqr": q / 1e6}} for name, (m, q) in runs.items()]
    path.write_text(json.dumps({"benchmarks": stats}))
    return str(path)


def compared(monkeypatch, capsys, tmp_path, old, new):
    files = [write(tmp_path / "old.json", old), write(tmp_path / "new.json", new)]
    monkeypatch.setattr(sys, "argv", ["compare.py", *files])
    answer = importlib.import_module("compare").main()
    return answer, capsys.readouterr().out


@pytest.mark.parametrize(("name", "old", "new", "mark"), CASES, ids=[case[0] for case in CASES])
def test_marks(monkeypatch, capsys, tmp_path, name, old, new, mark):
    answer, out = compared(monkeypatch, capsys, tmp_path, {name: old}, {name: new})
    ratio = f"{new[0] / old[0]:.2f}"
    assert f"| {name} | {old[0]:.1f} | {new[0]:.1f} | {ratio} | {mark} |" in out
    assert answer == (mark == "slower")


def test_what_is_in_one_run_only_is_named(monkeypatch, capsys, tmp_path):
    answer, out = compared(monkeypatch, capsys, tmp_path, {"a": (1, 0), "b": (1, 0)}, {"a": (1, 0), "c": (9, 0)})
    assert answer == 0
    assert out.splitlines()[-3:] == ["b: only in the old run", "c: new", "0 slower"]
