"""Where time and workers meet the optimizer: the run loop, callbacks, progress."""

from hpcore.study.functions import maximize, minimize
from hpcore.study.study import Study

__all__ = ["Study", "maximize", "minimize"]
