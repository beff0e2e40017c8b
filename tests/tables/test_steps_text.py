"""Categories and prose as numbers."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import OneHotEncoder

from hpcore.errors import InvalidArgument
from hpcore.evaluation.purity import is_pure
from hpcore.tables.steps_text import LevelEncoder, ProseComponents

rng = np.random.default_rng(0)
N = 300
LEVELS = pd.DataFrame({"city": [f"c{i}" for i in rng.integers(40, size=N)], "job": [f"j{i % 50}" for i in range(N)]})
NUMBERS = rng.normal(size=N) + LEVELS["city"].str.slice(1).astype(float).to_numpy()
WORDS = np.array([f"word{i}" for i in range(30)])
TEXTS = pd.DataFrame({"t": [" ".join(WORDS[rng.integers(30, size=6)]) for _ in range(N)]})


def test_a_row_is_not_encoded_by_its_own_target() -> None:
    out = LevelEncoder().fit_transform(LEVELS, NUMBERS)
    changed = NUMBERS.copy()
    changed[7] += 1000.0
    other = LevelEncoder().fit_transform(LEVELS, changed)
    np.testing.assert_array_equal(out[7], other[7])
    assert (out != other).any(axis=1).sum() > N / 2


def test_means_are_those_of_the_levels() -> None:
    many = pd.DataFrame({"w": np.repeat([f"w{i}" for i in range(40)], 50)})
    y = np.tile([1.0, 0.0], 1000) * np.repeat(np.arange(40.0), 50)
    means = LevelEncoder().fit(many, y).transform(many.iloc[::50])[:, 0]
    # Fifty rows each: hardly shrunk to the overall mean of 9.75.
    np.testing.assert_allclose(means, np.arange(40) / 2, atol=0.05 * 20)
    assert (np.diff(means) > 0).all()
    np.testing.assert_allclose(LevelEncoder().fit(many, y).transform(pd.DataFrame({"w": ["new"]})), [[y.mean()]])


TARGETS: dict[str, tuple[Any, list[str]]] = {
    "numbers": (NUMBERS, ["city", "job"]),
    "whole numbers as floats": (NUMBERS.round(), ["city", "job"]),
    "two classes": (NUMBERS > 20, ["city", "job"]),
    "two words": (np.where(NUMBERS > 20, "a", "b").astype(object), ["city", "job"]),
    "three classes": (
        np.array(["x", "y", "z"], dtype=object)[np.digitize(NUMBERS, [10, 30])],
        ["city_x", "city_y", "city_z", "job_x", "job_y", "job_z"],
    ),
    "a class of one row": (
        np.r_[0, 1 + np.arange(N - 1) % 2],
        [f"{name}_{k}" for name in ("city", "job") for k in range(3)],
    ),
    "one class": (np.zeros(N, dtype=int), ["city", "job"]),
    "a series": (pd.Series(np.where(NUMBERS > 20, "a", "b")), ["city", "job"]),
}


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("name", TARGETS)
def test_targets(name: str, scale: bool) -> None:
    y, names = TARGETS[name]
    step = LevelEncoder(scale=scale)
    out = step.fit_transform(LEVELS, y)
    assert list(step.get_feature_names_out()) == names
    assert out.dtype == float and out.shape == (N, len(names)) and np.isfinite(out).all()
    if scale and name != "one class":
        np.testing.assert_allclose(out.std(axis=0), 1)
    again = pickle.loads(pickle.dumps(clone(step).fit(LEVELS, y)))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(again.transform(LEVELS), step.transform(LEVELS))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_rows(n: int) -> None:
    for y in (NUMBERS[:n], np.arange(n)):
        assert np.isfinite(LevelEncoder().fit_transform(LEVELS[:n], y)).all()


def test_indicators() -> None:
    step = LevelEncoder("one_hot", max_categories=10)
    plain = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=10, sparse_output=False)
    np.testing.assert_array_equal(step.fit_transform(LEVELS), plain.fit_transform(LEVELS))
    assert list(step.get_feature_names_out()) == list(plain.get_feature_names_out())
    strange = LEVELS.assign(city="nowhere")
    np.testing.assert_array_equal(step.transform(strange), plain.transform(strange))


def test_wrong_arguments() -> None:
    with pytest.raises(InvalidArgument, match="encoding must be 'target' or 'one_hot', got 'ordinal'"):
        LevelEncoder("ordinal").fit(LEVELS, NUMBERS)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="needs y"):
        LevelEncoder().fit(LEVELS)
    with pytest.raises(InvalidArgument, match="n_components must be at least 1, got 0"):
        ProseComponents(0).fit(TEXTS)


def test_components_are_those_of_a_dense_decomposition() -> None:
    weights = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit_transform(TEXTS["t"]).toarray()
    u, s, _ = np.linalg.svd(weights, full_matrices=False)
    step = ProseComponents(3)
    out = step.fit_transform(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(out, axis=0), s[:3], rtol=2e-2)
    assert np.abs(u[:, 0] @ out[:, 0]) == pytest.approx(s[0], rel=1e-6)
    np.testing.assert_allclose(step.transform(TEXTS), out, rtol=0, atol=1e-12)
    assert list(step.get_feature_names_out()) == ["t_text0", "t_text1", "t_text2"]


def test_scaled_components_keep_their_relative_sizes() -> None:
    plain, scaled = ProseComponents(5).fit_transform(TEXTS), ProseComponents(5, scale=True).fit_transform(TEXTS)
    assert scaled.std(axis=0).max() == pytest.approx(1)
    np.testing.assert_allclose(scaled * plain.std(axis=0).max(), plain)


def test_terms_themselves_where_they_are_few() -> None:
    step = ProseComponents(4)
    out = step.fit_transform(pd.DataFrame({"t": ["red", "red", "blue sky", "blue", "green", None]}))
    np.testing.assert_array_equal(out, [[0, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0] * 4, [0] * 4])


POOR: dict[str, list[Any]] = {
    "missing": [None, "", np.nan, ""],
    "no word": ["!", "...", "a b c", "1 2"],
    "no word twice": ["one two", "three four", "five six", "seven eight"],
    "one row": ["a single row of words"],
    "equal rows": ["the same words in each row"] * 40,
    "two rows": ["good plot and good cast", "bad plot and bad cast", ""],
    "no text": [1, 2.5, True, ["list"]],
}


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("name", POOR)
def test_poor_vocabularies(name: str, scale: bool) -> None:
    frame = pd.DataFrame({"t": pd.Series(POOR[name], dtype=object), "u": "a word of another column"})
    for n in (1, 2, 64):
        step = ProseComponents(n, scale=scale)
        out = step.fit_transform(frame)
        assert out.shape == (len(frame), 2 * n) and np.isfinite(out).all()
        np.testing.assert_allclose(step.transform(frame), out, atol=1e-12)
        if name not in ("equal rows", "two rows"):
            np.testing.assert_array_equal(out[:, :n], 0)


@pytest.mark.parametrize("step", [LevelEncoder(), LevelEncoder("one_hot"), ProseComponents(4)], ids=str)
def test_they_are_pure(step: Any) -> None:
    assert is_pure(step)
    X = LEVELS if isinstance(step, LevelEncoder) else TEXTS
    before, y = X.copy(), NUMBERS.copy()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first = clone(step).fit_transform(X, y)
    fitted = clone(step).fit(X, y)
    frozen = pickle.dumps(fitted)
    np.testing.assert_array_equal(fitted.transform(X[::-1])[::-1], fitted.transform(X))
    assert pickle.dumps(fitted) == frozen
    np.testing.assert_array_equal(clone(step).fit_transform(X, y), first)
    pd.testing.assert_frame_equal(X, before)
    np.testing.assert_array_equal(y, NUMBERS)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
