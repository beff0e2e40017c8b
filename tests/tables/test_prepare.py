"""From a table to a search, without the command line."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, StratifiedKFold

from hpcore import tables
from hpcore.errors import InvalidArgument
from hpcore.tables import leakage
from hpcore.tables.data import load
from hpcore.tables.prepare import assess, prepare
from hpcore.tables.table import Table


def test_everything_is_decided() -> None:
    prepared = prepare(load("iris"), n_folds=5, seed=1)
    assert (prepared.model, prepared.scoring, prepared.problem.task) == ("svc", "accuracy", "classification")
    assert isinstance(prepared.folds, StratifiedKFold) and prepared.folds.get_n_splits() == 5
    assert set(prepared.space) <= set(prepared.pipeline.get_params())
    assert any(notice.startswith("model svc, which suits 150 rows") for notice in prepared.notices)
    constant, leaks = assess(prepared)
    np.testing.assert_allclose(constant, 1 / 3)
    assert leaks == []


def test_a_frame_in_memory_and_choices() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "word": ["u", "v", "w"] * 20, "one": 1, "y": rng.normal(size=60)})
    options = {"target": "y", "model": "ridge", "scoring": "neg_mean_absolute_error"}
    prepared = prepare(Table("frame", frame, bundled=False), **options)  # type: ignore[arg-type]
    assert (prepared.model, prepared.scoring, prepared.problem.task) == (
        "ridge",
        "neg_mean_absolute_error",
        "regression",
    )
    assert isinstance(prepared.folds, KFold)
    assert "'one' left out: one value in every row" in prepared.notices
    fitted = prepared.pipeline.fit(prepared.problem.X, prepared.problem.y)
    np.testing.assert_array_equal(fitted.predict(frame), fitted.predict(prepared.problem.X))


def test_encodings_are_searched() -> None:
    rng = np.random.default_rng(0)
    words = ["good", "bad", "very", "plot", "cast", "story", "the", "of", "it", "was"]
    frame = pd.DataFrame(
        {"city": [f"c{i}" for i in rng.integers(40, size=240)], "x": rng.normal(size=240),
         "text": [" ".join(rng.choice(words, 12)) for _ in range(240)]}
    )  # fmt: skip
    frame["y"] = np.where(frame["text"].str.contains("plot") ^ (frame["city"] < "c2"), "u", "v")
    for model in ("svc", "hist_gradient_boosting"):
        prepared = prepare(Table("frame", frame, bundled=False), target="y", model=model, seed=4)
        assert (prepared.columns.text, prepared.columns.prose) == (["city"], ["text"])
        assert set(prepared.space) <= set(prepared.pipeline.get_params())
        encodings = {name for name in prepared.space if name.startswith("prepare__")}
        assert encodings == {"prepare__encode__high_cardinality__encoding", "prepare__encode__prose__n_components"}
        assert prepared.pipeline.get_params()["prepare__encode__high_cardinality__random_state"] == 4
        fitted = prepared.pipeline.fit(prepared.problem.X, prepared.problem.y)
        assert fitted.score(frame, prepared.problem.y) > 0.8
        assert set(fitted.predict(frame[:9].assign(text=None, city=None))) <= {"u", "v"}
    assert not any(name.startswith("prepare__") for name in prepare(load("iris")).space)


def test_wrong_choices() -> None:
    for options in ({"model": "svr"}, {"target": "none"}, {"scoring": "r2"}, {"n_folds": 51}):
        with pytest.raises(InvalidArgument):
            prepare(load("iris"), **options)  # type: ignore[arg-type]


def test_wide_tables_are_checked_as_far_as_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leakage, "SECONDS", -1.0)
    prepared = prepare(load("iris"))
    assess(prepared)
    assert "0 of 4 columns were checked for whether they alone predict 'target'" in prepared.notices


def test_a_saved_pipeline_is_robust() -> None:
    rng = np.random.default_rng(0)
    price, rate = rng.uniform(0, 9000, 200), rng.uniform(0, 100, 200)
    region = rng.choice(["NA", "EU", "AS"], 200)
    classes = np.where((price > 4500) ^ (region == "NA"), "None", "some ")
    rows = [f'"${p:,.2f}",{r:.1f}%,{g},{c}\n' for p, r, g, c in zip(price, rate, region, classes, strict=True)]
    Path("t.csv").write_text("price, rate,region,y\n" + "".join(rows))
    prepared = prepare(load("t.csv"), target="y", model="decision_tree")
    assert len(prepared.problem.y) == 200
    fitted = prepared.pipeline.fit(prepared.problem.X, prepared.problem.y)
    model = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - our own bytes
    assert "region_NA" in set(model[:-1].get_feature_names_out())
    plain = pd.read_csv("t.csv")
    answers = model.predict(plain)
    assert (answers == np.char.strip(classes)).mean() > 0.9
    assert (
        model.predict(plain.assign(price=plain["price"].str.replace("[$,]", "", regex=True).astype(float))) == answers
    ).all()
    assert (model.predict(plain.iloc[::-1][plain.columns[::-1]])[::-1] == answers).all()
    with pytest.raises(InvalidArgument, match="lacks 'price', 'region'"):
        model.predict(plain[[" rate"]])
    with pytest.raises(InvalidArgument, match="DataFrame"):
        model.predict(plain.to_numpy())


def rare() -> Table:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(c=x[:, 0], state=np.where(x[:, 0] > 1.2, "sick", "well"))
    return Table("t.csv", frame, bundled=False)


def test_columns_that_are_dropped() -> None:
    prepared = prepare(rare(), target="state", drop=["c", "a", "c"])
    assert list(prepared.problem.X) == ["b"]
    for drop, words in (
        (["aa"], "--drop must name a column of 't.csv', got 'aa'; did you mean"),
        (["state"], "predict"),
    ):
        with pytest.raises(InvalidArgument, match=words):
            prepare(rare(), target="state", drop=drop)
    with pytest.raises(InvalidArgument, match="at least one column besides the target 'state'"):
        prepare(rare(), target="state", drop=["a", "b", "c"])


def test_a_positive_class() -> None:
    for positive in ("sick", "well"):
        prepared = prepare(rare(), target="state", model="logistic", scoring="recall", positive=positive)
        assert prepared.scoring == "recall" and not isinstance(prepared.scorer, str)
        constant, leaks = assess(prepared)
        np.testing.assert_array_equal(constant, float(positive == "well"))
        assert {leak.column for leak in leaks} == {"a", "c"}
        fitted = prepared.pipeline.fit(prepared.problem.X, prepared.problem.y)
        own = fitted.predict(prepared.problem.X)[prepared.problem.y == positive] == positive
        assert prepared.scorer(fitted, prepared.problem.X, prepared.problem.y) == pytest.approx(own.mean())
    with pytest.raises(InvalidArgument, match="--positive 'sick' or --positive 'well'"):
        prepare(rare(), target="state", scoring="recall")
    with pytest.raises(InvalidArgument, match="--positive must be a class of 'state', 'sick' or 'well', got 'ill'"):
        prepare(rare(), target="state", scoring="recall", positive="ill")


def test_imbalanced_classes_are_scored_by_their_ranking_unless_asked() -> None:
    prepared = prepare(rare(), target="state")
    assert prepared.scoring == prepared.scorer == "roc_auc"
    assert any(
        "the score is roc_auc, because" in notice and "(--scoring overrides)" in notice for notice in prepared.notices
    )
    prepared = prepare(rare(), target="state", scoring="accuracy", positive="sick")
    assert prepared.scoring == "accuracy"
    assert any(notice.startswith("accuracy misleads, because") for notice in prepared.notices)
    assert "accuracy does not depend on the positive class, 'sick'" in prepared.notices


def test_no_command_line_is_needed() -> None:
    for path in Path(tables.__file__).parent.glob("*.py"):
        assert "import click" not in path.read_text()
