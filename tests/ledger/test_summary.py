"""Contents of a stored study as plain data, without its program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import hpcore as hp
from hpcore.cli.app import main
from hpcore.ledger.summary import WAITING, read_contents
from hpcore.ledger.writing import ended
from hpcore.records.history import PAUSED, PRUNED
from hpcore.records.outcome import Outcome
from hpcore.storage import open_storage
from tests.storage.versions import stores

SPACE = {"x": hp.Float(0, 1)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make a store with a trial in every state."""
    path = tmp_path / "runs.db"
    study = hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0)
    trials = [study.ask() for _ in range(6)]
    study.tell(trials[0], 0.5)
    study.tell(trials[1], error="broke")
    study.tell(trials[2], 2.0)
    study.user_attrs["who"] = ["me"]
    study.note = "text"
    log = study._trial_log

    def work(transaction) -> None:
        for trial, outcome in ((trials[3], Outcome((0.25,), PRUNED)), (trials[4], Outcome(None, PAUSED, cost=2.0))):
            record = transaction.trial(log.record.id, trial.number)
            transaction.finish(ended(record, trial, outcome))
        record = transaction.trial(log.record.id, 5)
        transaction.replace(ended(record, trials[5], Outcome(None, 0)), record.token)

    log.storage.write(work)
    log.storage.close()
    return path


def test_states_are_shown_as_they_are(path: Path) -> None:
    contents = read_contents(open_storage(path, read_only=True), None)
    assert [trial.state for trial in contents.trials] == ["complete", "failed", "complete", "pruned", "paused", WAITING]
    assert contents.states["complete"] == 2 and sum(contents.states.values()) == 6
    assert [trial.values for trial in contents.trials] == [[0.5], None, [2.0], [0.25], None, None]
    # The estimate of a pruned trial is never best.
    assert [trial.number for trial in contents.best(5)] == [0, 2]
    assert (contents.note, contents.attributes, contents.names) == ("text", {"who": ["me"]}, ["x"])


def test_the_table_is_that_of_the_data_frame(path: Path) -> None:
    contents = read_contents(open_storage(path, read_only=True), "a")
    study = hp.load_study(path, "a")
    frame = study.to_frame()
    columns = contents.columns()
    assert list(frame) == list(columns)
    for name in ("number", "param_x", "seconds", "value"):
        assert frame[name].tolist() == pytest.approx(
            [float("nan") if v is None else v for v in columns[name]], nan_ok=True
        )
    assert columns["state"][:5] == frame["state"].tolist()[:5] == ["complete", "failed", "complete", "pruned", "paused"]


def test_show_and_export(path: Path) -> None:
    shown = json.loads(CliRunner().invoke(main, ["show", str(path), "--json"]).stdout)
    assert shown["trials"] == {"complete": 2, "failed": 1, "pruned": 1, "paused": 1, "waiting": 1}
    assert [trial["number"] for trial in shown["best"]] == [0]
    exported = json.loads(CliRunner().invoke(main, ["export", str(path), "a", "--json"]).stdout)
    assert [trial["state"] for trial in exported["trials"]][3:] == ["pruned", "paused", "waiting"]
    assert "pruned" in CliRunner().invoke(main, ["export", str(path)]).stdout


def test_a_store_of_version_1_is_shown_and_not_changed(tmp_path: Path) -> None:
    path = stores.write_sqlite(tmp_path / "runs.db")
    before = path.read_bytes()
    contents = read_contents(open_storage(path, read_only=True), "a")
    assert [trial.state for trial in contents.trials] == ["complete"] * 2 + ["failed"] + ["complete"] * 2 + [WAITING]
    assert contents.trials[1].user_attrs == {"a": [1]} and contents.attributes == {"who": "me"}
    assert CliRunner().invoke(main, ["show", str(path), "c"]).exit_code == 0
    assert [summary.name for summary in hp.list_studies(path)] == ["a", "b", "c"]
    assert path.read_bytes() == before
