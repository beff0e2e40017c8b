"""Recorded runs as a Markdown table and a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scores import FloatArray, best_so_far, interval, log_regret, mean_over_problems, scores
from tasks import Tasks

Run = Mapping[str, Any]


def by_optimiser(runs: Sequence[Run]) -> dict[str, dict[str, list[Run]]]:
    """Group runs by optimiser and problem, in the order of seeds; of several runs of a seed, the longest is used."""
    chosen: dict[tuple[str, str, int], Run] = {}
    for run in runs:
        key = run["opt"], run["problem"], run["seed"]
        if key not in chosen or run["budget"] > chosen[key]["budget"]:
            chosen[key] = run
    out: dict[str, dict[str, list[Run]]] = {}
    for opt, problem, seed in sorted(chosen, key=lambda key: key[2]):
        out.setdefault(opt, {}).setdefault(problem, []).append(chosen[opt, problem, seed])
    return out


class Curves:
    """Scores of all runs over the evaluations, relative to the best value of any run."""

    def __init__(self, runs: Sequence[Run], tasks: Tasks, names: Sequence[str]) -> None:
        self.names = list(names)
        self._runs = by_optimiser(runs)
        self._references = {name: tasks.reference(name) for name in names}
        self._best = {name: reference.best for name, reference in self._references.items()}
        for run in filter(lambda run: run["inc"], runs):
            self._best[run["problem"]] = min(self._best[run["problem"]], run["inc"][-1][1])

    @property
    def optimisers(self) -> list[str]:
        return list(self._runs)

    def of(self, optimiser: str, n: int, measure: Any = scores) -> dict[str, FloatArray]:
        """Return (seeds, n) by problem, for the runs that are long enough."""
        out = {}
        for name in self.names:
            runs = [r for r in self._runs[optimiser].get(name, ()) if r["budget"] >= n]
            if runs:
                curves = np.array([best_so_far(r["inc"], n) for r in runs])
                out[name] = measure(curves, self._references[name], self._best[name])
        return out


def _cell(found: Mapping[str, FloatArray]) -> str:
    low, high = interval(found)
    return f"{mean_over_problems(found):.1f} [{low:.1f}, {high:.1f}]"


def table(runs: Sequence[Run], tasks: Tasks, names: Sequence[str], samplers: Sequence[str], at: Sequence[int]) -> str:
    """Build the table of scores: optimisers that ran every problem, then samplers that ran some."""
    curves = Curves(runs, tasks, names)
    last = {n: {opt: {k: v[:, -1] for k, v in curves.of(opt, n).items()} for opt in curves.optimisers} for n in at}
    whole = {opt: [n for n in at if len(last[n][opt]) == len(names)] for opt in curves.optimisers}
    complete = [opt for opt in curves.optimisers if whole[opt]]
    partial = [opt for opt in curves.optimisers if not whole[opt] and opt in samplers]
    common = [n for n in at if all(n in whole[opt] for opt in complete)] or at[:1]
    rows = []
    for opt in sorted(complete, key=lambda opt: -mean_over_problems(last[common[-1]][opt])):
        seeds = [len(v) for v in last[whole[opt][0]][opt].values()]
        count = str(seeds[0]) if min(seeds) == max(seeds) else f"{min(seeds)}-{max(seeds)}"
        cells = [_cell(last[n][opt]) if n in whole[opt] else "" for n in at]
        rows.append(f"| {opt} | {count} | {' | '.join(cells)} |")
    when = " / ".join(sorted({run["on"] for run in runs if "on" in run}))
    lines = [
        f"{len(names)} problems ({tasks.label}). {when}.",
        "",
        f"| optimiser | seeds | {' | '.join(f'at {n}' for n in at)} |",
        f"| --- | --- |{' --- |' * len(at)}",
        *rows,
    ]
    n = at[-1]
    for opt in partial:
        ran = last[n][opt].keys()
        if ran:
            others = [f"{o} {_cell({k: last[n][o][k] for k in ran})}" for o in samplers
                      if ran <= last[n].get(o, {}).keys()]  # fmt: skip
            lines += ["", f"On the {len(ran)} that {opt} ran ({', '.join(ran)}), at {n}: {', '.join(others)}."]
    lines += _suites({opt: last[n][opt] for opt in complete if n in whole[opt]}, tasks, n)
    return "\n".join(lines) + "\n"


def _suites(last: Mapping[str, Mapping[str, FloatArray]], tasks: Tasks, n: int) -> list[str]:
    """Build the table of scores by suite."""
    suites: dict[str, list[str]] = {}
    for name in next(iter(last.values()), ()):
        suites.setdefault(tasks.problem(name).suite, []).append(name)
    lines = ["", f"| at {n}, by suite | {' | '.join(f'{s} ({len(p)})' for s, p in suites.items())} |",
             f"| --- |{' --- |' * len(suites)}"]  # fmt: skip
    for opt, values in last.items():
        cells = (f"{mean_over_problems({name: values[name] for name in of}):.0f}" for of in suites.values())
        lines.append(f"| {opt} | {' | '.join(cells)} |")
    return lines


def draw(
    runs: Sequence[Run], tasks: Tasks, names: Sequence[str], samplers: Sequence[str], at: Sequence[int], path: Path
) -> None:
    """Draw score and regret of optimisers that ran every problem over the evaluations; intervals of samplers only."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    curves = Curves(runs, tasks, names)
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.8))
    for axis, measure in zip(axes, (scores, log_regret), strict=True):
        for opt in sorted(curves.optimisers, key=lambda opt: opt not in samplers):
            reached = [n for n in at if len(curves.of(opt, n)) == len(names)]
            if not reached:
                continue
            found = curves.of(opt, reached[-1], measure)
            evaluations = np.arange(1, reached[-1] + 1)
            own = opt in samplers
            (line,) = axis.plot(evaluations, mean_over_problems(found), "-" if own else "--", lw=1.8 - 0.8 * (not own),
                                label=opt)  # fmt: skip
            if own:
                axis.fill_between(evaluations, *interval(found), color=line.get_color(), alpha=0.12, linewidth=0)
        axis.set_xlabel("evaluations")
        axis.grid(alpha=0.3)
    axes[0].set(ylabel="score", ylim=(-30, 100))
    axes[1].set_ylabel("log10 of regret / median random one")
    axes[1].legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.02, 1.0))
    figure.tight_layout()
    figure.savefig(path, dpi=90)
