"""Names of arguments in messages."""

from __future__ import annotations

import numpy as np

from hpcore.tables.wording import COMMAND, PYTHON


def test_options_and_parameters() -> None:
    assert COMMAND.option("cv") == "--cv" and PYTHON.option("cv") == "cv"
    assert COMMAND.option("cv", np.int64(5)) == "--cv 5" and PYTHON.option("cv", np.int64(5)) == "cv=5"
    assert COMMAND.option("task", "regression") == "--task regression"
    assert PYTHON.option("task", "regression") == "task='regression'"
    assert COMMAND.given("scoring", "f1") == "--scoring 'f1'" and PYTHON.given("scoring", "f1") == "scoring='f1'"
    assert COMMAND.target("price") == "target column 'price'"
    assert PYTHON.target("price") == "y ('price')" and PYTHON.target("y") == "y"


def test_arguments_that_only_a_call_has() -> None:
    assert f"pass{PYTHON.in_call} groups=" == "pass groups="
    assert f"pass{COMMAND.in_call} groups=" == "pass to hpcore.tables.autotune groups="
