"""The space as JSON and back: plain data, with what JSON has no spelling for under a tag."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.space.choices import MAX_DEPTH
from hpcore.space.conditions import AtLeast, AtMost, Conditions
from hpcore.space.discrete import Categorical, Int
from hpcore.space.parameter import Parameter
from hpcore.space.reals import Float, Normal

if TYPE_CHECKING:
    from hpcore.space.space import Space

__all__ = ["from_plain", "parameters_from_json", "space_to_json", "to_plain"]

VERSION = 1
KINDS: dict[str, Callable[..., Parameter]] = {"Float": Float, "Int": Int, "Categorical": Categorical, "Normal": Normal}


def to_plain(value: Any, label: Callable[[Any], Any] | None = None, depth: int = 0) -> Any:
    """A value as JSON data: None, bool, int, str and finite floats as they are, the rest as ``{tag: content}``.

    Other objects are refused, or become ``{"object": label(value)}``, which nothing reads back.
    """
    if depth > MAX_DEPTH:
        raise InvalidArgument(f"choices may be nested at most {MAX_DEPTH} deep")
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is bytes:
        return {"bytes": value.hex()}
    if kind in (tuple, list):
        return {kind.__name__: [to_plain(v, label, depth + 1) for v in value]}
    if label is not None:
        return {"object": label(value)}
    raise InvalidType(
        f"only None, bool, int, float, str, bytes, tuples and lists can be written as JSON, got {value!r}"
    )


def from_plain(data: Any, depth: int = 0, restore: Callable[[Any], Any] | None = None) -> Any:
    """Read what `to_plain` wrote; labels of objects only with a function that has an object for each."""
    if depth > MAX_DEPTH:
        raise InvalidArgument(f"choices may be nested at most {MAX_DEPTH} deep")
    if data is None or isinstance(data, bool | int | float | str):
        return data
    if isinstance(data, dict) and len(data) == 1:
        tag, content = next(iter(data.items()))
        if tag == "float" and content in ("nan", "inf", "-inf"):
            return float(content)
        if tag == "bytes" and isinstance(content, str):
            return bytes.fromhex(content)
        if tag == "object" and restore is not None:
            return restore(content)
        if tag in ("tuple", "list") and isinstance(content, list):
            items = [from_plain(v, depth + 1, restore) for v in content]
            return items if tag == "list" else tuple(items)
    raise InvalidArgument(f"a stored value must be plain or tagged data, got {data!r}")


def _when_plain(when: Conditions, label: Callable[[Any], Any] | None) -> Any:
    """Conditions as JSON data: an object, or a list of such objects for alternatives."""
    return [_all_plain(one, label) for one in when] if isinstance(when, list) else _all_plain(when, label)


def _all_plain(when: dict[str, Any], label: Callable[[Any], Any] | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for parent, wanted in when.items():
        if isinstance(wanted, AtLeast):
            out[parent] = {"at_least": to_plain(wanted.value, label)}
        elif isinstance(wanted, AtMost):
            out[parent] = {"at_most": to_plain(wanted.value, label)}
        else:
            out[parent] = {"equals": to_plain(wanted, label)}
    return out


def _when_value(data: Any, restore: Callable[[Any], Any] | None) -> Conditions:
    if isinstance(data, list):
        return [_all_value(alternative, restore) for alternative in data]
    return _all_value(data, restore)


def _all_value(data: Any, restore: Callable[[Any], Any] | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for parent, wanted in data.items():
        ((tag, content),) = wanted.items()
        value = from_plain(content, restore=restore)
        if tag not in ("at_least", "at_most", "equals"):
            raise InvalidArgument(f"a stored condition must be at_least, at_most or equals, got {tag!r}")
        out[parent] = AtLeast(value) if tag == "at_least" else AtMost(value) if tag == "at_most" else value
    return out


def space_to_json(space: Space, label: Callable[[Any], Any] | None = None) -> str:
    """See `Space.to_json`; with a label (see `to_plain`) of any space, though not all such text can be read back."""
    parameters = []
    for name, parameter in space.items():
        fields = parameter.to_dict()
        if isinstance(parameter, Categorical):
            try:
                fields["choices"] = [to_plain(c, label) for c in parameter.choices]
            except InvalidType as error:
                raise InvalidType(f"choices of {name!r}: {error}") from None
        try:
            when = _when_plain(parameter.when, label)
        except InvalidType as error:
            raise InvalidType(f"when of {name!r}: {error}") from None
        parameters.append({"name": name, **fields, "when": when})
    document = {"hpcore_space": VERSION, "n_constraints": len(space.constraints), "parameters": parameters}
    return json.dumps(document, allow_nan=False)


def parameters_from_json(
    text: str, n_constraints: int, restore: Callable[[Any], Any] | None = None
) -> dict[str, Parameter]:
    """See `Space.from_json`; with a function that has an object for each label of one, also where there are such."""
    if not isinstance(text, str):
        raise InvalidType(f"text must be a str, got {text!r}")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"text must be JSON: {error}") from None
    if not isinstance(document, dict) or "hpcore_space" not in document:
        raise InvalidArgument(f"text must be a space written by to_json, got {text[:80]!r}")
    if document["hpcore_space"] != VERSION:
        raise InvalidArgument(
            f"text must be of version {VERSION}, which this hpcore reads, got {document['hpcore_space']!r}"
        )
    if document.get("n_constraints") != n_constraints:
        raise InvalidArgument(
            f"constraints must be given again, functions are not stored: the space was written with "
            f"{document.get('n_constraints')!r}, got {n_constraints}"
        )
    out: dict[str, Parameter] = {}
    try:
        for entry in document["parameters"]:
            fields = dict(entry)
            name, kind, when = fields.pop("name"), fields.pop("type"), _when_value(fields.pop("when"), restore)
            if kind == "Categorical":
                fields["choices"] = [from_plain(c, restore=restore) for c in fields["choices"]]
            elif kind == "Normal":
                fields = {"mean": fields.pop("mean"), "std": fields.pop("std"), **fields}
            if name in out:
                raise InvalidArgument(f"a parameter's name must be unique, got {name!r} twice")
            out[name] = KINDS[kind](**fields, when=None if when == {} else when)
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        if isinstance(error, InvalidArgument | InvalidType):
            raise
        raise InvalidArgument(f"text must be a space written by to_json: {type(error).__name__}: {error}") from None
    return out
