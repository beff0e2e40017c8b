"""Result of `autotune`: the best model, how the others compare, and what to know about the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from hpcore.errors import InvalidArgument
from hpcore.tables.frames import as_frame
from hpcore.tables.leaderboard import Row, as_text, to_frame

if TYPE_CHECKING:
    import pandas as pd

    from hpcore.sklearn import SearchCV
    from hpcore.tables.remark import Remark
    from hpcore.tables.target import Problem

__all__ = ["AutoTuned"]


def _has(name: str) -> Any:
    def check(tuned: AutoTuned) -> bool:
        getattr(tuned.estimator_, name)  # whose AttributeError says what is missing
        return True

    return check


@dataclass(repr=False, eq=False)
class AutoTuned:
    """Models that `autotune` has compared and tuned.

    Attributes
    ----------
    best_model_ : str
        Name of the best model.
    best_params_ : dict
        Its parameters, as ``model__...`` and ``prepare__...`` of `best_estimator_`.
    best_estimator_ : Pipeline
        Pipeline of preprocessing and the best model, fitted to all rows. It takes frames with the columns of `X`.
    best_score_, score_std_ : float
        Mean and standard deviation of its score over the folds.
    best_score_corrected_ : float or None
        Estimate of `best_score_` without the bias of a choice among many candidates, see `SearchCV`; None where there
        are too few of them.
    default_score_ : float or None
        Score of the best model with its own parameters; None if that was not evaluated in all folds.
    constant_score_ : float or None
        Score of a constant answer on the same folds; None where it is not defined.
    scoring_ : str
        Name of the score, higher is better.
    ensemble : VotingClassifier, VotingRegressor or None
        Weighted mean of several pipelines, each fitted to all rows, if an ensemble was asked for and is better on rows
        that its members had not seen.
    ensemble_score_ : float or None
        Score of the ensemble on these rows, over the same folds.
    remarks : tuple of Remark
        Facts about the data and the result that a reader of the score should know.
    notices : tuple of str
        How the columns were read.
    n_trials_ : int
        Number of candidates that were evaluated.
    seconds_ : float
        Seconds that all of it took.
    search_ : SearchCV
        Search with the table of all candidates, ``cv_results_``.
    problem : Problem
        Task: the name of the target, the kind of prediction.
    """

    best_model_: str
    best_params_: dict[str, Any]
    best_estimator_: Any
    best_score_: float
    score_std_: float
    best_score_corrected_: float | None
    default_score_: float | None
    constant_score_: float | None
    scoring_: str
    ensemble: Any
    ensemble_score_: float | None
    remarks: tuple[Remark, ...]
    notices: tuple[str, ...]
    n_trials_: int
    seconds_: float
    search_: SearchCV
    problem: Problem
    rows: Sequence[Row]

    @property
    def leaderboard(self) -> pd.DataFrame:
        """Table with a row for each model, the best first: score and its interval, seconds, number of candidates, score
        of the model's default, and the p-value of a paired test against the best model on common folds. The score of a
        model whose candidates were all stopped before their last fold is an estimate (``estimated``, ``n_folds``); one
        whose candidates had a part of the rows only (``resource``) has none and is last."""
        return to_frame(self.rows)

    @property
    def beats_constant_(self) -> bool:
        """True if no remark says that the best model does not clearly beat a constant answer."""
        return all(remark.kind != "constant" for remark in self.remarks)

    @property
    def estimator_(self) -> Any:
        """Estimator that predicts: the ensemble if there is one, otherwise the best pipeline."""
        return self.best_estimator_ if self.ensemble is None else self.ensemble

    @property
    def classes_(self) -> Any:
        """Classes of a classification, in the order of the columns of `predict_proba`."""
        return self.estimator_.classes_

    def predict(self, X: Any) -> Any:
        """Predict rows by `estimator_`.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n, n_features)
            Rows with the columns of the data.

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.estimator_.predict(_rows(X))

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Predict the probabilities of `classes_`; only models with probabilities have this method.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n, n_features)
            Rows with the columns of the data.

        Returns
        -------
        ndarray of shape (n, n_classes)
        """
        return self.estimator_.predict_proba(_rows(X))

    @available_if(_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Any:
        """Return the decision values of rows, of a model that has them; see `predict_proba`."""
        return self.estimator_.decision_function(_rows(X))

    def __sklearn_tags__(self) -> Any:
        # By which scorers of scikit-learn know what is predicted.
        return get_tags(self.estimator_)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    @property
    def report(self) -> str:
        """Text with scores, leaderboard, parameters, how the columns were read, and remarks.
        ``hpcore.report.html(tuned.search_, path)`` writes a page with pictures of the search."""
        return self._text()

    def save(self, directory: str | Path) -> list[Path]:
        """Save the model, so that it predicts without hpcore.

        Parameters
        ----------
        directory : str or Path
            Directory, which is made if it does not exist. It gets the model, ``predict.py`` that loads it, the code of
            the preprocessing, ``requirements.txt`` with exact versions, and ``model.json``.

        Returns
        -------
        list of Path
            Files that were written.
        """
        import joblib

        from hpcore.records.files import replace_file
        from hpcore.tables.deploy import MODEL, save_deployment

        directory = Path(directory)
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise InvalidArgument(f"directory must be a directory, but there is a file: {error.filename!r}") from error
        model = replace_file(directory / MODEL, lambda part: joblib.dump(self.estimator_, part))
        return [model, *save_deployment(directory, self.estimator_, facts=self.facts())]

    def facts(self) -> dict[str, Any]:
        """Return what a saved model says of itself."""
        return {
            "data": self.problem.name,
            "rows": len(self.problem.y),
            "target": self.problem.target,
            "task": self.problem.task,
            "model": "ensemble" if self.ensemble is not None else self.best_model_,
            "scoring": self.scoring_,
            "score": self.best_score_ if self.ensemble is None else self.ensemble_score_,
            "score_std": self.score_std_ if self.ensemble is None else None,
            "folds": self.search_.n_splits_,
            "constant_score": self.constant_score_,
            "params": dict(self.best_params_),
        }

    def _text(self) -> str:
        lines = [
            f"{self.best_model_} for {self.problem.task} of {self.problem.target!r}: {self.scoring_} "
            f"{self.best_score_:.4f} +- {self.score_std_:.4f} over the folds, {self.n_trials_} candidates, "
            f"{self.seconds_:.1f} s",
        ]
        for name, value in (
            ("corrected for the choice of the best", self.best_score_corrected_),
            ("this model's default", self.default_score_),
            ("a constant answer", self.constant_score_),
            (self._about_ensemble(), self.ensemble_score_),
        ):
            if value is not None:
                lines.append(f"  {value:.4f}  {name}")
        lines += ["", as_text(self.rows), "", "parameters"]
        lines += [f"  {name}  {_shown(value)}" for name, value in self.best_params_.items()]
        if self.notices:
            lines += ["", *(f"note: {notice}" for notice in self.notices)]
        if self.remarks:
            lines += ["", *(f"remark: {remark.text}" for remark in self.remarks)]
        return "\n".join(lines)

    def _about_ensemble(self) -> str:
        return (
            "" if self.ensemble is None else f"ensemble of {len(self.ensemble.estimators_)} candidates, which predicts"
        )

    def __repr__(self) -> str:
        return self._text()


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _rows(X: Any) -> pd.DataFrame:
    """Return rows to predict as a data frame.

    Raises
    ------
    InvalidArgument
        There are none.
    """
    frame = as_frame(X)
    if not len(frame):
        raise InvalidArgument("X must have rows to predict, got 0")
    return frame


def own_params(model: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a candidate's parameters under the names of the model's own pipeline."""
    prefix = f"{model}__"
    return {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}
