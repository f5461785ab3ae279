from __future__ import annotations

import inspect
import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from predictornas.benchmarks import recipe_files
from predictornas.benchmarks.column import Column
from predictornas.benchmarks.recipe_files import load_recipe
from predictornas.benchmarks.recipes import Architecture, Combination, ImportRecipe, MeanOfPresent, Measured
from predictornas.errors import ConfigurationError, DataError, PredictorNASError, UnknownNameError

SMALL: dict[str, Any] = {
    "space": "nasbench201",
    "architecture": {"string": "arch"},
    "columns": [{"source": "a", "metric": "accuracy"}],
    "signal": "accuracy",
}


def read(tmp_path: Path, content: Any) -> ImportRecipe:
    path = tmp_path / "recipe.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return load_recipe(path)


def accuracy(run: str) -> Column:
    return Column.named(metric="accuracy", split="valid", epochs=200, run=run)


def test_the_documented_example(tmp_path: Path) -> None:
    documentation = inspect.getdoc(recipe_files)
    assert documentation is not None
    example = documentation[documentation.index("    {") : documentation.index("`architecture` may be")]
    assert read(tmp_path, textwrap.dedent(example)) == ImportRecipe(
        space="nasbench201",
        architecture=Architecture(string="arch"),
        columns=(
            Measured("valid_seed0", accuracy("0"), "percent"),
            Measured("valid_mean", accuracy("mean"), "percent"),
            Measured(
                "phone_latency", Column.named(metric="phone_latency_seconds", nullable=True), "milli", missing=(-1.0,)
            ),
        ),
        derived=(Combination(accuracy("rest"), {"valid_accuracy_200_mean": 1.5, "valid_accuracy_200_run0": -0.5}),),
        signal="valid_accuracy_200_run0",
        evaluation="valid_accuracy_200_rest",
        licence="MIT",
    )


def test_what_may_be_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, SMALL) == ImportRecipe(
        space="nasbench201",
        architecture=Architecture(string="arch"),
        columns=(Measured("a", Column.named(metric="accuracy")),),
        signal="accuracy",
    )


def test_direction_and_unit_of_a_column(tmp_path: Path) -> None:
    column = {"source": "a", "metric": "psnr", "direction": "higher", "shown_unit": "dB"}
    measured = Measured("a", Column.named(metric="psnr", direction="higher", unit="dB"))
    assert read(tmp_path, SMALL | {"columns": [column], "signal": "psnr"}).columns == (measured,)
    for wrong, message in (({"direction": "up"}, "no direction named 'up'"), ({"shown_unit": "x" * 21}, "no unit")):
        with pytest.raises(ConfigurationError, match=message):
            read(tmp_path, SMALL | {"columns": [column | wrong]})


def test_steps_means_and_a_joined_recipe(tmp_path: Path) -> None:
    derived = [
        {"metric": "accuracy", "run": "mean", "mean_of": ["accuracy_run0", "accuracy_run1"]},
        {"metric": "accuracy", "run": "rest", "weights": {"accuracy": 1}, "steps": 100},
    ]
    recipe = read(tmp_path, SMALL | {"derived": derived, "join": SMALL})
    assert recipe.derived == (
        MeanOfPresent(Column.named(metric="accuracy", run="mean"), ("accuracy_run0", "accuracy_run1")),
        Combination(Column.named(metric="accuracy", run="rest"), {"accuracy": 1.0}, 100),
    )
    assert recipe.join == read(tmp_path, SMALL)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("{", DataError, "recipe.json cannot be read as JSON"),
        ([], DataError, "a JSON object was expected"),
        (SMALL | {"colums": []}, UnknownNameError, "Did you mean 'columns'"),
        (
            {key: value for key, value in SMALL.items() if key != "signal"},
            DataError,
            "recipe.json: signal must be given",
        ),
        (SMALL | {"columns": {}}, DataError, "columns: {} has the wrong type"),
        (SMALL | {"columns": [{"source": "a"}]}, DataError, r"columns\[0\]: metric must be given"),
        (SMALL | {"columns": [{"source": "a", "metric": "b", "epochs": "4"}]}, DataError, r"columns\[0\]: epochs: '4'"),
        (SMALL | {"columns": [{"source": "a", "metric": "b", "epochs": True}]}, DataError, "epochs: True"),
        (SMALL | {"columns": [{"source": "a", "metric": "b", "missing": [[1]]}]}, DataError, "missing: \\[1"),
        (SMALL | {"columns": [{"source": "a", "metric": "b", "unit": "promille"}]}, UnknownNameError, "unit"),
        (SMALL | {"architecture": {"strings": "arch"}}, UnknownNameError, "Did you mean 'string'"),
        (SMALL | {"architecture": {}}, ConfigurationError, "architecture"),
        (SMALL | {"derived": [{"metric": "b"}]}, DataError, r"derived\[0\]: give either 'weights' or 'mean_of'"),
        (SMALL | {"derived": [{"metric": "b", "weights": {}, "mean_of": []}]}, DataError, "either"),
        (SMALL | {"derived": [{"metric": "b", "weights": {"a": "1 * a"}}]}, DataError, "weights: '1 \\* a'"),
        (SMALL | {"derived": [{"metric": "b", "weights": {"a": 1.0}, "steps": 0}]}, ConfigurationError, "0 steps"),
        (SMALL | {"derived": [{"metric": "b", "weights": {}}]}, ConfigurationError, "derived from no other column"),
        (
            SMALL | {"derived": [{"metric": "b", "mean_of": ["accuracy"], "steps": 100}]},
            ConfigurationError,
            r"derived\[0\]: 'steps' goes with 'weights'",
        ),
        (SMALL | {"architecture": {"genes": ["g", "g"]}}, ConfigurationError, "'g' for two genes"),
        (SMALL | {"columns": SMALL["columns"] * 2}, ConfigurationError, "called 'accuracy': 'a' and 'a'"),
        (SMALL | {"join": {"space": "nasbench201"}}, DataError, "join: architecture, columns, signal must be given"),
    ],
)
def test_recipes_that_cannot_be_read(
    tmp_path: Path, content: Any, error: type[PredictorNASError], message: str
) -> None:
    with pytest.raises(error, match=message):
        read(tmp_path, content)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing.json cannot be read"):
        load_recipe(tmp_path / "nothing.json")
