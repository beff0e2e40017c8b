"""Documents of a sweep: a YAML file, a mapping or an object of an SDK, with all keys checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpcore.errors import InvalidArgument, InvalidType, require
from hpcore.integrations.azure.fields import fields_of, is_mapping, only, spelt

__all__ = ["LIMITS", "Document", "TrialDocument", "read_document", "read_trial"]

# Keys that say something of the search, and keys of what is not on this machine or has no effect on it.
SWEEP = ("trial", "search_space", "sampling_algorithm", "objective", "limits", "early_termination", "inputs", "outputs")
ELSEWHERE = (
    "$schema",
    "name",
    "display_name",
    "experiment_name",
    "description",
    "tags",
    "properties",
    "compute",
    "identity",
    "queue_settings",
    "resources",
    "services",
)
TRIAL = ("command", "code", "environment_variables", "inputs", "outputs")
TRIAL_ELSEWHERE = (
    *ELSEWHERE,
    "version",
    "is_deterministic",
    "additional_includes",
    "component",
    "environment",
    "distribution",
)
INPUT = ("type", "path", "mode", "default", "optional", "description", "min", "max", "enum")
LIMITS = ("max_total_trials", "max_concurrent_trials", "timeout", "trial_timeout")


class Document:
    """Fields of a sweep job.

    Attributes
    ----------
    fields : dict
        Fields by the keys of the YAML schema.
    folder : Path or None
        Folder that paths are relative to; None is that of this process.
    ignored : tuple of str
        Keys that have no effect on this machine.
    """

    def __init__(self, fields: dict[str, Any], folder: Path | None) -> None:
        self.fields, self.folder = fields, folder
        self.ignored = tuple(key for key in fields if key in ELSEWHERE)


def read_document(source: Any) -> Document:
    """Read a sweep job.

    Raises
    ------
    InvalidArgument, InvalidType
        The file cannot be read, or a key is not known.
    MissingDependency
        PyYAML is not installed.
    """
    folder = None
    if isinstance(source, str | Path):
        path = Path(source)
        source, folder = _read_yaml(path), path.absolute().parent
    is_object = not is_mapping(source)
    if is_object and getattr(source, "_base_path", None):
        folder = Path(source._base_path)
    fields = fields_of("the sweep", source, (*SWEEP, "type", *_known_elsewhere(source)))
    if is_object and not fields.get("search_space"):
        raise InvalidType(
            f"a sweep must be a mapping, the path of a YAML file or an object of an SDK, got {source!r:.200}"
        )
    if spelt(fields.get("type", "sweep")) != "sweep":
        raise InvalidArgument(f"type must be sweep, got {fields['type']!r}")
    only("", fields, (*SWEEP, *ELSEWHERE))
    return Document(fields, folder)


def _known_elsewhere(source: Any) -> tuple[str, ...]:
    """Keys without an effect here that an object has."""
    return tuple(key for key in ELSEWHERE if key.isidentifier() and getattr(source, key, None))


class TrialDocument:
    """Fields of a trial's command.

    Attributes
    ----------
    command : str
        Command line.
    folder : Path or None
        Working folder.
    environment : dict of str to str
        Variables.
    inputs : dict of str to value
        Values of the inputs; None for an optional one without a value.
    outputs : tuple of str
        Names of the outputs.
    ignored : tuple of str
        Keys that have no effect on this machine.
    """

    def __init__(self, command: str, folder: Path | None) -> None:
        self.command, self.folder = command, folder
        self.environment: dict[str, str] = {}
        self.inputs: dict[str, Any] = {}
        self.outputs: tuple[str, ...] = ()
        self.ignored: tuple[str, ...] = ()


def read_trial(document: Document) -> TrialDocument | None:
    """Read the trial of a sweep: a mapping, an object, or the path of a component's file; None without one.

    Raises
    ------
    InvalidArgument, InvalidType
        It is not a command on this machine, or a key is not known.
    """
    source, folder = document.fields.get("trial"), document.folder
    if source is None:
        return None
    if isinstance(source, str):
        path = _local("trial", source, folder)
        source, folder = _read_yaml(path), path.parent
    fields = fields_of("trial", source, (*TRIAL, "type"))
    only("trial", fields, (*TRIAL, *TRIAL_ELSEWHERE))
    if spelt(fields.get("type", "command")) not in ("command", "command_component"):
        raise InvalidArgument(f"trial.type must be command, got {fields['type']!r}")
    command = fields.get("command")
    if not isinstance(command, str) or not command.strip():
        raise InvalidArgument(f"trial.command must be a command line, got {command!r}")
    code = fields.get("code")
    trial = TrialDocument(command, folder if code is None else _local("trial.code", str(code), folder))
    if trial.folder is not None and not trial.folder.is_dir():
        raise InvalidArgument(f"trial.code must be a folder, got {str(trial.folder)!r}")
    variables = fields.get("environment_variables") or {}
    trial.environment = {
        str(name): str(value) for name, value in fields_of("environment_variables", variables, ()).items()
    }
    for place, where, inputs in (
        (folder, "trial.inputs", fields.get("inputs")),
        (document.folder, "inputs", document.fields.get("inputs")),
    ):
        named = dict(inputs) if isinstance(inputs, Mapping) else fields_of(where, inputs, ()) if inputs else {}
        for name, value in named.items():
            given = _input(f"{where}.{name}", value, place)
            # An input of a node of the SDK without a value has that of its component.
            trial.inputs[name] = trial.inputs.get(name) if given is None else given
    outputs = [
        fields_of(where, named, ())
        for where, named in (("trial.outputs", fields.get("outputs")), ("outputs", document.fields.get("outputs")))
        if named
    ]
    trial.outputs = tuple(dict.fromkeys(name for named in outputs for name in named))
    trial.ignored = tuple(f"trial.{key}" for key in fields if key in TRIAL_ELSEWHERE)
    return trial


def _input(where: str, value: Any, folder: Path | None) -> Any:
    """The value of an input: a literal, the default of a component's input, or a path on this machine."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(_local(where, value, folder)) if value.startswith(("file:", "azureml:")) else value
    if "_data" in getattr(value, "__dict__", ()):  # an input of a node of the SDK v2
        return _input(where, value._data, folder)
    fields = fields_of(where, value, INPUT)
    only(where, fields, INPUT)
    if fields.get("path") is not None:
        return str(_local(f"{where}.path", str(fields["path"]), folder))
    return fields.get("default")


def _local(where: str, text: str, folder: Path | None) -> Path:
    """A path on this machine."""
    if ("://" in text and not text.startswith("file:")) or text.startswith(("azureml:", "git+")):
        raise InvalidArgument(f"{where} must be on this machine, got {text!r}")
    path = Path(text.removeprefix("file://").removeprefix("file:"))
    return (folder or Path.cwd()) / path


def _read_yaml(path: Path) -> Any:
    yaml = require("yaml", "azure")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidArgument(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{str(path)!r} is no text in UTF-8: {error}") from error
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidArgument(f"{str(path)!r} is no YAML: {error}") from error
    if not isinstance(found, Mapping):
        raise InvalidArgument(f"{str(path)!r} must hold a mapping, got {found!r:.200}")
    return found
