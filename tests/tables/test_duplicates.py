"""Equal rows in both parts of a fold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold

from hpcore.tables.duplicates import DUPLICATES, duplicates, row_ids

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(200, 3)), columns=["a", "b", "c"]).assign(word=RNG.choice(["u", "v"], 200))
FOLDS = list(KFold(5, shuffle=True, random_state=0).split(FRAME))


def with_copies(n: int) -> pd.DataFrame:
    frame = FRAME.copy()
    frame.iloc[-n:] = frame.iloc[:n].to_numpy()
    return frame


def test_the_share_is_counted_in_the_folds() -> None:
    frame = with_copies(40)
    rows = [tuple(row) for row in frame.to_numpy()]
    equal = sum(rows[i] in {rows[j] for j in train} for train, test in FOLDS for i in test)
    remark = duplicates(frame, FOLDS)
    assert remark is not None and remark.kind == "duplicates"
    assert remark.text.startswith(f"{100 * equal / 200:.3g} % of the test rows equal a training row in every feature")
    assert "groups=" in remark.text
    grouped = list(GroupKFold(5).split(frame, groups=row_ids(frame)))
    assert duplicates(frame, grouped, grouped=True) is None
    said = duplicates(frame, FOLDS, grouped=True)
    assert said is not None and "the groups do not keep them together" in said.text


def test_few_copies_and_copies_of_one_part_are_no_matter() -> None:
    assert duplicates(FRAME, FOLDS) is None
    n = int(DUPLICATES * 200 / 2)
    assert duplicates(with_copies(n), FOLDS) is None
    frame = with_copies(40)
    first = np.arange(200)
    assert duplicates(frame, [(first[:40], first[40:160]), (first[40:160], first[160:])]) is None


@pytest.mark.parametrize("n_columns", [2, 4])
def test_a_few_categories_are_equal_by_chance(n_columns: int) -> None:
    frame = pd.DataFrame(RNG.choice(["u", "v", "w"], size=(200, n_columns)))
    assert duplicates(frame, FOLDS) is None


def test_cells_that_are_equal() -> None:
    frame = pd.DataFrame(
        {
            "a": [0.0, -0.0, np.nan, np.nan, 1.0, 1.0],
            "b": [1, 1, 2, 2, 3, 4],
            "c": ["u", "u", None, np.nan, "v", "v"],
            "d": pd.to_datetime(["2024-01-01", "2024-01-01", None, None, "2024-01-02", "2024-01-02"]),
            "e": [True, True, False, False, True, True],
        }
    )
    ids = row_ids(frame)
    assert ids[0] == ids[1] and ids[2] == ids[3] and ids[4] != ids[5] and len(set(ids)) == 4
    assert len(set(row_ids(frame[["c"]]))) == 3
    assert row_ids(frame[[]]).tolist() == [0] * 6 and row_ids(frame[:0]).tolist() == []
    assert len(set(row_ids(pd.DataFrame({"a": [[1], [1], [2]]})))) == 2
