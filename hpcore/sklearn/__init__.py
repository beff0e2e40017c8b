"""Drop-in search for scikit-learn: `SearchCV` takes the place of `GridSearchCV` and `RandomizedSearchCV`."""

from hpcore.evaluation.hypergradients.losses import neg_squared_hinge
from hpcore.schedulers.racing import Racing
from hpcore.sklearn.choices import OneStandardError
from hpcore.sklearn.errors import AllFitsFailed, NoScoreYet, SearchInterrupted
from hpcore.sklearn.groups import GroupLogisticRegression, GroupRidge
from hpcore.sklearn.nested import NestedScores, nested_cross_validate
from hpcore.sklearn.search import SearchCV

__all__ = [
    "AllFitsFailed",
    "GroupLogisticRegression",
    "GroupRidge",
    "NestedScores",
    "NoScoreYet",
    "OneStandardError",
    "Racing",
    "SearchCV",
    "SearchInterrupted",
    "neg_squared_hinge",
    "nested_cross_validate",
]
