"""Files cut at every byte of their last records, files with flipped bits, and a disk that is full.

A cut file must say so, and its repair must save every trial that is whole; a flipped bit must change nothing or give
a typed error; a run without space must keep every acknowledged result, and continue later.
"""

from __future__ import annotations

import random
import resource
import signal
from pathlib import Path
from typing import Any

from common import SPACE, cost, main

import hpcore as hp
from hpcore.errors import HpcoreError, InvalidArgument, StorageError
from hpcore.ledger.repair import find_damage, repair

TRIALS = 40


def test(directory: Path, flips: int, cuts: int, full: int) -> dict[str, Any]:
    path = directory / "runs.db"
    study = hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0).run(cost, n_trials=TRIALS)
    study._trial_log.storage.close()
    whole = _read(path)
    wrong, detected = _flip(directory, path.read_bytes(), whole, flips)
    bad_cuts, n_cuts = _cut(directory, path.read_bytes(), whole, cuts)
    lost = sum(_fill_up(directory / f"full{i}.db", i) for i in range(full))
    return {
        "ok": not wrong and not bad_cuts and not lost,
        "silently_wrong": wrong,
        "flips_detected": detected,
        "cuts_tried": n_cuts,
        "cuts_not_recovered": bad_cuts,
        "runs_on_a_full_disk_that_lost": lost,
    }


def _read(path: Path) -> list[tuple[Any, ...]]:
    study = hp.load_study(path, "a")
    try:
        return [(repr(t.params), repr(t.values), t.started, t.finished, str(t.state)) for t in study.trials]
    finally:
        study._trial_log.storage.close()


def _flip(directory: Path, data: bytes, whole: list[Any], flips: int) -> tuple[int, int]:
    rng = random.Random(0)
    path = directory / "flipped.db"
    wrong = detected = 0
    for _ in range(flips):
        bit = rng.randrange(8 * len(data))
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            wrong += _read(path) != whole
        except (StorageError, InvalidArgument):
            detected += 1
    return wrong, detected


def _cut(directory: Path, data: bytes, whole: list[Any], cuts: int) -> tuple[int, int]:
    # The file's last three pages hold its last records.
    first = max(len(data) - 3 * 4096, 512)
    places = range(first, len(data))
    step = max(1, len(places) // cuts) if cuts else 1
    path, fixed = directory / "cut.db", directory / "fixed.db"
    bad = n = 0
    for cut in places[::step]:
        n += 1
        path.write_bytes(data[:cut])
        try:
            _read(path)
            bad += 1  # a cut that was not detected
            continue
        except StorageError:
            pass
        missing = set(find_damage(path).lost.get("a", range(TRIALS)))
        try:
            repair(path, fixed)
            kept = _read(fixed)
            bad += any(kept[i] != whole[i] for i in range(TRIALS) if i not in missing)
        except HpcoreError as error:
            bad += "none was found" not in str(error)
        fixed.unlink(missing_ok=True)
    return bad, n


def _fill_up(path: Path, i: int) -> int:
    """Run with a limit on the file size as a full disk; return 1 if an acknowledged result is missing."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    acknowledged = {}

    def objective(trial: hp.Trial) -> float:
        if trial.number == 5 + i:
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 4096 * (i % 3), before[1]))
        return cost(trial)

    def note(study: hp.Study, trial: hp.Trial) -> None:
        acknowledged[trial.number] = trial.value

    study = hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0)
    refused = False
    try:
        study.run(objective, n_trials=500, callbacks=[note])
    except StorageError:
        refused = True
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    study.run(cost, n_trials=3, callbacks=[note])
    study._trial_log.storage.close()
    trials = list(hp.load_study(path).trials)
    fine = all(trials[number].value == value for number, value in acknowledged.items())
    fine = fine and all(t.state == "complete" and t.value == cost(t) for t in trials)
    return int(not (fine and refused))


if __name__ == "__main__":
    main("damage", {"flips": 10_000, "cuts": 0, "full": 20}, test)
