"""Successive halving, Hyperband and ASHA from a history alone, with loops over all trials; slow, and easy to read."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, RUNNING, History
from hpcore.schedulers import Resume, Start

__all__ = ["next_in_asha", "next_in_brackets"]

ENDED = (COMPLETE, PRUNED, FAILED)


class Facts:
    """What a history says of its trials; values of one objective, with NaN as infinity."""

    def __init__(self, history: History, levels: list[float]) -> None:
        self.history, self.levels = history, levels
        self.state = history.state.tolist()
        self.until = history.until.tolist() if history.until is not None else [math.nan] * history.n
        self.reports = [
            [(float(history.curves.step[i]), float(history.curves.values[i, 0])) for i in history.curves.of(number)]
            for number in range(history.n)
        ]
        self.begun = [number for number in range(history.n) if not math.isnan(self.until[number])]

    def last(self, number: int) -> float:
        return max((step for step, _ in self.reports[number]), default=-math.inf)

    def reached(self, number: int) -> int:
        return sum(self.last(number) >= level for level in self.levels) - 1

    def value(self, number: int, rung: int) -> tuple[float, bool]:
        """Value at a rung, as a key to sort by."""
        there = [value for step, value in self.reports[number] if step >= self.levels[rung]]
        value = math.nan
        if there:
            failed_here = self.state[number] == FAILED and self.until[number] <= self.levels[rung]
            value = math.nan if failed_here else there[0]
        elif self.state[number] == COMPLETE:
            value = float(self.history.values[number, 0])
        return (math.inf, True) if math.isnan(value) else (value, False)


def next_in_brackets(
    history: History, levels: list[float], size: Callable[[int], tuple[int, int]], eta: Fraction
) -> Start | Resume:
    """Next job of synchronous brackets, where ``size(index)`` is the lowest rung and the size of each."""
    facts = Facts(history, levels)
    index, first = 0, 0
    while True:
        entry, n = size(index)
        members = facts.begun[first : first + n]
        full = len(members) == n
        for rung in range(entry, len(levels)):
            level = levels[rung]
            for number in members:
                if facts.state[number] == PAUSED and facts.last(number) < level:
                    return Resume(number, level)
            done = full
            for number in members:
                running_here = facts.state[number] == RUNNING and facts.until[number] <= level
                done &= facts.state[number] in ENDED or (facts.last(number) >= level and not running_here)
            if not done or rung == len(levels) - 1:
                break
            ranked = sorted(members, key=lambda number: (facts.value(number, rung), number))
            members = ranked[: math.floor(n / eta ** (rung + 1 - entry))]
        if not full:
            return Start(levels[entry])
        index, first = index + 1, first + n


def next_in_asha(history: History, levels: list[float], eta: Fraction, entry: list[int]) -> Start | Resume:
    """Next job of ASHA by promotion; ``entry[number]`` is the lowest rung of a trial's bracket."""
    facts, top = Facts(history, levels), len(levels) - 1
    for number in facts.begun:
        goal = max(min(facts.until[number], levels[top]), levels[entry[number]])
        if facts.state[number] == PAUSED and facts.last(number) < goal:
            return Resume(number, goal)
    for rung in range(top - 1, -1, -1):
        for bracket in range(rung + 1):
            at = []
            for number in facts.begun:
                if entry[number] != bracket:
                    continue
                reached, state = facts.reached(number), facts.state[number]
                on_the_way = max(reached + 1, bracket) == rung and facts.until[number] >= levels[rung]
                if reached >= rung or state == COMPLETE or (state in ENDED and on_the_way):
                    # One that failed in the job that went there counts as worst, unless it came to a rung above.
                    stays = reached == rung and facts.until[number] < levels[rung + 1]
                    worst = state == FAILED and stays
                    at.append(((math.inf, True) if worst else facts.value(number, rung), number))
            for _, number in sorted(at)[: math.floor(len(at) / eta)]:
                if facts.state[number] == PAUSED and facts.reached(number) == rung:
                    return Resume(number, levels[rung + 1])
    return Start(levels[entry[history.n]])
