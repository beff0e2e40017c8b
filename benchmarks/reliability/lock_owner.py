"""Extra waiting time of the next worker if the owner of the store's lock is killed, compared with a normal release."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from common import SPACE, cost, main

import hpcore as hp
import hpcore.ledger.studies  # loaded before the forks


def test(directory: Path, kills: int) -> dict[str, Any]:
    path = directory / "runs.db"
    hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0)
    let_go = sorted(_wait(path, False) for _ in range(kills))
    killed = sorted(_wait(path, True) for _ in range(kills))
    trials = list(hp.load_study(path, "a").trials)
    fine = len(trials) == 2 * kills and all(t.value == cost(t) for t in trials)
    # The slowest against the slowest, and so on: other load on the machine delays both kinds alike.
    more = max(a - b for a, b in zip(killed, let_go, strict=True))
    return {
        "ok": fine and more <= 0.1,
        "waits_longer_by_at_most_s": round(more, 4),
        "let_go_median_s": round(let_go[len(let_go) // 2], 4),
        "killed_median_s": round(killed[len(killed) // 2], 4),
        "killed_max_s": round(killed[-1], 4),
        "let_go_max_s": round(let_go[-1], 4),
    }


def _wait(path: Path, kill: bool) -> float:
    """Return the seconds from the end of the owner to the end of a trial of a worker that was waiting."""
    held, holding = os.pipe()
    owner = os.fork()
    if not owner:
        store = hp.load_study(path, "a")._trial_log.storage

        def hold(transaction: Any) -> None:
            transaction.current(1, lock=True)
            os.write(holding, b"held")
            time.sleep(0.15)

        store.write(hold)
        if kill:
            time.sleep(60)
        os._exit(0)
    os.read(held, 4)
    asked, asking = os.pipe()
    worker = os.fork()
    if not worker:
        study = hp.load_study(path, "a")
        os.write(asking, b"asks")
        study.run(cost, n_trials=1)
        os.write(asking, repr(time.monotonic()).encode())
        os._exit(0)
    os.read(asked, 4)
    time.sleep(0.05)
    ended = time.monotonic()
    if kill:
        os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    if not kill:
        ended = time.monotonic()
    os.waitpid(worker, 0)
    finished = float(os.read(asked, 100))
    for descriptor in (held, holding, asked, asking):
        os.close(descriptor)
    return max(0.0, finished - ended)


if __name__ == "__main__":
    main("lock_owner", {"kills": 200}, test)
