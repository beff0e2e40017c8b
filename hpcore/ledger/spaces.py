"""Conversion of spaces, parameters, samplers and schedulers to plain data, and comparison of spaces.

A choice that is not plain data (a class, an estimator) is stored as its position among the choices and a label for
people. It cannot be restored from these: to open the study again the same space must be given, with the same labels.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hpcore import samplers, schedulers
from hpcore.arguments import shown
from hpcore.errors import DamagedStore, HpcoreError, InvalidArgument, InvalidType, SpaceMismatch
from hpcore.ledger.shapes import check_mapping, json_from
from hpcore.samplers import Sampler
from hpcore.schedulers import Scheduler
from hpcore.space.conditions import AtLeast, AtMost, alternatives_of
from hpcore.space.convert import choices_of
from hpcore.space.discrete import Categorical
from hpcore.space.labels import label_of
from hpcore.space.serial import from_plain, parameters_from_json, space_to_json, to_plain
from hpcore.space.space import Params, Space
from hpcore.storage.plain import MAX_PARAMETERS

__all__ = [
    "check_same",
    "params_from_text",
    "params_to_text",
    "sampler_from_spec",
    "sampler_to_spec",
    "scheduler_from_spec",
    "scheduler_to_spec",
    "shown_params",
    "shown_space",
    "space_from_spec",
    "space_to_spec",
]

_PLAIN = frozenset({float, int, str, bool, type(None)})


def space_to_spec(space: Space) -> dict[str, Any]:
    """Convert a space to plain data.

    Raises
    ------
    InvalidArgument
        The space has more than 10,000 parameters.
    """
    if len(space) > MAX_PARAMETERS:
        raise InvalidArgument(f"space must have at most {MAX_PARAMETERS} parameters to be stored, got {len(space)}")
    spec: dict[str, Any] = json.loads(space_to_json(space, label_of))
    return spec


def space_from_spec(name: str, spec: Any) -> Space:
    """Restore the space of study `name` from plain data.

    Raises
    ------
    InvalidArgument
        The space has choices or constraints that are objects of a program, so that it must be given.
    DamagedStore
        The stored data are not a space.
    """
    objects = [entry["name"] for entry in spec["parameters"] if '{"object": ' in json.dumps(entry)]
    n_constraints = spec["n_constraints"]
    if objects or n_constraints:
        what = f"choices of {', '.join(map(repr, objects))}" if objects else f"{n_constraints} constraints"
        raise InvalidArgument(f"space must be given to open study {name!r}: its {what} are code, which is not stored")
    try:
        return Space.from_json(json.dumps(spec))
    except HpcoreError as error:
        raise DamagedStore(f"the space of study {name!r} is damaged: {error}") from None


class Named:
    """Object in place of a choice that is code, for reading only; its text is the label that was stored."""

    def __init__(self, label: str) -> None:
        self._label = label

    def __repr__(self) -> str:
        return self._label


def shown_space(name: str, spec: Any) -> Space:
    """Restore the space of study `name` for reading: choices that are objects are shown by their labels, and
    constraints allow everything. It is the same space to `check_same`.

    Raises
    ------
    DamagedStore
        The stored data are not a space.
    """
    made: dict[tuple[str, int], Named] = {}

    def restore(content: Any) -> Named:
        label, k = content if isinstance(content, list) else (content, 0)
        return made.setdefault((label, k), Named(str(label)))

    n = spec["n_constraints"]
    entries = [{**e, "choices": _apart(e["choices"])} if "choices" in e else e for e in spec["parameters"]]
    try:
        text = json.dumps({**spec, "parameters": entries})
        return Space(parameters_from_json(text, n, restore), [_allow] * n)
    except HpcoreError as error:
        raise DamagedStore(f"the space of study {name!r} is damaged: {error}") from None


def _apart(choices: Sequence[Any]) -> list[Any]:
    """Number the objects of choices that are the same by their labels; a condition on one of them means the first."""
    seen: Counter[str] = Counter()
    out = []
    for choice in choices:
        text = json.dumps(choice)
        out.append(_numbered(choice, seen[text]) if seen[text] else choice)
        seen[text] += 1
    return out


def _numbered(data: Any, k: int) -> Any:
    if isinstance(data, list):
        return [_numbered(item, k) for item in data]
    if isinstance(data, dict):
        return {tag: [content, k] if tag == "object" else _numbered(content, k) for tag, content in data.items()}
    return data


def _allow(params: Params) -> bool:
    return True


def check_same(name: str, stored: Any, space: Space) -> Space:
    """Check that a space is the one that a study was created with.

    Parameters
    ----------
    name : str
        Name of the study.
    stored : object
        Stored space, as plain data.
    space : Space
        Space to check.

    Returns
    -------
    Space
        Space with choices that are numbers in their stored order, which stored points refer to. The search depends on
        this order, and on whether choices are ordered; in earlier versions lists of numbers were not.

    Raises
    ------
    SpaceMismatch
        The space is another one; the message lists the differences.
    """
    given = space_to_spec(space)
    # Compared as text, in which True differs from 1, and 1.0 from 1.
    if json.dumps(stored, sort_keys=True) == json.dumps(given, sort_keys=True):
        return space
    again = _as_stored(stored, space)
    if _without_order(stored) == _without_order(space_to_spec(again)):
        return again
    differences = _differences(stored, given)
    raise SpaceMismatch(
        f"space must be the one that study {name!r} was begun with (another name= begins another study): "
        + "; ".join(differences[:5])
        + (f"; and {len(differences) - 5} more" if len(differences) > 5 else "")
    )


def _as_stored(stored: Any, space: Space) -> Space:
    """Return the space with choices that are the same numbers in their stored order."""
    before = {entry["name"]: entry.get("choices") for entry in stored["parameters"]}
    parameters = dict(space)
    for name, parameter in space.items():
        choices = before.get(name)
        if not isinstance(parameter, Categorical) or parameter.weights or not isinstance(choices, list):
            continue
        if not {type(choice) for choice in (*choices, *parameter.choices)} <= {int, float}:
            continue
        # Sorted as text, in which 1 differs from 1.0.
        if choices != list(parameter.choices) and sorted(map(repr, choices)) == sorted(map(repr, parameter.choices)):
            ordered = parameter.ordered and choices_of(choices, rearrange=False).ordered
            parameters[name] = Categorical(choices, ordered=ordered, when=parameter.when)
    for parameter in space.values():
        for alternative in alternatives_of(parameter.when):
            for parent, wanted in alternative.items():
                if isinstance(wanted, AtLeast | AtMost):  # the order decides what is active
                    parameters[parent] = space[parent]
    return Space(parameters, space.constraints)


def _without_order(spec: Any) -> str:
    """Return a space as text that does not depend on whether choices are ordered."""
    entries = [
        {**entry, "ordered": None} if entry.get("type") == "Categorical" else entry for entry in spec["parameters"]
    ]
    return json.dumps({**spec, "parameters": entries}, sort_keys=True)


def _differences(stored: Any, given: Any) -> list[str]:
    before = {entry["name"]: entry for entry in stored["parameters"]}
    after = {entry["name"]: entry for entry in given["parameters"]}
    out = [f"{name!r} is missing" for name in before if name not in after]
    out += [f"{name!r} is new" for name in after if name not in before]
    for name in before:
        fields = before[name] if name in after else {}
        for field in sorted({*fields, *after.get(name, {})} if name in after else ()):
            old, new = before[name].get(field), after[name].get(field)
            if json.dumps(old) != json.dumps(new):
                out.append(f"{field} of {name!r} was {_short(old)}, is {_short(new)}")
    if stored["n_constraints"] != given["n_constraints"]:
        out.append(f"it had {stored['n_constraints']} constraints, has {given['n_constraints']}")
    if not out:
        out.append(f"the order of the parameters was {', '.join(before)}, is {', '.join(after)}")
    return out


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


def params_to_text(space: Space, params: Mapping[str, Any]) -> str:
    """Convert legal parameters to JSON; a choice that is an object becomes ``{"choice": position, "label": text}``."""
    if all(type(value) in _PLAIN for value in params.values()):
        try:
            return json.dumps(params, allow_nan=False)
        except ValueError:
            pass  # NaN as a choice
    out = {}
    for name, value in params.items():
        parameter = space[name]
        if isinstance(parameter, Categorical):
            plain = to_plain(value, lambda item: None)
            if '{"object": null}' in json.dumps(plain):
                plain = {"choice": parameter.level(name, value), "label": label_of(value)}
            out[name] = plain
        else:
            out[name] = value
    return json.dumps(out, allow_nan=False)


def params_from_text(space: Space, text: str) -> Params:
    """Restore parameters from the text of `params_to_text`, with choices of `space`.

    Raises
    ------
    ValueError
        The text is not one of `params_to_text` for this space.
    """
    out: Params = {}
    for name, data in check_mapping("its params", json_from("its params", text)).items():
        if name not in space:
            raise ValueError(f"its params have {name!r:.80}, which is no parameter of the study's space")
        parameter = space[name]
        if isinstance(data, dict) and "choice" in data and isinstance(parameter, Categorical):
            position = data["choice"]
            if type(position) is not int or not 0 <= position < len(parameter.choices):
                raise ValueError(f"its params have no choice {shown(position):.80} of {name!r:.80}")
            out[name] = parameter.choices[position]
        else:
            try:
                out[name] = parameter.check(name, from_plain(data))
            except (InvalidArgument, InvalidType) as error:
                raise ValueError(f"its params cannot be read: {error}") from None
    return out


def shown_params(text: str) -> dict[str, Any]:
    """Read parameters for display, without the space: objects are shown by their label.

    Raises
    ------
    ValueError
        The text is not one of `params_to_text`.
    """
    out: dict[str, Any] = {}
    for name, data in check_mapping("its params", json_from("its params", text)).items():
        if isinstance(data, dict) and isinstance(data.get("label"), str):
            out[name] = data["label"]
        else:
            try:
                out[name] = from_plain(data)
            except ValueError as error:
                raise ValueError(f"its params cannot be read: {error}") from None
    return out


def sampler_to_spec(sampler: Sampler) -> dict[str, Any]:
    """Convert a sampler to plain data: its name and options, or its text if the options are not plain data."""
    name = samplers.name_of(sampler)
    return _to_spec(name, sampler)


def sampler_from_spec(study: str, spec: Any) -> Sampler:
    """Restore the sampler of study `study`.

    Raises
    ------
    InvalidArgument
        The options were not plain data, so that the sampler must be given.
    DamagedStore
        The stored data are not a sampler.
    """
    made: Sampler = _from_spec("sampler", study, spec, samplers.class_of)
    return made


def scheduler_to_spec(scheduler: Scheduler) -> dict[str, Any]:
    """Convert a scheduler to plain data, as `sampler_to_spec` does."""
    return _to_spec(schedulers.name_of(scheduler), scheduler)


def scheduler_from_spec(study: str, spec: Any) -> Scheduler:
    """Restore the scheduler of study `study`; errors are those of `sampler_from_spec`."""
    made: Scheduler = _from_spec("scheduler", study, spec, schedulers.class_of)
    return made


def _to_spec(name: str | None, made: Any) -> dict[str, Any]:
    options = vars(made)
    try:
        plain = json.loads(json.dumps(options, allow_nan=False)) == options
        plain = plain and name is not None and vars(type(made)(**options)) == options
    except (TypeError, ValueError):
        plain = False
    if not plain:
        return {"name": name, "options": None, "shown": repr(made)[:1000]}
    return {"name": name, "options": options}


def _from_spec(part: str, study: str, spec: Any, class_of: Callable[[str], Any]) -> Any:
    try:
        name, options = spec["name"], spec["options"]
        if name is None or options is None:
            raise InvalidArgument(
                f"{part} must be given to go on with study {study!r}: not all of {spec.get('shown', '')!r:.200} "
                "is plain data, which alone is stored"
            )
    except KeyError as error:
        raise DamagedStore(f"the {part} of study {study!r:.80} is damaged: it has no {error}") from None
    try:
        # The class is from a fixed table, and its constructor checks every option.
        return class_of(name)(**options)
    except (HpcoreError, TypeError) as error:
        raise DamagedStore(f"the {part} of study {study!r:.80} is damaged: {error}") from None
