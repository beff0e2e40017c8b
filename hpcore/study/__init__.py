"""Where time, workers and storage meet the optimizer: the run loop, callbacks, stopping rules, progress."""

from hpcore.study.functions import maximize, minimize
from hpcore.study.stored import delete_study, list_studies, load_study
from hpcore.study.study import Study

__all__ = ["Study", "delete_study", "list_studies", "load_study", "maximize", "minimize"]
