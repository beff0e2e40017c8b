"""Studies: runs of an objective with workers, stopping rules, callbacks, progress and a store."""

from hpcore.study.functions import maximize, minimize
from hpcore.study.stored import delete_study, list_studies, load_study, view_study
from hpcore.study.study import Study

__all__ = ["Study", "delete_study", "list_studies", "load_study", "maximize", "minimize", "view_study"]
