"""Compact summary of a fitted search as HTML, for notebooks."""

from __future__ import annotations

import math
from typing import Any

from hpcore.records.words import duration, shown_value
from hpcore.study.summary_html import facts_of, page, params_table

__all__ = ["search_html"]


def search_html(search: Any) -> str:
    """Return the summary of a fitted `SearchCV`; empty before the fit."""
    results = getattr(search, "cv_results_", None)
    if results is None:
        return ""
    facts = {**facts_of(search.optimizer_), "folds": str(search.n_splits_)}
    facts["candidates"] = facts.pop("trials")
    facts.pop("direction")
    scorers = getattr(search, "scorer_", None)
    facts["scoring"] = ", ".join(scorers) if isinstance(scorers, dict) else shown_value(search.scoring or "")
    if hasattr(search, "n_resources_"):
        facts["resources"] = ", ".join(map(str, search.n_resources_))
    facts["fits and scoring"] = f"{duration(float(search.time_fitting_))} summed over the workers"
    if hasattr(search, "refit_time_"):
        facts["refit"] = duration(float(search.refit_time_))
    if getattr(search, "interrupted_", False):
        facts["ended"] = "by Ctrl-C"
    row = getattr(search, "best_index_", None)
    if row is None:
        return page("SearchCV", facts, [])
    best = f"best candidate {search.trial_numbers_[row]}"
    if hasattr(search, "best_score_"):
        corrected = float(getattr(search, "best_score_corrected_", math.nan))
        also = f" ({corrected:.6g} without the bias of the choice)" if math.isfinite(corrected) else ""
        best = f"best score {float(search.best_score_):.6g}{also}, candidate {search.trial_numbers_[row]}"
    return page("SearchCV", facts, [params_table(best, search.best_params_)])
