"""Presets: an estimator for a task, with a search space that works well for it.

Ranges assume scaled features where `Preset.scale` is true. Regressors with penalties in the units of the target (svr,
elastic_net, mlp) get a standardised target, so that one range of ``C``, ``epsilon`` or ``alpha`` suits every data set;
their parameters are then named ``regressor__C``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpcore.errors import InvalidArgument, closest, require
from hpcore.space import Categorical, Float, Int, Space
from hpcore.tables.preset import TASKS, Parameters, Preset, Task, class_weights, up_to
from hpcore.tables.presets_boosting import BOOSTING

__all__ = [
    "MODELS",
    "TASKS",
    "Preset",
    "Task",
    "available",
    "build",
    "default_model",
    "find",
    "get",
    "names",
    "space",
]

# Below this many rows a support vector machine trains in milliseconds and is hard to beat on mostly numeric columns.
SMALL_ROWS = 2000


def names(task: Task | None = None) -> list[str]:
    """Return the names of all presets, or of those for one task, also of packages that are not installed."""
    return [name for name, preset in MODELS.items() if task is None or task in preset.tasks]


def available(task: Task | None = None) -> list[str]:
    """Return the names of the presets, or of those for one task, whose packages are installed; none is imported."""
    return [name for name in names(task) if MODELS[name].is_installed]


def find(name: str, task: Task | None = None) -> Preset:
    """Find a preset by name, also one of a package that is not installed.

    Parameters
    ----------
    name : str
        Name of the preset, one of `names`.
    task : {"classification", "regression"}, optional
        Task that the preset must support.

    Raises
    ------
    InvalidArgument
        There is no such preset, or it is not for this task; the message lists those that are.
    """
    preset = MODELS.get(name)
    if preset is None:
        raise InvalidArgument(
            f"model must be one of {', '.join(names(task))}, got {name!r}{closest(name, names(task))}"
        )
    if task is not None and task not in preset.tasks:
        raise InvalidArgument(
            f"model {name!r} is for {preset.tasks[0]}, but the task is {task}; choose one of {', '.join(names(task))}"
        )
    return preset


def get(name: str, task: Task | None = None) -> Preset:
    """Find a preset by name, of a package that is installed.

    Parameters
    ----------
    name : str
        Name of the preset, one of `names`.
    task : {"classification", "regression"}, optional
        Task that the preset must support.

    Raises
    ------
    InvalidArgument
        There is no such preset, or it is not for this task; the message lists those that are.
    MissingDependency
        The package of the model is not installed; the message names the extra that installs it.
    """
    preset = find(name, task)
    if preset.requires is not None and not preset.is_installed:
        require(preset.requires, preset.requires, f"model {name!r}")
    return preset


def default_model(task: Task, n_rows: int, numeric_share: float = 1.0) -> str:
    """Choose a model by the size of the data.

    Parameters
    ----------
    task : {"classification", "regression"}
        Kind of prediction.
    n_rows : int
        Number of rows of the data set.
    numeric_share : float, default=1.0
        Share of the columns that are numbers.

    Returns
    -------
    str
        Name of a support vector machine below 2,000 rows of mostly numeric columns, of gradient boosting otherwise.
    """
    if n_rows < SMALL_ROWS and numeric_share >= 0.5:
        return "svc" if task == "classification" else "svr"
    return "hist_gradient_boosting"


def space(name: str, task: Task, *, n_rows: int, prefix: str = "") -> Space:
    """Make the search space of a preset, whose package need not be installed.

    Parameters
    ----------
    name : str
        Name of the preset, one of `names`.
    task : {"classification", "regression"}
        Kind of prediction.
    n_rows : int
        Number of rows of one fit; see `build`.
    prefix : str, default=""
        Prefix of every parameter's name.

    Raises
    ------
    InvalidArgument
        The name is not known, or the model is not for this task.
    """
    preset = find(name, task)
    if task == "regression" and preset.scale_target:
        prefix += "regressor__"
    return Space(preset.space(task, n_rows, prefix))


def build(
    name: str, task: Task, *, n_rows: int, random_state: int | None = None, prefix: str = ""
) -> tuple[Any, Space]:
    """Make the estimator of a preset and the space to search for it.

    Parameters
    ----------
    name : str
        Name of the preset, one of `names`.
    task : {"classification", "regression"}
        Kind of prediction.
    n_rows : int
        Number of rows of one fit; bounds the neighbours of knn and the smallest leaves of trees, and decides whether
        lightgbm, xgboost and catboost stop early or have their number of rounds searched.
    random_state : int, optional
        Seed of the estimators that draw random numbers.
    prefix : str, default=""
        Prefix of every parameter's name, such as ``"model__"`` for the step "model" of a pipeline.

    Returns
    -------
    estimator : scikit-learn estimator
        Estimator that is not fitted.
    space : Space
        Search space with the names of ``estimator.set_params`` after `prefix`.

    Raises
    ------
    InvalidArgument
        The name is not known, or the model is not for this task.
    MissingDependency
        The package of the model cannot be imported; the message names the extra that installs it.
    """
    preset = get(name, task)
    estimator = preset.estimator(task, n_rows, random_state)
    if task == "regression" and preset.scale_target:
        estimator = _with_scaled_target(estimator, preset.single_precision)
    return estimator, space(name, task, n_rows=n_rows, prefix=prefix)


def _with_scaled_target(estimator: Any, single_precision: bool) -> Any:
    import numpy as np
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    scale: Any = StandardScaler()
    if single_precision:
        # Converted before the mean is added again: 1,000,000.5 is no number of single precision.
        double = FunctionTransformer(inverse_func=np.asarray, inv_kw_args={"dtype": np.float64}, check_inverse=False)
        scale = Pipeline([("scale", scale), ("double", double)])
    return TransformedTargetRegressor(estimator, transformer=scale)


def _svm(task: Task, n_rows: int, seed: int | None) -> Any:
    from sklearn.svm import SVC, SVR

    # A polynomial kernel with a large C can iterate for hours; useful fits need far fewer iterations.
    shared: dict[str, Any] = {"max_iter": 200_000, "cache_size": 500}
    return SVC(random_state=seed, **shared) if task == "classification" else SVR(**shared)


def _svm_space(task: Task, n_rows: int, p: str) -> Parameters:
    curved = {f"{p}kernel": ["rbf", "poly"]}
    space: Parameters = {
        f"{p}kernel": Categorical(["rbf", "poly", "linear"]),
        f"{p}C": Float(1e-2, 1e3, log=True),
        f"{p}gamma": Float(1e-4, 1.0, log=True, when=curved),
        f"{p}degree": Int(2, 4, when={f"{p}kernel": "poly"}),
        f"{p}coef0": Float(0.0, 1.0, when={f"{p}kernel": "poly"}),
    }
    if task == "regression":
        space[f"{p}epsilon"] = Float(1e-3, 1.0, log=True)
    return space | class_weights(task, p)


def _logistic(task: Task, n_rows: int, seed: int | None) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=2000, random_state=seed)


def _logistic_space(task: Task, n_rows: int, p: str) -> Parameters:
    return {f"{p}C": Float(1e-4, 1e4, log=True), **class_weights(task, p)}


def _ridge(task: Task, n_rows: int, seed: int | None) -> Any:
    from sklearn.linear_model import Ridge, RidgeClassifier

    return RidgeClassifier(random_state=seed) if task == "classification" else Ridge(random_state=seed)


def _ridge_space(task: Task, n_rows: int, p: str) -> Parameters:
    return {f"{p}alpha": Float(1e-3, 1e5, log=True), **class_weights(task, p)}


def _elastic_net(task: Task, n_rows: int, seed: int | None) -> Any:
    from sklearn.linear_model import ElasticNet

    return ElasticNet(max_iter=5000, random_state=seed)


def _elastic_net_space(task: Task, n_rows: int, p: str) -> Parameters:
    # Coordinate descent does not converge without an l1 penalty; ridge has its own preset.
    return {f"{p}alpha": Float(1e-5, 1.0, log=True), f"{p}l1_ratio": Float(0.01, 1.0)}


def _forest(classifier: str, regressor: str) -> Callable[[Task, int, int | None], Any]:
    def make(task: Task, n_rows: int, seed: int | None) -> Any:
        from sklearn import ensemble

        return getattr(ensemble, classifier if task == "classification" else regressor)(random_state=seed)

    return make


def _forest_space(task: Task, n_rows: int, p: str) -> Parameters:
    space: Parameters = {
        f"{p}n_estimators": Int(50, 400, log=True),
        f"{p}max_features": Float(0.05, 1.0),
        f"{p}min_samples_leaf": Int(1, up_to(n_rows // 10, 20), log=True),
        f"{p}max_depth": Int(3, 40, log=True),
        f"{p}bootstrap": Categorical([True, False]),
    }
    if n_rows >= 25:  # so that the smallest sample has ten rows
        space[f"{p}max_samples"] = Float(0.4, 1.0, when={f"{p}bootstrap": True})
    if task == "classification":
        space[f"{p}criterion"] = Categorical(["gini", "entropy"])
    return space | class_weights(task, p)


def _boosting(task: Task, n_rows: int, seed: int | None) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    # Early stopping holds out a stratified tenth of the rows, which fails for classes with few members; the number of
    # rounds is searched instead.
    kind = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
    return kind(early_stopping=False, random_state=seed)


def _boosting_space(task: Task, n_rows: int, p: str) -> Parameters:
    return {
        f"{p}learning_rate": Float(0.01, 0.5, log=True),
        f"{p}max_iter": Int(30, 400, log=True),
        f"{p}max_leaf_nodes": Int(3, 127, log=True),
        f"{p}min_samples_leaf": Int(2, up_to(n_rows // 5, 100, 3), log=True),
        f"{p}l2_regularization": Float(1e-6, 1e2, log=True),
        f"{p}max_features": Float(0.2, 1.0),
        **class_weights(task, p),
    }


def _knn(task: Task, n_rows: int, seed: int | None) -> Any:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    return KNeighborsClassifier() if task == "classification" else KNeighborsRegressor()


def _knn_space(task: Task, n_rows: int, p: str) -> Parameters:
    return {
        f"{p}n_neighbors": Int(1, up_to(n_rows // 2, 100), log=True),
        f"{p}weights": Categorical(["uniform", "distance"]),
        f"{p}metric": Categorical(["euclidean", "manhattan", "cosine"]),
    }


def _mlp(task: Task, n_rows: int, seed: int | None) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPClassifier if task == "classification" else MLPRegressor
    return kind(max_iter=300, random_state=seed)


def _mlp_space(task: Task, n_rows: int, p: str) -> Parameters:
    return {
        f"{p}hidden_layer_sizes": Categorical([(32,), (64,), (128,), (32, 32), (64, 64), (128, 64)]),
        f"{p}activation": Categorical(["relu", "tanh"]),
        f"{p}alpha": Float(1e-6, 1.0, log=True),
        f"{p}learning_rate_init": Float(3e-4, 3e-2, log=True),
    }


def _tree(task: Task, n_rows: int, seed: int | None) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    return (DecisionTreeClassifier if task == "classification" else DecisionTreeRegressor)(random_state=seed)


def _tree_space(task: Task, n_rows: int, p: str) -> Parameters:
    space: Parameters = {
        f"{p}max_depth": Int(1, 30, log=True),
        f"{p}min_samples_leaf": Int(1, up_to(n_rows // 5, 50), log=True),
        f"{p}max_features": Float(0.1, 1.0),
    }
    if task == "classification":
        space[f"{p}criterion"] = Categorical(["gini", "entropy"])
        # Only here is the impurity between 0 and 1; in a regression it is in squared units of the target.
        space[f"{p}ccp_alpha"] = Float(1e-6, 1e-1, log=True)
    return space | class_weights(task, p)


_BOTH = TASKS
MODELS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("svc", "support vector classifier", ("classification",), True, False, _svm, _svm_space),
        Preset("svr", "support vector regression", ("regression",), True, False, _svm, _svm_space, scale_target=True),
        Preset("logistic", "logistic regression", ("classification",), True, False, _logistic, _logistic_space),
        Preset("ridge", "linear model, l2 penalty", _BOTH, True, False, _ridge, _ridge_space),
        Preset(
            "elastic_net",
            "linear model, l1 and l2 penalty",
            ("regression",),
            True,
            False,
            _elastic_net,
            _elastic_net_space,
            scale_target=True,
        ),
        Preset(
            "random_forest",
            "random forest",
            _BOTH,
            False,
            False,
            _forest("RandomForestClassifier", "RandomForestRegressor"),
            _forest_space,
        ),
        Preset(
            "extra_trees",
            "extremely randomised trees",
            _BOTH,
            False,
            False,
            _forest("ExtraTreesClassifier", "ExtraTreesRegressor"),
            _forest_space,
        ),
        Preset("hist_gradient_boosting", "histogram gradient boosting", _BOTH, False, True, _boosting, _boosting_space),
        *BOOSTING,
        Preset("knn", "nearest neighbours", _BOTH, True, False, _knn, _knn_space),
        Preset("mlp", "neural network", _BOTH, True, False, _mlp, _mlp_space, scale_target=True),
        Preset("decision_tree", "a single decision tree", _BOTH, False, False, _tree, _tree_space),
    )
}
