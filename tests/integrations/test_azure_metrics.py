"""Values of a metric in what programs print, and command lines with placeholders."""

from __future__ import annotations

import math
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hpcore.errors import InvalidArgument
from hpcore.integrations.azure.metrics import MetricReader
from hpcore.integrations.azure.placeholders import Template, as_text


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("loss: 0.25", 0.25),
        ("loss=0.25", 0.25),
        ("  loss = -1e-3  ", -1e-3),
        ("epoch 3/10 - loss: 0.5 - val_loss: 0.75", 0.5),
        ('{"epoch": 3, "loss": 0.5}', 0.5),
        ("{'loss': 0.5, 'acc': 1}", 0.5),
        ('"loss": "0.5"', 0.5),
        ("INFO:train:loss: 5", 5.0),
        ("[3] loss: .5, time: 3s", 0.5),
        ("loss: 0.9 then loss: 0.8", 0.8),
        ("loss: 1.", 1.0),
        ("loss: inf", math.inf),
        ("loss: -Infinity", -math.inf),
        ("val_loss: 0.75", None),
        ("train/loss: 0.75", None),
        ("loss-a: 0.75", None),
        ("loss 0.75", None),
        ("loss: 3s", None),
        ("loss: none", None),
        ("Loss: 0.5", None),
        ("", None),
    ],
)
def test_lines_with_a_metric(line: str, value: float | None) -> None:
    assert MetricReader("loss").read(line) == value


def test_nan_is_a_value() -> None:
    found = MetricReader("loss").read("loss: nan")
    assert found is not None and math.isnan(found)


def test_names_with_other_characters() -> None:
    assert MetricReader("val/acc@5 (%)").read("val/acc@5 (%): 93.5") == 93.5
    assert MetricReader("a.b").read("axb: 1") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (0.1, "0.1"), (1e22, "1e+22"), (5, "5"), ("a b", "a b"), (True, "True"), ({"a": 1}, '{"a": 1}')],
)
def test_values_as_arguments(value: Any, text: str) -> None:
    assert as_text(value) == text


def no_folder() -> Path:
    raise AssertionError("no output was asked for")


def test_arguments_without_a_shell() -> None:
    template = Template('run --x ${{search_space.x}} --name=${{ search_space.name }}-a "b c"', ["x", "name"], {}, [])
    assert not template.needs_shell
    params = {"x": 2.0, "name": 'it\'s "two" words; $HOME'}
    assert template.arguments(params, no_folder) == ["run", "--x", "2", f"--name={params['name']}-a", "b c"]


@pytest.mark.parametrize("value", ["plain", "two words", "it's", 'say "hi"', "$HOME `x` \\ ;", "a'b\"c"])
@pytest.mark.parametrize("form", ["{}", "'{}'", '"{}"', "'a'{}\"b\"", '"it\'s "{}'])
def test_values_reach_a_program_through_the_shell(form: str, value: str) -> None:
    text = "printf %s " + form.format("${{search_space.x}}") + " | cat"
    template = Template(text, ["x"], {}, [])
    assert template.needs_shell
    line = template.line({"x": value}, no_folder)
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)  # noqa: S602 - our own line
    [expected] = shlex.split(form.format("VALUE"))
    assert done.stdout == expected.replace("VALUE", value)


@pytest.mark.parametrize("text", ["a && b", "a | b", "X=1 run", "run > file", "run $HOME", "a\nb", "run *.py"])
def test_lines_that_need_a_shell(text: str) -> None:
    assert Template(text, [], {}, []).needs_shell


def test_inputs_outputs_and_optional_parts(tmp_path: Path) -> None:
    text = "run ${{inputs.x}} ${{inputs.data}} $[[--n ${{inputs.n}}]] $[[--m ${{inputs.m}}]] ${{outputs.model}}"
    inputs = {"x": None, "data": "/data", "n": None, "m": 5}
    template = Template(text, ["x"], inputs, ["model"])  # the sweep is over an input
    folder = tmp_path / "trial"
    assert template.arguments({"x": 0.5}, lambda: folder) == ["run", "0.5", "/data", "--m", "5", str(folder / "model")]
    assert (folder / "model").is_dir()


@pytest.mark.parametrize("inside", ["search_space.y", "inputs.y", "outputs.y", "x", "parent.job"])
def test_unknown_placeholders(inside: str) -> None:
    with pytest.raises(InvalidArgument, match=r"which is not known; there are search_space\.x"):
        Template("run ${{search_space.x}} ${{" + inside + "}}", ["x"], {}, [])
