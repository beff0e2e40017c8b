"""Candidates of one search as the loop sees them: known folds, races, order, waits; without workers and fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from hpcore.evaluation import source as module
from hpcore.evaluation.source import Candidate, Source
from hpcore.evaluation.workload import FoldScore
from hpcore.schedulers.racing import Race, Racing
from hpcore.workers.waiting import WAIT, Wait


def fold(i: int, value: float) -> FoldScore:
    return FoldScore(i, value, None, 0.0, 0.0, None, ())


class Search:
    """Source of given candidates, and the record of its calls."""

    def __init__(self, proposals: Sequence[Candidate | Wait], n_folds: int = 3, **options: Any) -> None:
        left = list(proposals)
        self.complete: list[tuple[int, list[float], str | None]] = []
        self.told: list[tuple[int, int]] = []
        self.source = Source(
            lambda: left.pop(0) if left else None,
            lambda c, scores: self.complete.append((c.number, [float(s.test_scores) for s in scores], c.stopped)),  # type: ignore[arg-type]
            range(10, 10 + n_folds),
            fold_done=lambda c, score: self.told.append((c.number, score.fold)),
            **options,
        )

    def begin(self) -> Candidate:
        candidate = self.source.begin()
        assert candidate is not None
        return candidate

    def run(self, candidate: Candidate, *values: tuple[int, float]) -> None:
        """Send and finish folds at these positions, with these scores."""
        for position, _ in values:
            candidate.unsent.remove(position)
            candidate.n_running += 1
        for position, value in values:
            self.source.store(candidate, position, fold(10 + position, value))


def candidates(n: int) -> list[Candidate]:
    return [Candidate(None, {}, number=number) for number in range(n)]


def test_a_candidate_is_complete_after_its_last_fold_in_whatever_order() -> None:
    search = Search(candidates(1))
    candidate = search.begin()
    assert candidate.unsent == [0, 1, 2] and search.source.n_open == 1
    search.run(candidate, (2, 0.3), (0, 0.1))
    assert not search.complete
    search.run(candidate, (1, 0.2))
    assert search.complete == [(0, [0.1, 0.2, 0.3], None)]
    assert search.told == [(0, 12), (0, 10), (0, 11)]
    assert search.source.begin() is None and search.source.is_over


def test_known_folds_are_not_run_and_a_candidate_known_in_full_is_complete_at_once() -> None:
    part = Candidate(None, {}, [None, fold(11, 0.5), None], 0)
    full = Candidate(None, {}, [fold(10 + i, 0.7) for i in range(3)], 1)
    search = Search([part, full])
    assert search.begin().unsent == [0, 2]
    assert search.source.begin() is None
    assert search.complete == [(1, [0.7] * 3, None)] and not search.told
    assert not search.source.ended, "there may be more"


def test_a_search_that_learns_has_few_open() -> None:
    search = Search(candidates(3), learns=True)
    assert search.source.may_begin(1)
    candidate = search.begin()
    assert not search.source.may_begin(1) and search.source.may_begin(2)
    search.run(candidate, (0, 1.0), (1, 1.0), (2, 1.0))
    assert search.source.may_begin(1)


def test_a_proposal_that_must_wait_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.Patience, "wait", lambda self: None)
    looks: list[None] = []
    search = Search([WAIT, *candidates(1)], refresh=lambda: looks.append(None))
    assert not search.source.wait(), "nothing to wait for"
    assert search.source.begin() is None
    assert not search.source.may_begin(4)
    assert search.source.wait() and looks == [None]
    assert search.source.may_begin(4)
    search.begin()


def test_a_result_of_ours_ends_the_wait() -> None:
    first, second = candidates(2)
    search = Search([first, WAIT, second])
    search.begin()
    assert search.source.begin() is None and not search.source.may_begin(4)
    search.run(first, (0, 1.0), (1, 1.0), (2, 1.0))
    assert search.source.may_begin(4)


# --- races ----------------------------------------------------------------------------------------------------------


def exact(n_folds: int = 3, ordered: bool = False) -> Race:
    return Race(Racing(test=False), n_folds, 1.0, ordered=ordered)


def whole(search: Search, candidate: Candidate, *values: float) -> None:
    search.run(candidate, *enumerate(values))


def test_a_candidate_that_cannot_win_is_stopped() -> None:
    search = Search(candidates(2), race=exact())
    whole(search, search.begin(), 0.9, 0.9, 0.9)
    loser = search.begin()
    search.run(loser, (0, 0.1))
    assert search.complete[1] == (1, [0.1], "bound")
    assert loser.unsent == []


def test_without_an_order_folds_that_ran_anyway_count() -> None:
    search = Search(candidates(2), race=exact())
    whole(search, search.begin(), 0.9, 0.9, 0.9)
    whole(search, search.begin(), 0.1, 0.9, 0.9)
    assert search.complete[1] == (1, [0.1, 0.9, 0.9], None), "it has all its folds"


def test_without_an_order_a_candidate_races_against_the_latest() -> None:
    search = Search(candidates(2), race=exact())
    first, second = search.begin(), search.begin()
    search.run(second, (0, 0.1))
    assert second.stopped is None and second.unsent
    whole(search, first, 0.9, 0.9, 0.9)
    assert not search.source.refresh(second)
    assert search.complete[1] == (1, [0.1], "bound")


def test_in_an_order_folds_beyond_the_one_that_stopped_are_dropped() -> None:
    search = Search(candidates(2), 4, race=exact(4, ordered=True), staleness=1)
    whole(search, search.begin(), 0.9, 0.9, 0.9, 0.9)
    loser = search.begin()
    search.run(loser, (2, 0.9))
    assert loser.stopped is None, "the decision waits for the folds before it"
    search.run(loser, (0, 0.1))
    assert search.complete[1] == (1, [0.1], "bound")
    assert loser.scores[1:] == [None] * 3


def test_in_an_order_the_incumbent_is_that_of_the_view() -> None:
    search = Search(candidates(3), race=exact(ordered=True), staleness=2)
    whole(search, search.begin(), 0.5, 0.5, 0.5)
    second = search.begin()
    assert second.incumbent is None, "0 is later than 1 - 2"
    whole(search, second, 0.9, 0.9, 0.9)
    third = search.begin()
    assert third.incumbent is not None and third.incumbent.number == 0


def test_a_fold_without_a_score_stops_a_candidate() -> None:
    search = Search(candidates(2), race=exact())
    whole(search, search.begin(), 0.5, 0.5, 0.5)
    search.run(search.begin(), (0, math.nan))
    assert search.complete[1][2] == "failed"


def test_skipped_folds_run_later_if_all_that_is_known_does_not_stop_the_candidate() -> None:
    search = Search(candidates(2), race=exact())
    whole(search, search.begin(), 0.9, 0.9, 0.9)
    candidate = search.begin()
    candidate.unsent, candidate.n_running = [2], 2
    search.source.skip(candidate, [0])
    assert candidate.unsent == [0, 2] and not search.complete[1:]


def test_a_late_fold_is_told_and_completes_nothing() -> None:
    search = Search(candidates(1))
    candidate = search.begin()
    search.source.give_up()
    search.source.late(candidate, 1, fold(11, 0.5))
    assert search.told == [(0, 11)] and not search.complete
    assert search.source.ended


# --- the deadline ------------------------------------------------------------------------------------------------


class Clock:
    """Deadline that passes when the test says so, and whether there is a result."""

    def __init__(self) -> None:
        self.over = self.has_result = False

    def options(self) -> dict[str, Any]:
        return {"deadline": lambda: -math.inf if self.over else math.inf, "has_result": lambda: self.has_result}


def test_after_the_deadline_a_candidate_is_given_up_when_its_last_running_fold_ends() -> None:
    clock = Clock()
    search = Search(candidates(2), **clock.options())
    candidate = search.begin()
    candidate.n_running, candidate.unsent = 2, [2]
    clock.over = clock.has_result = True
    search.source.store(candidate, 0, fold(10, 0.1))
    assert candidate.is_ended and not candidate.unsent and search.source.n_open == 1
    search.source.store(candidate, 1, fold(11, 0.2))
    assert search.source.n_open == 0 and not search.complete
    assert search.told == [(0, 10), (0, 11)]
    # One that begins now has no folds at all.
    assert search.source.begin() is None and search.source.n_open == 0 and not search.complete


def test_a_candidate_whose_last_folds_were_running_at_the_deadline_is_complete() -> None:
    clock = Clock()
    search = Search(candidates(1), **clock.options())
    candidate = search.begin()
    candidate.n_running, candidate.unsent = 3, []
    clock.over = clock.has_result = True
    for position in range(3):
        search.source.store(candidate, position, fold(10 + position, 0.5))
    assert search.complete == [(0, [0.5, 0.5, 0.5], None)]


def test_without_a_result_the_candidate_with_most_folds_and_none_failed_is_finished() -> None:
    clock = Clock()
    search = Search(candidates(3), **clock.options())
    failing, near, far = search.begin(), search.begin(), search.begin()
    search.run(failing, (0, math.nan), (1, math.nan))
    search.run(near, (0, 0.3))
    clock.over = True
    assert not search.source.refresh(far) and not search.source.refresh(failing)
    assert search.source.refresh(near) and near.unsent == [1, 2]
    assert search.source.deadline_of(near) is None and search.source.deadline_of(far) == -math.inf
    search.run(near, (1, 0.3), (2, 0.3))
    assert search.complete == [(1, [0.3, 0.3, 0.3], None)] and search.source.n_open == 0


def test_folds_that_a_worker_left_out_are_run_only_for_the_candidate_that_is_finished() -> None:
    clock = Clock()
    search = Search(candidates(2), **clock.options())
    first, second = search.begin(), search.begin()
    for candidate in (first, second):
        candidate.n_running, candidate.unsent = 3, []
    search.source.store(first, 0, fold(10, 0.5))
    clock.over = True
    search.source.skip(first, [1, 2])
    assert first.unsent == [1, 2]
    search.source.skip(second, [0, 1, 2])
    assert not second.unsent and search.source.n_open == 1


def test_a_candidate_that_lost_its_race_before_the_deadline_is_complete() -> None:
    clock = Clock()
    search = Search(candidates(2), race=Race(Racing(test=False), 3, 1.0), **clock.options())
    search.run(search.begin(), (0, 0.9), (1, 0.9), (2, 0.9))
    loser = search.begin()
    loser.n_running, loser.unsent = 2, [2]
    search.source.store(loser, 0, fold(10, 0.0))
    clock.over = clock.has_result = True
    search.source.store(loser, 1, fold(11, 0.0))
    assert loser.given_up and [number for number, *_ in search.complete] == [0, 1]


def test_where_the_first_result_fails_another_candidate_begins() -> None:
    clock = Clock()
    search = Search(candidates(2), **clock.options())
    first = search.begin()
    search.run(first, (0, math.nan))
    clock.over = True
    assert search.source.begin() is None and not search.source.ended  # it waits for the open one
    search.run(first, (1, math.nan), (2, math.nan))
    search.run(search.begin(), (0, 0.5), (1, 0.5), (2, 0.5))
    assert [number for number, *_ in search.complete] == [0, 1]


def late_fold(i: int, value: float = math.nan) -> FoldScore:
    return FoldScore(i, value, None, 2.0, 0.0, "FitTimeout: the fold took longer than fit_timeout=2 s", ())


def test_after_a_fold_that_took_too_long_no_other_begins() -> None:
    search = Search(candidates(1), n_folds=4)
    candidate = search.begin()
    candidate.n_running, candidate.unsent = 3, [3]
    search.source.store(candidate, 0, late_fold(10))
    assert not candidate.unsent and not search.source.refresh(candidate)
    search.source.skip(candidate, [1])  # it was lost with the worker
    assert not search.complete
    search.source.store(candidate, 2, fold(12, 0.5))  # it was running
    [(number, scores, _)] = search.complete
    assert number == 0 and scores[2] == 0.5 and all(map(math.isnan, [*scores[:2], scores[3]]))
    assert sorted(search.told) == [(0, 10), (0, 11), (0, 12), (0, 13)]
    assert [score.fit_time for score in candidate.known] == [2.0, 0.0, 0.0, 0.0]


def test_other_folds_run_where_one_that_took_too_long_has_a_score() -> None:
    search = Search(candidates(1))
    candidate = search.begin()
    candidate.n_running, candidate.unsent = 1, [1, 2]
    search.source.store(candidate, 0, late_fold(10, -1.0))
    assert candidate.unsent == [1, 2] and search.source.refresh(candidate)
