"""Log of runs for TensorBoard."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcore.errors import InvalidType, require
from hpcore.records.words import last_line, shorten
from hpcore.tracking.base import StudyCallback
from hpcore.tracking.facts import Facts, number, text

if TYPE_CHECKING:
    from hpcore.records.snapshot import TrialSnapshot
    from hpcore.study.trackers import TrackedStudy

__all__ = ["TensorBoardCallback"]

TEXT = 500

# Seconds after which what is logged of a running trial is in its file.
FILE_SECONDS = 5


class TensorBoardCallback(StudyCallback):
    """Tracker that writes event files for TensorBoard: hyperparameters, curves, and the best value so far.

    Parameters
    ----------
    dirname : path
        Folder, which is that of ``tensorboard --logdir``. Each study has a folder in it, and each trial one in that.
    metric_name : str or sequence of str
        Name of the value, or one for each objective; of several objectives it is otherwise ``NAME_0``, ``NAME_1``, ...
    flush_seconds : float
        Longest time in seconds that the end of a run waits for what is not logged yet; what is left then is lost.

    Raises
    ------
    MissingDependency
        tensorboard is not installed; neither TensorFlow nor PyTorch is needed.
    InvalidArgument, InvalidType
        An argument is not allowed.

    Notes
    -----
    The page HPARAMS has the parameters and values of all trials. Each trial has its values, cost, seconds, metrics and
    violations of limits as scalars, partial results as the curve ``NAME_report``, or ``NAME_fold`` for folds, and the
    error of a failed one as a text; the study has the curve ``best_NAME`` by trial. Values are numbers of 32 bits, as
    always in TensorBoard. A study that continues is logged in its earlier folder.

    Examples
    --------
    .. code-block:: python

        import hpcore as hp
        from hpcore.tracking import TensorBoardCallback

        study = hp.minimize(train, space, n_trials=50, callbacks=[TensorBoardCallback("runs")])
    """

    def __init__(
        self,
        dirname: str | os.PathLike[str],
        metric_name: str | Sequence[str] = "value",
        *,
        flush_seconds: float = 30.0,
    ) -> None:
        if not isinstance(dirname, str | os.PathLike):
            raise InvalidType(f"dirname must be a path, got {dirname!r}")
        self.dirname = os.fspath(dirname)
        _module("summary.writer.event_file_writer")
        super().__init__(metric_name, flush_seconds)

    def _reset(self) -> None:
        self._root: Any = None
        self._writers: dict[int, Any] = {}
        self._n_reports: dict[int, int] = {}

    def begin(self, study: TrackedStudy) -> None:
        """See `Tracker`."""
        self._take(study)
        self._make = _module("summary.writer.event_file_writer").EventFileWriter
        self._hparams = _module("plugins.hparams.summary_v2")
        self._status = _module("plugins.hparams.api_pb2")
        self._summaries, self._events = _module("compat.proto.summary_pb2"), _module("compat.proto.event_pb2")
        self._tensors = _module("compat.proto.tensor_pb2")
        self._types = _module("compat.proto.types_pb2")
        self._folder = Path(self.dirname, f"{_folder_name(study.name or 'study')}-{study.key[:8]}")
        self._root = self._make(str(self._folder), flush_secs=FILE_SECONDS)
        self._metadata = _module("plugins.hparams.metadata")
        self._session = _module("plugins.hparams.plugin_data_pb2")
        metrics = [self._hparams.Metric(name) for name in self._names]
        columns = [self._hparams.HParam(shorten(name, TEXT)) for name in study.parameters]
        self._add(self._root, self._hparams.hparams_config_pb(columns, metrics))
        self._root.flush()

    def reported(self, trial: TrialSnapshot, step: float, values: tuple[float, ...]) -> None:
        """See `Tracker`."""
        writer = self._writer_of(trial)
        whole = float(step).is_integer() and abs(step) < 2**53
        n = self._n_reports[trial.number] = self._n_reports.get(trial.number, -1) + 1
        at = int(step) if whole else n
        for name, value in zip(self._names, values, strict=False):
            self._scalar(writer, f"{name}_{self._study.steps}", value, at)
        if not whole:  # TensorBoard's steps are integers
            self._scalar(writer, f"{self._study.steps}_step", step, at)

    def ended(self, trial: TrialSnapshot) -> None:
        """See `Tracker`."""
        writer = self._writer_of(trial)
        facts = Facts(trial, self._names)
        for name, value in {**facts.numbers, **{name: float(v) for name, v in facts.not_finite.items()}}.items():
            self._scalar(writer, name, value, 0)
        if trial.error:
            self._text(writer, "error", shorten(last_line(trial.error), TEXT))
        self._text(writer, "state", str(trial.state))
        failed = trial.state == "failed"
        self._end(trial.number, self._status.STATUS_FAILURE if failed else self._status.STATUS_SUCCESS)
        if self._incumbent.improves(trial):
            self._scalar(self._root, f"best_{self._names[0]}", self._incumbent.value, trial.number)

    def close(self) -> None:
        """See `Tracker`."""
        for running in list(self._writers):
            self._end(running, self._status.STATUS_UNKNOWN)
        if self._root is not None:
            root, self._root = self._root, None
            self._text(root, "state", self._study.state)
            root.close()

    def _writer_of(self, trial: TrialSnapshot) -> Any:
        writer = self._writers.get(trial.number)
        if writer is None:
            folder = self._folder / f"trial-{trial.number:05d}"
            writer = self._writers[trial.number] = self._make(str(folder), flush_secs=FILE_SECONDS)
            params = {shorten(name, TEXT): _value(value) for name, value in trial.params.items()}
            self._add(writer, self._hparams.hparams_pb(params, f"trial {trial.number}", trial.started))
        return writer

    def _end(self, trial: int, status: Any) -> None:
        writer = self._writers.pop(trial)
        self._n_reports.pop(trial, None)
        # As session_end_pb of tensorboard.plugins.hparams.summary makes it, which needs TensorFlow.
        info = self._session.SessionEndInfo(status=status, end_time_secs=time.time())
        content = self._session.HParamsPluginData(session_end_info=info).SerializeToString()
        about = self._summaries.SummaryMetadata(
            plugin_data=self._summaries.SummaryMetadata.PluginData(plugin_name="hparams", content=content)
        )
        entry = self._summaries.Summary.Value(
            tag="_hparams_/session_end_info", metadata=about, tensor=self._metadata.NULL_TENSOR
        )
        self._add(writer, self._summaries.Summary(value=[entry]))
        writer.close()

    def _add(self, writer: Any, summary: Any, step: int = 0) -> None:
        writer.add_event(self._events.Event(wall_time=time.time(), step=step, summary=summary))

    def _scalar(self, writer: Any, tag: str, value: float, step: int) -> None:
        entry = self._summaries.Summary.Value(tag=shorten(tag, TEXT), simple_value=value)
        self._add(writer, self._summaries.Summary(value=[entry]), step)

    def _text(self, writer: Any, tag: str, content: str) -> None:
        tensor = self._tensors.TensorProto(dtype=self._types.DT_STRING, string_val=[content.encode(errors="replace")])
        about = self._summaries.SummaryMetadata(
            plugin_data=self._summaries.SummaryMetadata.PluginData(plugin_name="text")
        )
        entry = self._summaries.Summary.Value(tag=tag, tensor=tensor, metadata=about)
        self._add(writer, self._summaries.Summary(value=[entry]))


def _module(name: str) -> Any:
    return require(f"tensorboard.{name}", "tensorboard", "hpcore.tracking.TensorBoardCallback")


def _value(value: Any) -> bool | float | str:
    known = number(value)
    if known is None:
        return shorten(text(value), TEXT)
    return known if isinstance(known, bool) else _float(known)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond all floats
        return float("inf") if value > 0 else float("-inf")


def _folder_name(name: str) -> str:
    """Return a name that every system allows for a folder, different for different names."""
    safe = re.sub(r"[^\w\-]+", "_", name).strip("_")[:60]
    return safe if safe == name else f"{safe}-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:6]}"
