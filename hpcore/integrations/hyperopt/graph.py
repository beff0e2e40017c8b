"""Labels of a Hyperopt space: the distribution of each, and the branches that lead to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hpcore.errors import InvalidSpace, require

__all__ = ["CHOICES", "Branches", "Label", "bounds_of_randint", "read_labels", "simplest"]

pyll: Any = require("hyperopt.pyll", "hyperopt")

# Branches that hold together: label of a choice to the indexes of its options.
Branches = dict[str, frozenset[int]]

# Distributions of the index of a choice: of hp.choice, and of hp.pchoice.
CHOICES = ("randint", "categorical", "randint_via_categorical")
# Functions that Hyperopt puts around a label and that keep the index of a choice.
_CASTS = ("int", "float")
# Alternatives of one label; a space with more has another form that is read faster.
_MOST_ALTERNATIVES = 1000


@dataclass
class Label:
    """One label of a space.

    Attributes
    ----------
    kind : str
        Name of the distribution, such as ``"quniform"``.
    options : dict of str to value
        Arguments of the distribution.
    ways : list of Branches
        Branches that lead to the label: any one suffices, and an empty one means always.
    """

    name: str
    node: Any
    kind: str
    options: dict[str, Any]
    ways: list[Branches] = field(default_factory=list)

    @property
    def indexes(self) -> frozenset[int]:
        """Values of a label that is the index of a choice."""
        if "p" in self.options:
            return frozenset(i for i, p in enumerate(np.ravel(self.options["p"])) if p > 0)
        low, high = bounds_of_randint(self.options)
        return frozenset(range(low, high))


def bounds_of_randint(options: dict[str, Any]) -> tuple[int, int]:
    """The lowest value of a randint, and the one after the highest."""
    low, high = options["low"], options.get("high")
    return (0, int(low)) if high is None else (int(low), int(high))


def read_labels(expr: Any) -> dict[str, Label]:
    """Read the labels of a space that something leads to, choices before what depends on them.

    Raises
    ------
    InvalidSpace
        Two distributions have one label, or the arguments of a distribution are themselves random.
    """
    labels: dict[str, Label] = {}
    seen: set[tuple[int, Any]] = set()
    # A loop and not a recursion: a space in a loop of Python can be deeper than Python's stack.
    stack: list[tuple[Any, Branches]] = [(pyll.as_apply(expr), {})]
    while stack:
        node, branches = stack.pop()
        key = (id(node), frozenset(branches.items()))
        if key in seen:
            continue
        seen.add(key)
        if node.name == "hyperopt_param":
            _note(labels, node, branches)
        elif node.name == "switch":
            stack.extend(reversed(list(_options(node, branches))))
        else:
            stack.extend((other, branches) for other in reversed(node.inputs()))
    for label in labels.values():
        label.ways = _merged(label.ways, labels)
    return {name: label for name, label in labels.items() if label.ways}


def simplest(label: Label, labels: dict[str, Label]) -> list[Branches]:
    """Leave out of the ways to a label what follows from the rest: a choice that is made has been reached."""
    ways = [_shortened(way, labels) for way in label.ways]
    again = True
    while again:
        again = False
        for parent, wanted in [item for way in ways for item in way.items()]:
            # Ways that lead to the option, without it: are they all the ways to the choice?
            to_option = [way for way in ways if way.get(parent) == wanted and len(way) > 1]
            rests = [{name: way[name] for name in way if name != parent} for way in to_option]
            to_choice = [_shortened(way, labels) for way in labels[parent].ways]
            if rests and all(way in rests for way in to_choice):
                reached = [way for way, rest in zip(to_option, rests, strict=True) if rest in to_choice]
                first = ways.index(reached[0])
                ways[first] = {parent: wanted}
                ways = [way for way in ways if way not in reached]
                again = True
                break
    return ways


def _shortened(way: Branches, labels: dict[str, Label]) -> Branches:
    def implied(parent: str) -> bool:
        return any(
            other != parent and all(parent in known and known[parent] <= way[parent] for known in labels[other].ways)
            for other in way
        )

    return {parent: wanted for parent, wanted in way.items() if not implied(parent)}


def _options(switch: Any, branches: Branches) -> Iterator[tuple[Any, Branches]]:
    """The parts of a choice, each with the branches that lead to it."""
    index, *options = switch.inputs()
    yield index, branches
    while index.name in _CASTS and len(index.inputs()) == 1:
        index = index.inputs()[0]
    if index.name != "hyperopt_param" or index.arg["obj"].name not in CHOICES:
        # An index that is computed: each option is taken to be possible always.
        for option in options:
            yield option, branches
        return
    parent = index.arg["label"].obj
    for i, option in enumerate(options):
        here = branches.get(parent, frozenset([i])) & {i}
        if here:  # otherwise an option of the same choice inside another one, which nothing leads to
            yield option, {**branches, parent: frozenset([i])}


def _note(labels: dict[str, Label], node: Any, branches: Branches) -> None:
    name, drawn = node.arg["label"].obj, node.arg["obj"]
    known = labels.get(name)
    if known is None:
        known = labels[name] = Label(name, drawn, drawn.name, _constants(name, drawn))
    elif known.node is not drawn:
        raise InvalidSpace(
            f"label {name!r} must stand for one distribution, but is given to {known.kind} and {drawn.name}"
        )
    if branches not in known.ways:
        known.ways.append(branches)
    if len(known.ways) > _MOST_ALTERNATIVES:
        raise InvalidSpace(f"label {name!r} must be reached on at most {_MOST_ALTERNATIVES} ways, nest choices less")


def _constants(name: str, drawn: Any) -> dict[str, Any]:
    """The arguments of a distribution."""
    missing = pyll.base.MissingArgument
    given = {argument: value for argument, value in drawn.arg.items() if value is not missing}
    out = {}
    for argument in given.keys() - {"rng", "size"}:
        for inner in pyll.dfs(given[argument]):
            if inner.name == "hyperopt_param" or inner.name in pyll.stochastic.implicit_stochastic_symbols:
                raise InvalidSpace(
                    f"label {name!r}: {argument} of {drawn.name} must be a constant, but is random itself; use fixed "
                    "bounds, and compute the value in the objective"
                )
        out[argument] = pyll.rec_eval(given[argument])
    return out


def _merged(ways: list[Branches], labels: dict[str, Label]) -> list[Branches]:
    """The same union of ways in fewer of them: two that differ in one choice only are one."""
    found: list[Branches] = []
    for way in ways:
        _add(found, {name: wanted & labels[name].indexes for name, wanted in way.items()}, labels)
    return found


def _add(found: list[Branches], way: Branches, labels: dict[str, Label]) -> None:
    if not all(way.values()):
        return  # an option of probability 0
    # A choice all of whose options lead on is no condition: the other branches of the way lead to the choice.
    way = {name: wanted for name, wanted in way.items() if wanted != labels[name].indexes}
    if any(_covers(other, way) for other in found):
        return
    found[:] = [other for other in found if not _covers(way, other)]
    for other in found:
        both = _one_of(other, way)
        if both is not None:
            found.remove(other)
            _add(found, both, labels)
            return
    found.append(way)


def _covers(wide: Branches, narrow: Branches) -> bool:
    """True if all that `narrow` describes is in `wide`."""
    return all(name in narrow and narrow[name] <= wanted for name, wanted in wide.items())


def _one_of(first: Branches, second: Branches) -> Branches | None:
    if first.keys() != second.keys():
        return None
    differ = [name for name in first if first[name] != second[name]]
    if len(differ) != 1:
        return None
    return {**first, differ[0]: first[differ[0]] | second[differ[0]]}
