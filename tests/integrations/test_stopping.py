"""What the doors share: schedulers for tools that only stop trials, and values of quantised parameters."""

from __future__ import annotations

import re
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.integrations import distributions
from hpcore.integrations.stopping import USABLE, stopping_scheduler
from hpcore.schedulers import ASHA, PB2, FreezeThaw, Hyperband, MedianStopping, SuccessiveHalving, names


@pytest.mark.parametrize(
    ("given", "brackets"),
    [(ASHA(2, 54, 3, brackets=2), 2), (SuccessiveHalving(2, 54, 3), 1), (Hyperband(2, 54, 3), 1000)],
)
def test_pausing_schedulers_become_stopping_ones(given: Any, brackets: int) -> None:
    same, found = stopping_scheduler(given, "Tool")
    assert same is given
    assert isinstance(found, ASHA)
    assert (found.kind, found.min_resource, found.max_resource, found.eta) == ("stopping", 2, 54, 3)
    assert found.brackets == brackets


def test_others_stay_and_names_are_known() -> None:
    given = MedianStopping(2)
    assert stopping_scheduler(given, "Tool") == (given, given)
    assert isinstance(stopping_scheduler("median", "Tool")[1], MedianStopping)
    assert isinstance(stopping_scheduler("hyperband", "Tool")[0], Hyperband)


@pytest.mark.parametrize("given", [*names(), "replay", "racing", "best"])
def test_messages_list_what_is_taken(given: str) -> None:
    listed = set(USABLE)
    if given in listed | {"successive_halving"}:  # a second name
        assert stopping_scheduler(given, "Tool")
        return
    with pytest.raises(InvalidArgument) as caught:
        stopping_scheduler(given, "Tool")
    words = str(caught.value).partition(", got")[0]
    assert set(re.findall(r"'(\w+)'", words)) == listed


@pytest.mark.parametrize("given", ["auto", "freeze_thaw", "pbt", FreezeThaw(), PB2()])
def test_what_pauses_or_copies_is_refused(given: Any) -> None:
    with pytest.raises(InvalidArgument, match="'threshold', since Tool cannot pause trials"):
        stopping_scheduler(given, "Tool")


def test_unknown_schedulers() -> None:
    with pytest.raises(InvalidArgument, match="scheduler must be one of"):
        stopping_scheduler("best", "Tool")
    with pytest.raises(InvalidType, match="scheduler must be a name or a Scheduler, got 3"):
        stopping_scheduler(3, "Tool")  # type: ignore[arg-type]


def test_values_are_rounded_to_those_of_the_space() -> None:
    space = hp.Space(
        {
            "q": distributions.quniform({}, 0.0, 1.0, 0.1),
            "one": distributions.quniform({}, 2, 2, 1),
            "x": hp.Float(0, 1),
        }
    )
    values = {"q": 0.3, "one": 2, "x": 0.3, "other": 7}
    found = distributions.nearest(space, values)
    assert found == {"q": 3 * 0.1, "one": 2.0, "x": 0.3, "other": 7}
    assert space.check_partial({"q": found["q"], "one": found["one"]})
    beyond = distributions.nearest(space, {"q": 1.2, "one": 2.1})
    assert beyond == {"q": 1.2, "one": 2.1}
