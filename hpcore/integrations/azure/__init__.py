"""Sweeps of Azure ML on this machine, and the names of its SDK v1, so that scripts and files read as they are."""

from hpcore.integrations.azure.expressions import (
    Expression,
    choice,
    lognormal,
    loguniform,
    normal,
    qlognormal,
    qloguniform,
    qnormal,
    quniform,
    randint,
    uniform,
)
from hpcore.integrations.azure.hyperdrive import HyperDriveConfig, PrimaryMetricGoal
from hpcore.integrations.azure.policies import (
    BanditPolicy,
    MedianStoppingPolicy,
    NoTerminationPolicy,
    TruncationSelectionPolicy,
)
from hpcore.integrations.azure.samplings import (
    BayesianParameterSampling,
    GridParameterSampling,
    RandomParameterSampling,
)
from hpcore.integrations.azure.sweeping import Sweep, sweep

__all__ = [
    "BanditPolicy",
    "BayesianParameterSampling",
    "Expression",
    "GridParameterSampling",
    "HyperDriveConfig",
    "MedianStoppingPolicy",
    "NoTerminationPolicy",
    "PrimaryMetricGoal",
    "RandomParameterSampling",
    "Sweep",
    "TruncationSelectionPolicy",
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "sweep",
    "uniform",
]
