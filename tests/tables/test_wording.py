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
