from __future__ import annotations

from dataclasses import asdict

import pytest

from predictornas.benchmarks.column import Column, check_roles, said
from predictornas.benchmarks.known_benchmarks import CATALOG, EXAMPLES
from predictornas.benchmarks.known_recipes import RECIPES
from predictornas.benchmarks.recipes import ImportRecipe


def columns_of(recipe: ImportRecipe) -> dict[str, Column]:
    own = [measured.column for measured in recipe.columns] + [derived.column for derived in recipe.derived]
    return {column.name: column for column in own} | ({} if recipe.join is None else columns_of(recipe.join))


@pytest.mark.parametrize("name", RECIPES)
def test_signal_and_evaluation_are_columns_without_common_noise(name: str) -> None:
    recipe = RECIPES[name]
    check_roles(columns_of(recipe), recipe.signal, recipe.evaluation)


def test_each_catalogued_file_has_a_recipe_of_its_space() -> None:
    official = "nasbench201-official-"  # these are written by an importer of their own
    from_files = {
        name: entry.space
        for name, entry in {**CATALOG, **EXAMPLES}.items()
        if entry.source is not None and not name.startswith(official)
    }
    assert {name: recipe.space for name, recipe in RECIPES.items()} == from_files


@pytest.mark.parametrize("name", sorted(name for name in RECIPES if name != "nasbench101" and "-hw-" not in name))
def test_the_catalog_tells_the_same_defaults(name: str) -> None:
    # `nasbench101` and the tables of HW-NAS-Bench have other columns from the published files than from ours
    entry = CATALOG.get(name) or EXAMPLES[name]
    assert (entry.signal, entry.evaluation) == (RECIPES[name].signal, RECIPES[name].evaluation)


@pytest.mark.parametrize("name", RECIPES)
def test_manifests_tell_these_recipes_as_before_columns_had_a_direction(name: str) -> None:
    told = asdict(RECIPES[name], dict_factory=said)
    for column in (told["columns"][0]["column"], *(derived["column"] for derived in told["derived"])):
        assert list(column) == ["name", "metric", "split", "epochs", "run", "nullable"]


def test_columns_by_name() -> None:
    assert list(columns_of(RECIPES["nasbench101"])) == [
        "test_accuracy_108_run0",
        "test_accuracy_108_mean",
        "parameters",
        "test_accuracy_108_rest",
    ]
    assert [name for name in columns_of(RECIPES["nasbench201-full-cifar10"]) if "accuracy" in name] == [
        "valid_accuracy_12_run0",
        "test_accuracy_12_run0",
        "valid_accuracy_200_run0",
        "valid_accuracy_200_run1",
        "valid_accuracy_200_run2",
        "test_accuracy_200_mean",
        "valid_accuracy_200_mean",
        "valid_accuracy_200_rest",
    ]
