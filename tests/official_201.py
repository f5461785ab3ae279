"""Contents and files of the official forms of NAS-Bench-201 and NATS-Bench, made with the official packages' classes.

The numbers are random, the form is that of the published files: `less` (12 epochs) knows every set at every epoch,
`full` (200 epochs) knows the validation and test sets of most data sets only at its end, seeds are missing, some cells
were never trained, times are estimates that are the same at every epoch and for every seed, and now and then one seed
notes the FLOPs and the parameters of another cell.

    content = nasbench201(300)                      # what `torch.save` is given for NAS-Bench-201-v1_1-096897.pth
    write_pth(content, folder / "small.pth")        # torch's legacy stream; `legacy=False` for the zip form
    content = topology(40)                          # NATS-tss-v1_0-3ffb9.pickle.pbz2; `size(40)` for NATS-sss
    write_pbz2(content, folder / "NATS-tss-small")  # .pickle.pbz2 is added
    write_simple(content, folder / "NATS-tss-small-simple")
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tests.extras import needed

SETS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("ori-test", "x-valid", "x-test"),
    "ImageNet16-120": ("ori-test", "x-valid", "x-test"),
}
"""What a network trained on each data set is evaluated on."""

CLASSES = {"cifar10-valid": 10, "cifar10": 10, "cifar100": 100, "ImageNet16-120": 120}
SEEDS = (777, 888, 999)
EPOCHS = {"01": 1, "12": 12, "90": 90, "200": 200}
CURVE = {"cifar10-valid": "x-valid", "cifar10": "ori-test", "cifar100": "ori-test", "ImageNet16-120": "ori-test"}
"""The one set that the older trainings know at every epoch."""

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
WIDTHS = (8, 16, 24, 32, 40, 48, 56, 64)
GENOTYPE = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"


class Uncopied(dict[str, Any]):
    """A content that is not copied where it is handed over; the official classes would take seconds to."""

    def __deepcopy__(self, memo: Any) -> Uncopied:
        return self


@dataclass(frozen=True)
class Training:
    """How the cells of a file were trained: how long, and whether all that was measured is known at every epoch."""

    epochs: int
    whole: bool


def topology_names(count: int) -> list[str]:
    """The first architectures, in an arbitrary order that mixes the operations."""
    cells = list(product(OPERATIONS, repeat=6))
    random.Random(0).shuffle(cells)
    return ["|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*cell) for cell in cells[:count]]


def size_names(count: int) -> list[str]:
    """Architectures of the size space, spread over all of it, in the official order."""
    every = [":".join(map(str, widths)) for widths in product(WIDTHS, repeat=5)]
    return every[:: len(every) // count][:count]


def nasbench201(
    count: int, *, trained: int | None = None, seed: int = 0, epochs: Mapping[str, int] = EPOCHS
) -> Uncopied:
    """The content of a `.pth` of NAS-Bench-201.

    Args:
        count: architectures.
        trained: how many of them were trained and evaluated; all by default.
        seed: of the numbers.
        epochs: to shorten trainings, by their official names "12" and "200".
    """
    trainings = {"full": Training(epochs["200"], whole=False), "less": Training(epochs["12"], whole=True)}
    content = _content(needed("nas_201_api"), topology_names(count), trained, seed, trainings)
    content["evaluated_indexes"] = sorted(content["evaluated_indexes"])
    return content


def topology(count: int, *, trained: int | None = None, seed: int = 0, epochs: Mapping[str, int] = EPOCHS) -> Uncopied:
    """The content of a `NATS-tss` file; arguments as for `nasbench201`."""
    trainings = {"12": Training(epochs["12"], whole=True), "200": Training(epochs["200"], whole=False)}
    return _content(needed("nats_bench"), topology_names(count), trained, seed, trainings)


def size(count: int, *, trained: int | None = None, seed: int = 0, epochs: Mapping[str, int] = EPOCHS) -> Uncopied:
    """The content of a `NATS-sss` file: trainings "01", "12" and "90"; arguments as for `nasbench201`."""
    trainings = {name: Training(epochs[name], whole=True) for name in ("01", "12", "90")}
    return _content(needed("nats_bench"), size_names(count), trained, seed, trainings)


def write_pth(content: Mapping[str, Any], path: Path, *, legacy: bool = True) -> Path:
    """Writes as torch did until version 1.5 (`legacy`), or as it does since."""
    needed("torch").save(dict(content), path, _use_new_zipfile_serialization=not legacy)
    return path


def write_pbz2(content: Mapping[str, Any], stem: Path) -> Path:
    """Writes one compressed pickle, `stem` with `.pickle.pbz2`."""
    path = Path(f"{stem}.pickle")
    needed("nats_bench").pickle_save(dict(content), str(path))
    return Path(f"{path}.pbz2")


def write_simple(content: Mapping[str, Any], folder: Path) -> Path:
    """Writes a folder with `meta.pickle.pbz2` and `NNNNNN.pickle.pbz2` for each architecture that was trained."""
    folder.mkdir()
    save = needed("nats_bench").pickle_save
    save({**content, "arch2infos": None, "evaluated_indexes": set()}, str(folder / "meta.pickle"))
    for index, trainings in content["arch2infos"].items():
        save(OrderedDict(trainings), str(folder / f"{index:06d}.pickle"))
    return folder


def _content(
    package: ModuleType, names: Sequence[str], trained: int | None, seed: int, trainings: Mapping[str, Training]
) -> Uncopied:
    rng = np.random.default_rng(seed)
    evaluated = sorted(rng.permutation(len(names))[:trained].tolist())
    infos = {
        index: {
            name: results.state_dict() for name, results in _cell(package, rng, index, names[index], trainings).items()
        }
        for index in rng.permutation(evaluated).tolist()  # the official file knows no order either
    }
    return Uncopied(meta_archs=list(names), total_archs=len(names), arch2infos=infos, evaluated_indexes=set(evaluated))


def _cell(
    package: ModuleType, rng: np.random.Generator, index: int, name: str, trainings: Mapping[str, Training]
) -> dict[str, Any]:
    """The `ArchResults` of each kind of training."""
    wrong = bool(rng.random() < 0.1)  # one seed of this cell notes FLOPs and parameters of another
    full = sorted(rng.choice(SEEDS, rng.integers(1, 4), replace=False).tolist())
    if wrong:
        full = sorted({*full, 777, 888})
    flops, parameters = float(rng.uniform(8, 200)), np.float64(rng.uniform(0.07, 1.5))
    results = {}
    for position, (key, training) in enumerate(trainings.items()):
        found = package.ArchResults(index, name)
        longest = training.epochs == max(training.epochs for training in trainings.values())
        for dataset in SETS:
            seeds = full if longest else [777, 888] if dataset == "cifar10-valid" else [777]
            for seed in seeds:
                other = wrong and longest and seed != 888
                numbers = (flops + 1, np.float64(parameters + 0.1)) if other else (flops, parameters)
                found.update(dataset, seed, _trial(package, rng, name, dataset, seed, training, numbers, position))
        found.clear_params()
        results[key] = found
    _estimate_times(rng, results)
    return results


def _trial(
    package: ModuleType,
    rng: np.random.Generator,
    name: str,
    dataset: str,
    seed: int,
    training: Training,
    numbers: tuple[float, Any],
    position: int,
) -> Any:
    epochs = training.epochs
    config = (
        {"channel": 16, "num_cells": 5, "arch_str": name, "class_num": CLASSES[dataset]}
        if "|" in name
        else {"name": "infer.shape.tiny", "channels": name, "arch_str": name, "genotype": GENOTYPE,
              "class_num": CLASSES[dataset]}
    )  # fmt: skip
    accuracies, losses = dict(enumerate(_percent(rng, epochs))), dict(enumerate(_losses(rng, epochs)))
    flops, parameters = numbers
    trial = package.ResultsCount(
        dataset, None, accuracies, losses, parameters, flops, config, str(seed), epochs, None
    )  # fmt: skip
    if training.whole:
        trial.update_train_info(accuracies, dict(enumerate(_percent(rng, epochs))), losses, None)
        # the official class puts the sets into the order of a Python set, which differs from run to run
        for evaluated in rng.permutation(SETS[dataset]).tolist():
            keys = [f"{evaluated}@{epoch}" for epoch in range(epochs)]
            found = [dict(zip(keys, draw(rng, epochs), strict=True)) for draw in (_percent, _losses, _losses)]
            trial.update_eval(*found)
        return trial
    for evaluated in SETS[dataset]:
        known = range(epochs) if evaluated == CURVE[dataset] else (epochs - 1,)
        drawn = [dict(zip(known, draw(rng, len(known)), strict=True)) for draw in (_percent, _losses)]
        trial.update_OLD_eval(evaluated, *drawn)
    return trial


def _estimate_times(rng: np.random.Generator, results: Mapping[str, Any]) -> None:
    """The official files know one latency, one time of an epoch and one time of an evaluation for all seeds."""
    for dataset, evaluated in SETS.items():
        latency, seconds = np.float64(rng.uniform(0.005, 0.04)), float(rng.uniform(5, 90))
        each = {name: float(rng.uniform(0.5, 9)) for name in evaluated}
        for found in results.values():
            found.reset_latency(dataset, None, latency)
            found.reset_pseudo_train_times(dataset, None, seconds)
            for name, time in each.items():
                found.reset_pseudo_eval_times(dataset, None, name, time)


def _percent(rng: np.random.Generator, count: int) -> Iterator[float]:
    return iter(np.sort(rng.uniform(10, 100, count)).tolist())


def _losses(rng: np.random.Generator, count: int) -> Iterator[float]:
    return iter(rng.uniform(0.001, 3, count).tolist())
