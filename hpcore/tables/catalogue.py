"""Names that the help text shows, copied here so that help need not import scikit-learn; a test compares them."""

from __future__ import annotations

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
    "knn",
    "mlp",
    "decision_tree",
)
