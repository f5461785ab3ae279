"""Recipes as small JSON files.

The entries are the fields of `ImportRecipe`; all but `space`, `architecture`, `columns` and `signal` may be left out:

    {"space": "nasbench201",
     "architecture": {"string": "arch"},
     "columns": [{"source": "valid_seed0", "metric": "accuracy", "split": "valid", "epochs": 200, "run": "0",
                  "unit": "percent"},
                 {"source": "valid_mean", "metric": "accuracy", "split": "valid", "epochs": 200, "run": "mean",
                  "unit": "percent"},
                 {"source": "phone_latency", "metric": "phone_latency_seconds", "unit": "milli", "missing": [-1],
                  "nullable": true}],
     "derived": [{"metric": "accuracy", "split": "valid", "epochs": 200, "run": "rest",
                  "weights": {"valid_accuracy_200_mean": 1.5, "valid_accuracy_200_run0": -0.5}}],
     "signal": "valid_accuracy_200_run0",
     "evaluation": "valid_accuracy_200_rest",
     "licence": "MIT"}

`architecture` may be a column in the notation of the space, `{"string": "arch"}`, a column for each gene, `{"genes":
["g0", "g1"]}`, or one with all of them, `{"genes": "genes"}`. Without `evaluation` the signal is its own judge.

A metric whose direction or unit this package does not know has both said: `{"source": "psnr", "metric": "psnr",
"direction": "higher", "shown_unit": "dB"}`. A derived column has either `weights` (and perhaps `steps`) or `mean_of`, a
list of columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.recipes import Architecture, Combination, ImportRecipe, MeanOfPresent, Measured
from predictornas.errors import ConfigurationError, DataError, UnknownNameError
from predictornas.reading import read_json, shown_path

_Kinds = Mapping[str, type | tuple[type, ...]]

_COLUMN: _Kinds = {
    "metric": str,
    "split": str,
    "epochs": int,
    "run": str,
    "nullable": bool,
    "direction": str,
    "shown_unit": str,
}
_MEASURED: _Kinds = {"source": str, "unit": str, "missing": list, **_COLUMN}
_DERIVED: _Kinds = {"weights": dict, "steps": int, "mean_of": list, **_COLUMN}
_ARCHITECTURE: _Kinds = {"string": str, "hash": str, "adjacency": str, "operations": str, "genes": (str, list)}
_RECIPE: _Kinds = {
    "space": str,
    "architecture": dict,
    "columns": list,
    "derived": list,
    "signal": str,
    "evaluation": str,
    "licence": str,
    "join": dict,
}


def load_recipe(path: Path) -> ImportRecipe:
    """Reads a JSON recipe.

    Raises:
        DataError: the file cannot be read, is no JSON, lacks an entry or has one of a wrong type; names the place.
        ConfigurationError: an unknown entry, unit or split, or entries that cannot work together.
    """
    content = read_json(path, remedy="Give the path of a recipe; `predictornas.benchmarks.recipe_files` shows one.")
    return _recipe(content, shown_path(path))


def _recipe(content: Any, where: str) -> ImportRecipe:
    entries = _checked(content, _RECIPE, ("space", "architecture", "columns", "signal"), where)
    architecture = _checked(entries["architecture"], _ARCHITECTURE, (), f"{where}: architecture")
    columns = [_measured(entry, f"{where}: columns[{i}]") for i, entry in enumerate(entries["columns"])]
    derived = [_derived(entry, f"{where}: derived[{i}]") for i, entry in enumerate(entries.pop("derived", []))]
    if "join" in entries:
        entries["join"] = _recipe(entries["join"], f"{where}: join")
    if "genes" in architecture:
        named = architecture["genes"]
        columns_of_genes = [named] if isinstance(named, str) else _each(named, str, f"{where}: architecture: genes")
        architecture["genes"] = tuple(columns_of_genes)
    entries["architecture"] = Architecture(**architecture)
    entries["columns"] = tuple(columns)
    return ImportRecipe(derived=tuple(derived), **entries)


def _measured(content: Any, where: str) -> Measured:
    entries = _checked(content, _MEASURED, ("source", "metric"), where)
    source, unit = entries.pop("source"), entries.pop("unit", "one")
    missing = _each(entries.pop("missing", []), (int, float, str), f"{where}: missing")
    markers = tuple(value if isinstance(value, str) else float(value) for value in missing)
    return Measured(source, _column(entries), unit, markers)


def _derived(content: Any, where: str) -> Combination | MeanOfPresent:
    entries = _checked(content, _DERIVED, ("metric",), where)
    weights, mean_of, steps = (entries.pop(key, None) for key in ("weights", "mean_of", "steps"))
    if (weights is None) == (mean_of is None):
        raise DataError(f"{where}: give either 'weights' or 'mean_of'.")
    column = _column(entries)
    if mean_of is not None:
        if steps is not None:
            raise ConfigurationError(f"{where}: 'steps' goes with 'weights' and not with 'mean_of'; leave one out.")
        return MeanOfPresent(column, tuple(_each(mean_of, str, f"{where}: mean_of")))
    _each(list(weights.values()), (int, float), f"{where}: weights")
    return Combination(column, {name: float(weight) for name, weight in weights.items()}, steps)


def _column(entries: dict[str, Any]) -> Column:
    """What is left of an entry; `unit` says what the source counts in, so that of the column is `shown_unit`."""
    return Column.named(unit=entries.pop("shown_unit", None), **entries)


def _checked(content: Any, kinds: _Kinds, required: tuple[str, ...], where: str) -> dict[str, Any]:
    """A JSON object whose entries are known, of the right type, and complete."""
    if not isinstance(content, dict):
        raise DataError(f"{where}: a JSON object was expected, not {repr(content)[:60]}.")
    for name, value in content.items():
        if name not in kinds:
            raise UnknownNameError(f"entry of {where}", name, kinds)
        _each([value], kinds[name], f"{where}: {name}")
    if lacking := [name for name in required if name not in content]:
        raise DataError(f"{where}: {', '.join(lacking)} must be given.")
    return dict(content)


def _each(values: list[Any], kind: type | tuple[type, ...], where: str) -> list[Any]:
    for value in values:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise DataError(f"{where}: {repr(value)[:60]} has the wrong type ({type(value).__name__}).")
    return values
