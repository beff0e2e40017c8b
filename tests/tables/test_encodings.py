"""Choices of the preprocessing that are searched."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hpcore.space import Categorical
from hpcore.tables.columns import classify
from hpcore.tables.encodings import encoding_space
from hpcore.tables.preprocessing import preprocessor
from hpcore.tables.table import Columns


def test_nothing_to_choose() -> None:
    columns = Columns(numbers=["a"], text=["b", "c"], dates={"d": None}, levels={"b": 3, "c": 30})
    assert encoding_space(columns, "prepare__") == {}


def test_every_choice_is_a_parameter_of_the_pipeline() -> None:
    rng = np.random.default_rng(0)
    words = ["good", "bad", "very", "plot", "cast", "story", "the", "of"]
    frame = pd.DataFrame(
        {"city": [f"c{i % 40}" for i in range(200)], "text": [" ".join(rng.choice(words, 8)) for _ in range(200)]}
    )
    columns = classify(frame)
    space = encoding_space(columns, "prepare__")
    assert list(space) == ["prepare__encode__high_cardinality__encoding", "prepare__encode__prose__n_components"]
    encode = preprocessor(columns, scale=False, missing=False)
    widths = {}
    for name, parameter in encoding_space(columns).items():
        default = encode.get_params()[name]
        assert isinstance(parameter, Categorical) and default in (*parameter.choices, 32)
        for value in parameter.choices:
            assert type(value) in (str, int)
            encode.set_params(**{name: value})
            widths[value] = encode.fit_transform(frame, rng.normal(size=200)).shape[1]
        encode.set_params(**{name: default})
    assert widths == {"target": 33, "one_hot": 62, 8: 9, 32: 33, 128: 129}
