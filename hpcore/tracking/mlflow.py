"""Log of runs in MLflow."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
import socket
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from hpcore.arguments import check_flag
from hpcore.errors import InvalidArgument, InvalidType, MissingDependency, require
from hpcore.records.words import last_line, shorten
from hpcore.tracking.base import StudyCallback
from hpcore.tracking.facts import Facts, check_options, text, title

if TYPE_CHECKING:
    from hpcore.records.snapshot import TrialSnapshot
    from hpcore.study.trackers import TrackedStudy

__all__ = ["MLflowCallback"]

# Limits of MLflow: characters of a name, a parameter's and a tag's value; entries and bytes of a request.
NAME, PARAM, TAG = 250, 6000, 8000
MOST_PARAMS = MOST_TAGS = 100
MOST_ENTRIES, MOST_BYTES = 1000, 900_000

# Partial results of a trial are sent at most this often in seconds before it ends, so that short trials need few
# requests.
LIVE_SECONDS = 10.0

# Time in seconds for a connection to the server, which MLflow itself tries for minutes.
CONNECT_SECONDS = 5.0

T = TypeVar("T")

_RUN_OPTIONS = ("run_id", "experiment_id", "run_name", "nested", "parent_run_id", "tags", "description")
_STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
_PARENT_STATUS = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
_UNFINISHED = "unfinished"


class _Child:
    """Run of a trial, and what was not sent yet."""

    def __init__(self, trial: TrialSnapshot, run_id: str | None) -> None:
        self.run_id, self.started = run_id, trial.started
        self.state = _UNFINISHED
        # An earlier run has sent them.
        self.params = {name: text(value) for name, value in trial.params.items()} if run_id is None else {}
        self.metrics: list[Any] = []
        self.not_finite: dict[str, list[str]] = {}
        self.n_reports = 0
        self.sent = time.monotonic()


class MLflowCallback(StudyCallback):
    """Tracker that logs a study as a run of MLflow, and each trial as a nested run in it.

    Parameters
    ----------
    tracking_uri : str, optional
        Server or database of MLflow; None is that of `mlflow.set_tracking_uri` or the variable MLFLOW_TRACKING_URI,
        otherwise a file ``mlflow.db`` in the working folder.
    metric_name : str or sequence of str
        Name of the value, or one for each objective; of several objectives it is otherwise ``NAME_0``, ``NAME_1``, ...
    create_experiment : bool
        True for an experiment of the study's name, or ``"hpcore"`` for a study without a name, which is created if
        there is none; False for that of the variables
        MLFLOW_EXPERIMENT_ID or MLFLOW_EXPERIMENT_NAME, which `mlflow.set_experiment` sets, or MLflow's default.
    mlflow_kwargs : mapping, optional
        Options of the study's run, named as for `mlflow.start_run`: `run_id` of a run that goes on, `experiment_id`,
        `run_name`, `parent_run_id`, `tags`, `description`, and ``nested=True``.
    tag_study_user_attrs, tag_trial_user_attrs : bool
        True to log user attributes of the study, and of each trial, as tags.
    model : bool
        True to log the fitted `best_estimator_` of a `SearchCV` as the artifact ``model``, which
        ``mlflow.sklearn.load_model("runs:/RUN/model")`` loads.
    report : bool
        True to log the report of the study as the artifact ``report.html``, if plotly is installed.
    flush_seconds : float
        Longest time in seconds that the end of a run waits for what is not logged yet; what is left then is lost.

    Raises
    ------
    MissingDependency
        MLflow is not installed.
    InvalidArgument, InvalidType
        An argument is not allowed.

    Notes
    -----
    A trial has its parameters, its values, cost, seconds, metrics and violations of limits as metrics, and tags
    ``hpcore.state``, ``hpcore.number``, ``hpcore.feasible``, ``hpcore.error`` and ``hpcore.traceback``. Partial results
    are the metric ``NAME_report``, scores of folds ``NAME_fold`` with ``step=fold``. Complete trials are FINISHED,
    failed ones FAILED, pruned ones KILLED; those that the run leaves unfinished are KILLED with the state
    ``"unfinished"``, and continued later. The study's run has the metric ``best_NAME``, and a tag of the best trial.
    A number that is NaN or infinite is a tag ``hpcore.NAME``, because MLflow changes or refuses it.

    A study that continues is logged in its earlier run, which is found in the experiment by its tag
    ``hpcore.study_id``. Names and values are cut to MLflow's limits, and characters that it refuses become ``_``.
    A trial takes three requests, one that is the best so far four; one that lasts longer than 10 s takes one more for
    each 10 s in which it reports. The variable MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT is set to true unless it is set.

    Examples
    --------
    .. code-block:: python

        import hpcore as hp
        from hpcore.tracking import MLflowCallback

        tracker = MLflowCallback("http://localhost:5000", metric_name="loss")
        study = hp.minimize(train, space, n_trials=50, callbacks=[tracker])
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        metric_name: str | Sequence[str] = "value",
        create_experiment: bool = True,
        mlflow_kwargs: Mapping[str, Any] | None = None,
        tag_study_user_attrs: bool = False,
        tag_trial_user_attrs: bool = True,
        *,
        model: bool = True,
        report: bool = True,
        flush_seconds: float = 30.0,
    ) -> None:
        if tracking_uri is not None and not isinstance(tracking_uri, str | os.PathLike):
            raise InvalidType(f"tracking_uri must be a str, got {tracking_uri!r}")
        self.tracking_uri = None if tracking_uri is None else os.fspath(tracking_uri)
        self.create_experiment = check_flag("create_experiment", create_experiment)
        self.mlflow_kwargs = check_options("mlflow_kwargs", mlflow_kwargs, _RUN_OPTIONS)
        if self.mlflow_kwargs.get("nested", True) is not True:
            raise InvalidArgument("mlflow_kwargs['nested'] must be True: the runs of trials are nested in the study's")
        self.tag_study_user_attrs = check_flag("tag_study_user_attrs", tag_study_user_attrs)
        self.tag_trial_user_attrs = check_flag("tag_trial_user_attrs", tag_trial_user_attrs)
        self.model, self.report = check_flag("model", model), check_flag("report", report)
        require("mlflow", "mlflow", "hpcore.tracking.MLflowCallback")
        super().__init__(metric_name, flush_seconds)

    def _reset(self) -> None:
        self._client: Any = None
        self._children: dict[int, _Child] = {}
        # Runs of trials that an earlier run left unfinished, and that were not begun again yet.
        self._earlier: dict[int, str] = {}

    # --- the run of the study ------------------------------------------------------------------------------------

    def begin(self, study: TrackedStudy) -> None:
        """See `Tracker`."""
        mlflow = require("mlflow", "mlflow", "hpcore.tracking.MLflowCallback")
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
        self._take(study)
        self._entities = require("mlflow.entities", "mlflow", "hpcore.tracking.MLflowCallback")
        self._best_run: tuple[int, str] | None = None
        self._client = mlflow.MlflowClient(self.tracking_uri)
        self._address = _address(self._client.tracking_uri)
        self._check_server()
        self._experiment = self._find_experiment()
        known = self.mlflow_kwargs.get("run_id") or self._find_parent()
        self._parent = self._make_parent() if known is None else str(known)
        if known is not None:
            self._log(self._parent, tags=self._study_tags())
            self._client.update_run(self._parent, status="RUNNING")
            self._find_unfinished()

    def _find_experiment(self) -> str:
        client, given = self._client, self.mlflow_kwargs
        if "run_id" in given:
            return str(client.get_run(given["run_id"]).info.experiment_id)
        if "experiment_id" in given:
            return str(given["experiment_id"])
        if self.create_experiment:
            name = shorten(self._study.name or "hpcore", NAME)
        elif os.environ.get("MLFLOW_EXPERIMENT_ID"):
            return os.environ["MLFLOW_EXPERIMENT_ID"]
        else:
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or "Default"
        for _ in range(2):
            found = client.get_experiment_by_name(name)
            if found is not None:
                return str(found.experiment_id)
            try:
                return str(client.create_experiment(name))
            except Exception as error:
                failed = error  # another process may have created it at this moment
        raise failed

    def _search(self, condition: str, most: int) -> list[Any]:
        where = f"tags.`hpcore.study_id` = '{self._study.key}' and {condition}"
        order = ["attributes.start_time ASC", "attributes.run_id ASC"]
        return list(self._client.search_runs([self._experiment], where, max_results=most, order_by=order))

    def _find_parent(self) -> str | None:
        found = self._search("tags.`hpcore.kind` = 'study'", 1)
        return found[0].info.run_id if found else None

    def _study_tags(self) -> dict[str, str]:
        study, given = self._study, self.mlflow_kwargs
        tags = {
            "hpcore.study_id": study.key,
            "hpcore.kind": "study",
            "hpcore.study": study.name or "",
            "hpcore.state": "running",
            "hpcore.directions": ", ".join(study.directions),
            "hpcore.space": json.dumps(study.parameters, ensure_ascii=False),
            **{f"hpcore.{name}": value for name, value in study.settings.items()},
        }
        if "parent_run_id" in given:
            tags["mlflow.parentRunId"] = str(given["parent_run_id"])
        note = given.get("description", study.settings.get("note"))
        if note:
            tags["mlflow.note.content"] = str(note)
        return tags | {str(name): text(value) for name, value in (given.get("tags") or {}).items()}

    def _make_parent(self) -> str:
        study, given = self._study, self.mlflow_kwargs
        made: str = self._client.create_run(
            self._experiment,
            tags=_tags(self._study_tags()),
            run_name=shorten(given.get("run_name") or title(study), NAME),
        ).info.run_id
        if study.is_stored and (first := self._find_parent()) not in (made, None):
            # Another process began to log the same study at this moment.
            self._client.delete_run(made)
            return str(first)
        return made

    def _find_unfinished(self) -> None:
        """Find the runs of trials that an earlier run left unfinished, or did not end because it was killed."""
        killed = self._search("tags.`hpcore.kind` = 'trial' and attributes.status = 'RUNNING'", MOST_ENTRIES)
        for run in [*killed, *self._search(f"tags.`hpcore.state` = '{_UNFINISHED}'", MOST_ENTRIES)]:
            if run.data.tags.get("mlflow.parentRunId") == self._parent and "hpcore.number" in run.data.tags:
                self._earlier[int(run.data.tags["hpcore.number"])] = run.info.run_id

    def close(self) -> None:
        """See `Tracker`."""
        self._check_server()
        study, client = self._study, self._client
        try:
            for number, child in list(self._children.items()):
                # One that has ended is here because an error kept it from being logged as a whole.
                self._send(number, child, {"hpcore.state": child.state})
                client.set_terminated(child.run_id, _STATUS.get(child.state, "KILLED"))
            tags = {"hpcore.state": study.state}
            if self.tag_study_user_attrs:
                tags |= {name: text(value) for name, value in study.user_attrs.items()}
            if study.best is not None:
                tags["hpcore.best_trial"] = str(study.best.number)
                tags["hpcore.best_params"] = json.dumps({name: text(v) for name, v in study.best.params.items()})
                if self._best_run is not None and self._best_run[0] == study.best.number:
                    tags["hpcore.best_run_id"] = self._best_run[1]
            self._log(self._parent, tags=tags)
            self._log_artifacts()
        finally:
            client.set_terminated(self._parent, _PARENT_STATUS.get(study.state, "FINISHED"))
            self._children.clear()

    def _log_artifacts(self) -> None:
        result, state = self._study.result, self._study.state
        best = getattr(result, "best_estimator_", None) if state != "failed" else None
        with tempfile.TemporaryDirectory(prefix="hpcore-") as folder:
            try:
                if self.model and best is not None:
                    self._log_model(best, Path(folder, "model"))
            finally:
                # A search that failed early has nothing to show.
                if self.report and (hasattr(result, "cv_results_") or hasattr(result, "trials")):
                    path = Path(folder, "report.html")
                    if _write_report(result, path):
                        self._client.log_artifact(self._parent, str(path))

    def _log_model(self, best: Any, path: Path) -> None:
        sklearn = require("mlflow.sklearn", "mlflow", "hpcore.tracking.MLflowCallback")
        # The requirements are given, because MLflow finds them by running the model in another process.
        sklearn.save_model(best, path, serialization_format="cloudpickle", pip_requirements=_requirements())
        self._client.log_artifacts(self._parent, str(path), "model")

    # --- runs of trials ------------------------------------------------------------------------------------------

    def reported(self, trial: TrialSnapshot, step: float, values: tuple[float, ...]) -> None:
        """See `Tracker`."""
        child = self._child(trial)
        whole = float(step).is_integer() and abs(step) < 2**53
        at = int(step) if whole else child.n_reports
        child.n_reports += 1
        now = int(1e3 * time.time())
        for name, value in zip(self._names, values, strict=False):
            key = f"{name}_{self._study.steps}"
            if abs(value) < float("inf"):
                child.metrics.append(self._entities.Metric(_name(key), float(value), now, at))
            else:
                child.not_finite.setdefault(key, []).append(f"{step:g}: {value!r}")
        if not whole:  # MLflow's steps are integers
            child.metrics.append(self._entities.Metric(_name(f"{self._study.steps}_step"), float(step), now, at))
        if time.monotonic() - child.sent >= LIVE_SECONDS:
            self._check_server()
            self._send(trial.number, child, {})

    def ended(self, trial: TrialSnapshot) -> None:
        """See `Tracker`."""
        self._check_server()
        child = self._child(trial)
        facts = Facts(trial, self._names)
        ended = int(1e3 * (trial.finished or time.time()))
        child.metrics += [self._entities.Metric(n, v, ended, 0) for n, v in _named(facts.numbers).items()]
        child.state = str(trial.state)
        tags = {"hpcore.state": child.state}
        if self.tag_trial_user_attrs:
            tags |= {name: text(value) for name, value in trial.user_attrs.items()}
        tags |= {f"hpcore.{name}": value for name, value in facts.not_finite.items()}
        if trial.feasible is not None:
            tags["hpcore.feasible"] = str(trial.feasible).lower()
        if trial.error:
            tags |= {"hpcore.error": last_line(trial.error), "hpcore.traceback": trial.error[-TAG:]}
        run_id = self._send(trial.number, child, tags)
        self._client.set_terminated(run_id, _STATUS[child.state], ended)
        del self._children[trial.number]
        if self._incumbent.improves(trial):
            self._best_run = trial.number, run_id
            name = _name(f"best_{self._names[0]}")
            self._client.log_metric(self._parent, name, self._incumbent.value, ended, trial.number)

    def _child(self, trial: TrialSnapshot) -> _Child:
        number = trial.number
        child = self._children.get(number)
        if child is None:
            child = self._children[number] = _Child(trial, self._earlier.pop(number, None))
        return child

    def _send(self, number: int, child: _Child, tags: dict[str, str]) -> str:
        """Send what is known of a trial, and return the id of its run, which is made if there is none."""
        if child.run_id is None:
            tags_of_run = {
                "mlflow.parentRunId": self._parent,
                "hpcore.study_id": self._study.key,
                "hpcore.kind": "trial",
                "hpcore.number": str(number),
            }
            start = None if child.started is None else int(1e3 * child.started)
            made = self._client.create_run(self._experiment, start, _tags(tags_of_run), f"trial {number}")
            child.run_id = str(made.info.run_id)
        tags |= {f"hpcore.{name}": ", ".join(values) for name, values in child.not_finite.items()}
        self._log(child.run_id, child.metrics, child.params, tags)
        child.metrics, child.params, child.sent = [], {}, time.monotonic()
        return child.run_id

    def _log(
        self,
        run_id: str,
        metrics: Sequence[Any] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log to a run, in one request unless that is too large."""
        entities = self._entities
        all_params = [entities.Param(name, shorten(value, PARAM)) for name, value in _named(params or {}).items()]
        all_tags = [entities.RunTag(name, value) for name, value in _tags(tags or {}).items()]
        for metrics_now, params_now, tags_now in _requests(metrics, all_params, all_tags):
            self._client.log_batch(run_id, metrics_now, params_now, tags_now)

    def _check_server(self) -> None:
        """Check that the server can be reached.

        Raises
        ------
        OSError
            It cannot be reached.
        """
        if self._address is not None:
            socket.create_connection(self._address, CONNECT_SECONDS).close()


def _address(uri: str) -> tuple[str, int] | None:
    """Return host and port of a server; None for databases, and for a server behind a proxy."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return None
    if parts.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(parts.hostname):
        return None
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _name(given: str) -> str:
    """Return a name that MLflow allows for a metric, a parameter or a tag."""
    name = re.sub(r"[^/\w.\- ]", "_", given).strip()
    if not name or posixpath.normpath(name) != name or name.startswith(("..", "/")) or name == ".":
        name = re.sub(r"[/.]", "_", name) or "_"
    if len(name) > NAME:
        # Long names differ at their ends too.
        name = f"{name[: NAME - 9]}_{hashlib.sha256(given.encode(errors='replace')).hexdigest()[:8]}"
    return name


def _named(given: Mapping[str, T]) -> dict[str, T]:
    """Replace names by those that MLflow allows, which stay different."""
    found: dict[str, T] = {}
    for name, value in given.items():
        allowed = _name(name)
        if allowed in found:
            allowed = f"{allowed[: NAME - 9]}_{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:8]}"
        found[allowed] = value
    return found


def _tags(given: Mapping[str, str]) -> dict[str, str]:
    return {name: shorten(value, TAG) for name, value in _named(given).items()}


def _requests(
    metrics: Sequence[Any], params: list[Any], tags: list[Any]
) -> Iterator[tuple[list[Any], list[Any], list[Any]]]:
    """Divide what is logged into requests that MLflow allows."""
    now: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    size = 0
    for place, limit, entries in ((2, MOST_TAGS, tags), (1, MOST_PARAMS, params), (0, MOST_ENTRIES, metrics)):
        for entry in entries:
            n_bytes = len(json.dumps([entry.key, entry.value])) + 60
            if len(now[place]) == limit or sum(map(len, now)) == MOST_ENTRIES or size + n_bytes > MOST_BYTES:
                yield now
                now, size = ([], [], []), 0
            now[place].append(entry)
            size += n_bytes
    if any(now):
        yield now


def _requirements() -> list[str]:
    import cloudpickle
    import sklearn

    return [f"scikit-learn=={sklearn.__version__}", f"cloudpickle=={cloudpickle.__version__}"]


def _write_report(result: Any, path: Path) -> bool:
    """Write the report of a study or a search; False without plotly."""
    # Imported here: figures are made at the end of a run only.
    from hpcore.report import html

    try:
        html(result, path)
    except MissingDependency:
        return False
    return True
