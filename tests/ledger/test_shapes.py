"""Records with wrong JSON and valid checksums: every reader refuses them and names the record."""

from __future__ import annotations

import json
import math
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import hpcore as hp
from hpcore.cli.app import main
from hpcore.errors import DamagedStore
from hpcore.ledger.identity import Life, life_of
from hpcore.ledger.shapes import Notes, notes_from, objective_from, report_from, spec_from
from hpcore.storage.plain import from_text
from hpcore.storage.records import STUDY_COLUMNS, TRIAL_COLUMNS, checksum

SPACE = {"x": hp.Float(-5, 5), "c": hp.Categorical(["a", None])}
DEEP = "[" * 900 + "]" * 900


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "runs.db"
    study = hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0)
    study.run(lambda t: float(t["x"]), n_trials=4)
    study.note = "text"
    study._trial_log.storage.close()
    return path.read_bytes()


@pytest.fixture
def path(whole: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "runs.db"
    path.write_bytes(whole)
    return path


def forge(path: Path, table: str, columns: tuple[str, ...], change: dict[str, Any], where: str) -> None:
    connection = sqlite3.connect(path)
    found = connection.execute(f"SELECT * FROM {table} WHERE {where}")  # noqa: S608
    row = dict(zip([column[0] for column in found.description], found.fetchone(), strict=True))
    fields = {**{name: row[name] for name in columns}, **change}
    values = [*change.values(), checksum(tuple(fields.values()))]
    assigned = ", ".join(f"{name} = ?" for name in (*change, list(row)[-1]))
    connection.execute(f"UPDATE {table} SET {assigned} WHERE {where}", values)  # noqa: S608
    connection.commit()
    connection.close()


def spec_with(path: Path, *keys: Any, value: Any) -> str:
    connection = sqlite3.connect(path)
    spec = json.loads(connection.execute("SELECT spec FROM hpcore_studies").fetchone()[0])
    connection.close()
    node = spec
    for key in keys[:-1]:
        node = node[key]
    if value is ...:
        del node[keys[-1]]
    else:
        node[keys[-1]] = value
    return json.dumps(spec)


TRIALS = [
    {"objective": "[]"},
    {"objective": "[1, 2]"},
    {"objective": "[NaN]"},
    {"objective": "[1e999]"},
    {"objective": "[true]"},
    {"objective": '["1"]'},
    {"objective": "[1_0]"},
    {"objective": "x0.5y"},
    {"objective": "{}"},
    {"objective": DEEP},
    {"notes": '{"user_attrs": 5}'},
    {"notes": '{"user_attrs": []}'},
    {"notes": '{"reports": [[1]]}'},
    {"notes": '{"metrics": [[1, 2]]}'},
    {"notes": '{"metrics": {"ms": "2"}}'},
    {"notes": '{"gradient": {"x": null}}'},
    {"notes": '{"gradient": {"x": 1' + "0" * 400 + "}}"},
    {"notes": '{"user_attrs": {"a": ' + DEEP + "}}"},
    {"notes": '{"std_errors": 1.0}', "std_error": 1.0},
    {"notes": '{"std_errors": [1.0, "a"]}', "std_error": 1.0},
    {"notes": '{"std_errors": [1.0, -1.0]}', "std_error": 1.0},
    {"notes": '{"std_errors": [1.0, NaN]}', "std_error": 1.0},
    {"notes": '{"std_errors": [1.0]}', "std_error": 1.0},
    {"notes": '{"std_errors": [1.0, 2.0]}', "std_error": 1.0},
    {"notes": '{"std_errors": [1.0]}'},
    {"notes": "5"},
    {"params": "[]", "exact": 1},
    {"params": '{"y": 1}', "exact": 1},
    {"params": '{"c": {"choice": "0"}, "x": 1}', "exact": 1},
    {"params": '{"c": {"choice": 7}, "x": 1}', "exact": 1},
    {"params": '{"x": [1]}', "exact": 1},
    {"state": 3},
    {"state": 4},
    {"state": 6},
    {"job": 1},
    {"job": 9},
    {"cost": -1.0},
    {"exact": 2},
    {"std_error": -1.0},
    {"std_error": float("inf")},
    {"token": 2**63 - 1},
    {"deaths": -1},
]


@pytest.mark.parametrize("change", TRIALS, ids=lambda change: str(change)[:60])
def test_a_trial_is_named(change: dict[str, Any], path: Path) -> None:
    forge(path, "hpcore_trials", TRIAL_COLUMNS, change, "number = 2")
    with pytest.raises(DamagedStore, match="trial 2 of study 'a' is damaged: its"):
        hp.load_study(path)
    for arguments in (["show", str(path)], ["export", str(path)], ["export", str(path), "a", "--json"]):
        result = CliRunner().invoke(main, arguments)
        assert isinstance(result.exception, SystemExit | None), result.exception
        if set(change) != {"params", "exact"} or change["params"] == "[]":
            assert "trial 2 of study 'a' is damaged: its" in result.stderr


SPECS: list[tuple[tuple[Any, ...], Any]] = [
    (("directions",), []),
    (("directions",), "minimize"),
    (("directions",), 5),
    (("directions",), [["minimize"]]),
    (("directions",), [{}]),
    (("directions",), {"minimize": 1}),
    (("limits",), 5),
    (("limits",), {"ms": 5}),
    (("limits",), {"ms": [1]}),
    (("limits",), {"ms": [2, 1]}),
    (("limits",), {"ms": [None, None]}),
    (("limits",), {"ms": ["1", None]}),
    (("limits",), {"ms": [True, None]}),
    (("limits",), {"ms": [float("nan"), None]}),
    (("limits",), {"ms": [None, 10**400]}),
    (("seed",), -1),
    (("seed",), "0"),
    (("seed",), 2**128),
    (("seed",), True),
    (("sampler",), 5),
    (("sampler", "name"), ["random"]),
    (("sampler", "options"), []),
    (("sampler",), ...),
    (("space",), []),
    (("space", "parameters"), 5),
    (("space", "parameters"), "xy"),
    (("space", "parameters"), []),
    (("space", "parameters"), {"x": 1}),
    (("space", "parameters", 0), None),
    (("space", "parameters", 0, "name"), ["x"]),
    (("space", "parameters", 0, "name"), "c"),
    (("space", "parameters", 0, "name"), ...),
    (("space", "parameters", 0, "type"), 5),
    (("space", "parameters", 0, "when"), []),
    (("space", "parameters", 0, "when"), [{}, 5]),
    (("space", "n_constraints"), "none"),
    (("space", "n_constraints"), -1),
    (("space", "parameters", 1, "choices"), json.loads(DEEP)),
]


@pytest.mark.parametrize(("keys", "value"), SPECS, ids=lambda v: str(v)[:50])
def test_a_study_is_named(keys: tuple[Any, ...], value: Any, path: Path) -> None:
    forge(path, "hpcore_studies", STUDY_COLUMNS, {"spec": spec_with(path, *keys, value=value)}, "id = 1")
    said = "record of study 'a' is damaged"
    for use in (
        lambda: hp.load_study(path),
        lambda: hp.Study(SPACE, storage=path, name="a"),
        lambda: hp.list_studies(path),
    ):
        with pytest.raises(DamagedStore, match=said):
            use()
    for arguments in (["show", str(path)], ["show", str(path), "a"], ["export", str(path), "a"]):
        result = CliRunner().invoke(main, arguments)
        assert isinstance(result.exception, SystemExit) and said in result.stderr, result.exception


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("sampler", "name"), "tep"),
        (("sampler", "options"), {"n": 5}),
        (("sampler", "options"), ...),
        (("space", "parameters", 0, "low"), "0"),
        (("space", "parameters", 0, "low"), 9.0),
        (("space", "parameters", 0, "type"), "Integer"),
        (("space", "parameters", 0, "when"), {"z": {"equals": 1}}),
        (("space", "parameters", 0, "when"), {"c": 5}),
        (("space", "parameters", 0, "when"), [{"c": {"equals": "a"}}, {}]),
        (("space", "parameters", 1, "choices"), ["a", "a"]),
        (("space", "parameters", 1, "choices"), [{"bytes": 5}]),
        (("space", "hpcore_space"), 10**400),
    ],
    ids=lambda v: str(v)[:50],
)
def test_an_illegal_space_or_sampler_is_damage(keys: tuple[Any, ...], value: Any, path: Path) -> None:
    forge(path, "hpcore_studies", STUDY_COLUMNS, {"spec": spec_with(path, *keys, value=value)}, "id = 1")
    with pytest.raises(DamagedStore, match="of study 'a' is damaged"):
        hp.load_study(path)


