"""Objects that are told of a fork in the child."""

from __future__ import annotations

import gc
import os
import weakref

import pytest

from hpcore.optimizer.forks import watch


class Owner:
    n_forks = 0

    def _after_fork(self) -> None:
        self.n_forks += 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_the_child_is_told_and_the_parent_is_not() -> None:
    owner, other = Owner(), Owner()
    watch(owner)
    watch(owner)
    child = os.fork()
    if child == 0:
        os._exit(10 * owner.n_forks + other.n_forks)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 10
    assert owner.n_forks == 0


def test_an_object_is_not_kept_alive() -> None:
    owner = Owner()
    watch(owner)
    there = weakref.ref(owner)
    del owner
    gc.collect()
    assert there() is None
