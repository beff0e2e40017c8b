"""Names that help shows, against their sources."""

from __future__ import annotations

from sklearn import datasets

from hpcore.tables import presets
from hpcore.tables.catalogue import CLASSIFICATION_MODELS, DATA_SETS, REGRESSION_MODELS


def test_catalogue_is_true() -> None:
    assert tuple(presets.names("classification")) == CLASSIFICATION_MODELS
    assert tuple(presets.names("regression")) == REGRESSION_MODELS
    for name, text in DATA_SETS.items():
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        assert f"{X.shape[0]} rows, {X.shape[1]} columns" in text
        assert ("regression" in text) == (len(set(y)) > 20)
