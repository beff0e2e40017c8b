"""Tables of what `run.py` recorded: ranks, differences to FLAML, time and memory.

    python benchmarks/tables/summary.py tables-runs.jsonl --time 60 [--half tuned] [--against flaml] [--of hpcore]

Scores are those of the outer test rows. A run that failed ranks last. Differences are paired by set and seed; the
interval of a set is Student's over the seeds, that of all sets a bootstrap over sets of the share of the loss that a
peer removes, (loss of FLAML - loss) / the larger of both, where the loss is 1 - score, and the log loss itself.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Run = Mapping[str, Any]
# Scores closer than this are equal: a score by another order of sums.
EQUAL = 1e-9


def ranks(scores: Sequence[float]) -> list[float]:
    """Rank scores, 1 the highest; equal ones share the mean of their places, NaN is last."""
    values = [-math.inf if math.isnan(score) else score for score in scores]
    out = []
    for one in values:
        above = sum(other > one and not _equal(other, one) for other in values)
        same = sum(_equal(other, one) for other in values)
        out.append(above + (same + 1) / 2)
    return out


def _equal(a: float, b: float) -> bool:
    return a == b or abs(a - b) <= EQUAL


def t_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return mean, and low and high end of Student's 95 % interval; infinite ends for less than two values."""
    from scipy import stats

    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, -math.inf, math.inf
    half = float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def bootstrap(values: Sequence[float], n_samples: int = 10_000) -> tuple[float, float, float]:
    """Return mean, and the 95 % percentile interval of the mean over resampled values."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(np.asarray(values), size=(n_samples, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return statistics.fmean(values), float(low), float(high)


def loss_removed(score: float, other: float, metric: str) -> float:
    """Return the share of the larger loss by which a score is better than another, in [-1, 1]."""
    top = 0.0 if metric == "neg_log_loss" else 1.0
    mine, theirs = max(top - score, 0.0), max(top - other, 0.0)
    return 0.0 if max(mine, theirs) <= EQUAL else (theirs - mine) / max(mine, theirs)


def score_of(run: Run) -> float:
    """Return the score of a run; NaN for one that failed."""
    score = run.get("score")
    return math.nan if score is None else float(score)


def paired(runs: Iterable[Run], peers: Sequence[str]) -> dict[tuple[str, int], dict[str, Run]]:
    """Group runs by set and seed, and keep the groups that have all peers."""
    groups: dict[tuple[str, int], dict[str, Run]] = defaultdict(dict)
    for run in runs:
        if run["peer"] in peers:
            groups[run["set"], run["seed"]][run["peer"]] = run
    return {key: group for key, group in groups.items() if len(group) == len(peers)}


def overview(runs: Sequence[Run], peers: Sequence[str], against: str) -> str:
    """Make the table of all peers: ranks, sets that are better or worse, loss removed, time and memory."""
    groups = paired(runs, peers)
    if not groups:
        return "no set has runs of all peers\n"
    places: dict[str, list[float]] = defaultdict(list)
    for group in groups.values():
        for peer, place in zip(peers, ranks([score_of(group[peer]) for peer in peers]), strict=True):
            places[peer].append(place)
    n_sets = len({name for name, _ in groups})
    lines = [
        f"{len(peers)} peers, {n_sets} sets, {len(groups)} pairs of set and seed.",
        "",
        f"| peer | mean rank | sets above / below {against} | loss removed [95 %] | failed | seconds, median (most) "
        f"| share of {against}'s seconds | MB, median (most) |",
        "| --- " * 8 + "|",
    ]
    for peer in sorted(peers, key=lambda p: statistics.fmean(places[p])):
        mine = [group[peer] for group in groups.values()]
        failed = sum(math.isnan(score_of(run)) for run in mine)
        seconds = [run["seconds"] for run in mine if "seconds" in run]
        shares = [
            group[peer]["seconds"] / group[against]["seconds"]
            for group in groups.values()
            if "seconds" in group[peer] and "seconds" in group[against]
        ]
        memory = [run["peak_mb"] for run in mine]
        cells = [peer, f"{statistics.fmean(places[peer]):.2f}"]
        if peer == against:
            cells += ["", ""]
        else:
            by_set = differences(groups, peer, against)
            above = sum(t_interval(found)[1] > 0 for found in by_set.values() if found)
            below = sum(t_interval(found)[2] < 0 for found in by_set.values() if found)
            shown = removed_by_set(groups, peer, against)
            cells.append(f"{above} / {below}")
            cells.append("{:+.3f} [{:+.3f}, {:+.3f}]".format(*bootstrap(shown)) if shown else "")
        cells.append(str(failed))
        cells.append(f"{statistics.median(seconds):.1f} ({max(seconds):.1f})" if seconds else "")
        cells.append(f"{statistics.median(shares):.2f}" if shares else "")
        cells.append(f"{statistics.median(memory):.0f} ({max(memory):.0f})")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def differences(groups: Mapping[tuple[str, int], Mapping[str, Run]], peer: str, against: str) -> dict[str, list[float]]:
    """Return the differences of scores by set, a value a seed, where neither run failed."""
    out: dict[str, list[float]] = defaultdict(list)
    for (name, _), group in sorted(groups.items()):
        difference = score_of(group[peer]) - score_of(group[against])
        out[name] += [] if math.isnan(difference) else [difference]
    return dict(out)


def removed_by_set(groups: Mapping[tuple[str, int], Mapping[str, Run]], peer: str, against: str) -> list[float]:
    """Return the loss removed, the mean over the seeds of each set; a run that failed lost all."""
    by_set: dict[str, list[float]] = defaultdict(list)
    for (name, _), group in groups.items():
        mine, theirs = score_of(group[peer]), score_of(group[against])
        if math.isnan(mine) or math.isnan(theirs):
            value = float(math.isnan(theirs)) - float(math.isnan(mine))
        else:
            value = loss_removed(mine, theirs, group[peer]["metric"])
        by_set[name].append(value)
    return [statistics.fmean(values) for values in by_set.values()]


def by_set_table(runs: Sequence[Run], peers: Sequence[str], of: str, against: str) -> str:
    """Make the table of sets: the mean score of each peer, and the paired difference of one to another."""
    groups = paired(runs, peers)
    found = differences(groups, of, against) if of in peers and against in peers else {}
    lines = [
        f"| set | metric | {' | '.join(peers)} | limit | {of} - {against} [95 %] |",
        "| --- " * (len(peers) + 4) + "|",
    ]
    for name in dict.fromkeys(name for name, _ in groups):
        mine = [group for (other, _), group in groups.items() if other == name]
        cells = [name, next(iter(mine[0].values())).get("metric", "")]
        for peer in peers:
            scores = [score for group in mine if not math.isnan(score := score_of(group[peer]))]
            cells.append(f"{statistics.fmean(scores):.4f}" if scores else "failed")
        limits = [run["limit"] for group in mine for run in group.values() if run.get("limit") is not None]
        cells.append(f"{statistics.fmean(limits):.4f}" if limits else "")
        values = found.get(name)
        cells.append("{:+.4f} [{:+.4f}, {:+.4f}]".format(*t_interval(values)) if values else "")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def shares_of_time(
    runs: Sequence[Run], of: str, against: str, seconds: float
) -> dict[tuple[str, int], tuple[float, float]]:
    """Return the smallest share of the time at which a peer has the final score of another.

    The other's score is that of its run with the full budget. The first share is of budgets, the second of the seconds
    that both runs really took. Both are infinite where no run of the peer reaches the score; pairs without runs of both
    with the full budget, and those in which the other failed, are left out.
    """
    final = {(run["set"], run["seed"]): run for run in runs if (run["peer"], run["time"]) == (against, seconds)}
    mine: dict[tuple[str, int], dict[float, Run]] = defaultdict(dict)
    for run in runs:
        if run["peer"] == of and run["time"] <= seconds:
            mine[run["set"], run["seed"]][run["time"]] = run
    out = {}
    for key, goal in final.items():
        if seconds not in mine.get(key, {}) or math.isnan(score_of(goal)):
            continue
        reached = [budget for budget, run in mine[key].items() if score_of(run) >= score_of(goal) - EQUAL]
        if reached:
            first = mine[key][min(reached)]
            out[key] = (first["time"] / seconds, first["seconds"] / goal["seconds"])
        else:
            out[key] = (math.inf, math.inf)
    return out


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--time", type=float, default=60.0)
    parser.add_argument("--peers", help="names; by default all in the file with this time")
    parser.add_argument("--half", choices=["tuned", "held-out"])
    parser.add_argument("--of", default="hpcore")
    parser.add_argument("--against", default="flaml")
    options = parser.parse_args()
    runs = [json.loads(line) for line in options.file.read_text().splitlines()]
    if options.half:
        from data import half

        runs = [run for run in runs if half(run["set"]) == options.half.replace("-", " ")]
    full = [run for run in runs if run["time"] == options.time]
    peers = options.peers.split(",") if options.peers else list(dict.fromkeys(run["peer"] for run in full))
    if options.against not in peers:
        parser.error(f"--against must be one of {', '.join(peers)}, got {options.against!r}")
    print(overview(full, peers, options.against))
    print(by_set_table(full, peers, options.of, options.against))
    shares = list(shares_of_time(runs, options.of, options.against, options.time).values())
    if shares:
        of_budget, of_seconds = zip(*shares, strict=True)
        reached = sum(share <= 1 for share in of_budget)
        budgets = sorted({run["time"] for run in runs if run["peer"] == options.of and run["time"] <= options.time})
        print(
            f"Time to {options.against}'s final score: {options.of} has it in {reached} of {len(shares)} pairs of set "
            f"and seed; median share of the budget {statistics.median(of_budget):.2f}, of the seconds that both took "
            f"{statistics.median(of_seconds):.2f} (budgets of {', '.join(f'{budget:g}' for budget in budgets)} s; "
            "never counts as infinite)."
        )
    for run in full:
        if "error" in run:
            print(f"failed: {run['set']}, {run['peer']}, seed {run['seed']}: {run['error'][:200]}")


if __name__ == "__main__":
    main()
