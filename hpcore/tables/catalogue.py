"""Names that the help text shows, copied here so that help need not import scikit-learn; a test compares them."""

from __future__ import annotations

from importlib.util import find_spec

DATA_SETS: dict[str, str] = {
    "breast_cancer": "569 rows, 30 columns, 2 classes",
    "digits": "1797 rows, 64 columns, 10 classes",
    "wine": "178 rows, 13 columns, 3 classes",
    "iris": "150 rows, 4 columns, 3 classes",
    "diabetes": "442 rows, 10 columns, regression",
}

CLASSIFICATION_MODELS = (
    "svc",
    "logistic",
    "ridge",
    "random_forest",
    "extra_trees",
    "hist_gradient_boosting",
    "lightgbm",
    "xgboost",
    "catboost",
    "knn",
    "mlp",
    "decision_tree",
)
REGRESSION_MODELS = (
    "svr",
    "ridge",
    "elastic_net",
    "random_forest",
    "extra_trees",
    "hist_gradient_boosting",
    "lightgbm",
    "xgboost",
    "catboost",
    "knn",
    "mlp",
    "decision_tree",
)

# Models of optional packages. The package, its module and the extra of hpcore have the name of the model.
OPTIONAL_MODELS = ("lightgbm", "xgboost", "catboost")


def is_installed(module: str) -> bool:
    """Tell whether a module can be found, without its import."""
    return find_spec(module) is not None


def with_remark(model: str) -> str:
    """Return the name of a model, with a remark if its package is not installed."""
    return f"{model} (not installed)" if model in OPTIONAL_MODELS and not is_installed(model) else model
