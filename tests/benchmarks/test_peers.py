"""Every script runs to its end and writes its tables; the timings themselves are not checked."""

import importlib
import json
import sys

import pytest

CELLS = [
    {"method": "gp", "space": "5", "n": n, "optimiser": name, "median_ms": ms, "mean_ms": 2 * ms, "limit_ms": 0.01 * n}
    for n, name, ms in [(10, "hpcore gp", 0.5), (10, "optuna gp", 100.0), (1000, "hpcore gp", 25.0)]
] + [
    {"method": "tpe", "space": "mixed", "n": 50, "optimiser": "hpcore tpe", "median_ms": 0.04, "mean_ms": 0.05,
     "limit_ms": None},
]  # fmt: skip


def run(monkeypatch, name, *arguments):
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
    importlib.import_module(name).main()


def test_table_of_latencies():
    assert importlib.import_module("tables").latency_tables(CELLS).splitlines() == [
        "| space | trials | hpcore gp, ms (mean) | optuna gp, ms | limit: dpotrf, ms |",
        "| --- | --- | --- | --- | --- |",
        "| 5 floats | 10 | 0.500 (1.00) | 100 (200x) | 0.100 |",
        "| 5 floats | 1,000 | 25 (50) | not measured | 10 |",
        "",
        "| space | trials | hpcore tpe, ms (mean) | hpcore at most, ms |",
        "| --- | --- | --- | --- |",
        "| mixed, 10 | 50 | 0.040 (0.050) |  |",
    ]


def test_figure_of_latencies(tmp_path):
    pytest.importorskip("matplotlib")
    importlib.import_module("tables").draw(CELLS, tmp_path / "latency.png")
    assert (tmp_path / "latency.png").read_bytes().startswith(b"\x89PNG")


def test_latency_of_whoever_is_installed(monkeypatch, tmp_path, capsys):
    out, page = tmp_path / "latency.json", tmp_path / "page.md"
    page.write_text("<!-- latency -->\n<!-- /latency -->\n")
    made = importlib.import_module("libraries")
    monkeypatch.setattr(made.Optuna, "needs", ("a_module_that_is_not_there",))
    ours = {method: [m for m in makers if issubclass(m, made.Hpcore) or m is made.OptunaTPE]
            for method, makers in made.LIBRARIES.items()}  # fmt: skip
    monkeypatch.setattr(made, "LIBRARIES", ours)
    run(monkeypatch, "latency", "--sizes", "12", "--spaces", "5,mixed", "--cycles", 3, "--json", out, "--readme", page)
    assert "optuna tpe: skipped, a_module_that_is_not_there not installed" in capsys.readouterr().out
    cells = json.loads(out.read_text())["cells"]
    assert [(c["method"], c["space"], c["optimiser"], c["cycles"]) for c in cells] == [
        (method, space, f"hpcore {method}", 3) for method in ("gp", "tpe") for space in ("5", "mixed")
    ]
    assert all(c["median_ms"] > 0 for c in cells)
    written = page.read_text()
    assert "| mixed, 10 | 12 |" in written

    page.write_text("<!-- latency -->\nold\n<!-- /latency -->\n")
    run(monkeypatch, "latency", "--report-only", "--json", out, "--readme", page)  # nothing is measured again
    assert page.read_text() == written


def test_sessions_of_whoever_is_installed(monkeypatch, tmp_path, capsys):
    out, page = tmp_path / "sessions.json", tmp_path / "page.md"
    page.write_text("<!-- sessions -->\n<!-- /sessions -->\n")
    sessions = importlib.import_module("sessions")
    monkeypatch.setitem(sessions.RUNS, "hpcore gp", (("a_module_that_is_not_there",), None))
    run(monkeypatch, "sessions", "--only", "hpcore", "--trials", 15, "--repeats", 1, "--json", out, "--readme", page)
    assert "hpcore gp: skipped, a_module_that_is_not_there not installed" in capsys.readouterr().out
    rows = json.loads(out.read_text())["rows"]
    assert [row["run"] for row in rows] == ["hpcore random", "hpcore tpe", "hpcore tpe, SQLite"]
    written = page.read_text()
    assert "| run of 15 trials |" in written
    run(monkeypatch, "sessions", "--report-only", "--json", out, "--readme", page)
    assert page.read_text() == written


def test_ratios_of_sessions_are_to_the_same_kind():
    rows = [{"run": name, "trials": 10, "seconds": [s, s, 9.0], "best": [0.5]}
            for name, s in [("hpcore tpe", 0.1), ("hpcore tpe, SQLite", 0.5), ("optuna tpe, SQLite", 5.0)]]  # fmt: skip
    table = importlib.import_module("sessions").session_table(rows)
    assert "| optuna tpe, SQLite | 5.000 | 500.00 | 0.5 | 10 |" in table
    assert "| hpcore tpe | 0.100 | 10.00 | 0.5 |  |" in table


@pytest.mark.parametrize("page", ["", "<!-- a -->\n", "<!-- /a -->\n<!-- a -->\n", "<!-- a -->\n<!-- /a -->" * 2])
def test_a_page_without_its_marks_is_refused(tmp_path, page):
    path = tmp_path / "page.md"
    path.write_text(page)
    with pytest.raises(ValueError, match=r"once each"):
        importlib.import_module("publish").replace_section(path, "a", "text")
    assert path.read_text() == page