@pytest.mark.parametrize("value", ["5", '{"a": 1}', "null", DEEP, "text"])
def test_a_note_that_is_no_text(value: str, path: Path) -> None:
    columns = ("study_id", "name", "value")
    forge(path, "hpcore_attributes", columns, {"value": value}, "name = 'note'")
    study = hp.load_study(path)
    with pytest.raises(DamagedStore, match="attribute 'note' of study 'a' is damaged"):
        _ = study.note
    result = CliRunner().invoke(main, ["show", str(path)])
    assert isinstance(result.exception, SystemExit) and "attribute 'note' of study 'a' is damaged" in result.stderr


def test_what_is_right_is_read() -> None:
    assert objective_from("[0.25]", 1) == (0.25,) == objective_from("[0.25]", 1)
    assert objective_from("[1, -0.5]", 2) == (1.0, -0.5)
    assert notes_from(None) == Notes()
    assert notes_from('{"user_attrs": {"a": [1]}, "metrics": {"ms": 2}}') == Notes({"a": [1]}, {"ms": 2.0})
    assert notes_from('{"gradient": {"x": -1.5}}').gradient == {"x": -1.5}
    notes = notes_from('{"until": 3, "parent": 1, "parent_job": 4, "replaces": 0, "as_of": -1}')
    assert (notes.until, notes.origin) == (3.0, {"parent": 1, "parent_job": 4, "replaces": 0, "as_of": -1})
    assert notes_from('{"until": Infinity}').until == math.inf
    assert report_from("[1, 0.5]", 2) == (1.0, 0.5) and math.isnan(report_from("[NaN]", 1)[0])
    nested = "[" * 100 + "]" * 100
    assert json.dumps(from_text(nested)) == nested and len(from_text("[" + "[], " * 500 + "[]]")) == 501
    with pytest.raises(ValueError, match="nested too deep"):
        from_text("[" * 101 + "]" * 101)
    with pytest.raises(ValueError, match="its spec has no sampler"):
        spec_from('{"space": {}, "directions": [], "seed": 0}')


@pytest.mark.parametrize(
    "text",
    [
        '{"until": NaN}',
        '{"until": "far"}',
        '{"parent": 1}',
        '{"parent": -1, "parent_job": 0}',
        '{"replaces": true}',
        '{"as_of": -2}',
        '{"as_of": 1.5}',
    ],
)
def test_notes_of_a_scheduler_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"its (until|parent|replaces|as_of)"):
        notes_from(text)


@pytest.mark.parametrize(
    "worker", ["", "|||", "h|1", "{m}|" + "9" * 5000 + "|1|x", "{m}|²|1|x", "{m}|1|?|x", "{m}|-1|1|x"]
)
def test_odd_names_of_workers(worker: str) -> None:
    from hpcore.ledger.identity import Identity

    machine = Identity().name.partition("|")[0]
    assert life_of(worker.replace("{m}", machine)) is not Life.ALIVE
