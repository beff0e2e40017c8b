"""Open a study of 100,000 trials and ask once with TPE. The figure is a time; the exit code is 0 if the test ran."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from common import SPACE, main

import hpcore as hp
from hpcore.ledger.spaces import params_to_text
from hpcore.records.history import COMPLETE
from hpcore.storage import open_storage
from hpcore.storage.records import TrialRecord


def test(directory: Path, trials: int) -> dict[str, Any]:
    path = directory / "runs.db"
    study = hp.Study(SPACE, storage=path, name="a", sampler="tpe", seed=0)
    _fill(study, trials)
    study._trial_log.storage.close()
    begin, processor = time.perf_counter(), time.process_time()
    opened = hp.load_study(path)
    middle = time.perf_counter()
    trial = opened.ask()
    end, processor = time.perf_counter(), time.process_time() - processor
    again = time.perf_counter()
    opened.tell(trial, 1.0)
    opened.ask()
    last = time.perf_counter()
    return {
        "ok": trial.number == trials and len(opened.trials) == trials + 2,
        "open_s": round(middle - begin, 3),
        "ask_s": round(end - middle, 3),
        "open_and_ask_s": round(end - begin, 3),
        "open_and_ask_processor_s": round(processor, 3),
        "next_tell_and_ask_s": round(last - again, 4),
        "megabytes": round(path.stat().st_size / 1e6, 1),
    }


def _fill(study: hp.Study, n: int) -> None:
    """Store trials like a run would, in few commits."""
    from dataclasses import replace

    trial_log = study._trial_log
    rng = np.random.default_rng(0)

    def some(first: int, last: int) -> Any:
        def work(transaction: Any) -> None:
            record = transaction.current(trial_log.record.id, lock=True)
            for number in range(first, last):
                u = rng.random(len(study.space))
                study.space.columns.codec.settle(u)
                params = study.space.decode(u)
                value = float((params["x"] - 1) ** 2 + params["k"])
                text = params_to_text(study.space, params)
                trial = TrialRecord(
                    record.id, number, number, COMPLETE, 0, u.tobytes(), text, f"[{value!r}]",
                    None, None, 1.79e9 + number, 1.79e9 + number + 0.5, None, None, 1,
                )  # fmt: skip
                transaction.insert(trial)
            transaction.change(replace(record, n_trials=last, n_jobs=last, mode="lag 1"))

        return work

    for first in range(0, n, 10_000):
        open_storage(trial_log.storage).write(some(first, min(n, first + 10_000)))


if __name__ == "__main__":
    main("open_large", {"trials": 100_000}, test)
