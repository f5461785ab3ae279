"""HW-NAS-Bench: latency and energy of the cells of NAS-Bench-201, from the pickle that is published.

Nothing in the pickle is executed. It is a dictionary of spaces; that of `nasbench201` has for each data set a list
`config` of dictionaries with an `arch_str`, and a list or an array of 15,625 numbers for each quantity. Its other part,
`fbnet`, is a table of layers and not of architectures, and is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from predictornas.errors import DataError
from predictornas.plain_pickle import array_in, load_plain_pickle

DATASETS = {
    "nasbench201-hw-cifar10": "cifar10",
    "nasbench201-hw-cifar100": "cifar100",
    "nasbench201-hw-imagenet16-120": "ImageNet16-120",
}
"""The data set in the file of each table that is made of it."""

QUANTITIES: Mapping[str, tuple[str, ...]] = {
    "edgegpu": ("latency", "energy"),
    "raspi4": ("latency",),
    "edgetpu": ("latency",),
    "pixel3": ("latency",),
    "eyeriss": ("latency", "energy", "arithmetic_intensity"),
    "fpga": ("latency", "energy"),
}
"""What was measured on each device, in milliseconds and millijoules."""

_AGAIN = "Fetch HW-NAS-Bench-v1_0.pickle again."


def read_hardware(file: Path, dataset: str) -> dict[str, Any]:
    """Columns, an entry for each cell: `arch`, and `DATASET_DEVICE_QUANTITY` for each quantity.

    Args:
        file: `HW-NAS-Bench-v1_0.pickle`.
        dataset: "cifar10", "cifar100" or "ImageNet16-120".

    Raises:
        DataError: the file cannot be read, or is another one.
    """
    content = _entry(_entry(load_plain_pickle(file), "nasbench201", file), dataset, file)
    configurations = _entry(content, "config", file, list)
    if not all(type(entry) is dict and type(entry.get("arch_str")) is str for entry in configurations):
        raise DataError(f"{file}: an entry of 'config' has no 'arch_str'. {_AGAIN}")
    columns: dict[str, Any] = {"arch": [entry["arch_str"] for entry in configurations]}
    for device, quantities in QUANTITIES.items():
        for name in (f"{device}_{quantity}" for quantity in quantities):
            columns[f"{dataset}_{name}"] = _numbers(_entry(content, name, file, None), len(configurations), name, file)
    return columns


def _entry(content: Any, name: str, file: Path, kind: type | None = dict) -> Any:
    if type(content) is not dict or name not in content or (kind is not None and type(content[name]) is not kind):
        raise DataError(f"{file} has no {name!r} where HW-NAS-Bench has it. {_AGAIN}")
    return content[name]


def _numbers(found: Any, count: int, name: str, file: Path) -> np.ndarray:
    values = array_in(found)
    if type(found) is list and all(type(value) in (int, float) for value in found):
        values = np.array(found, np.float64)
    if values is None or values.shape != (count,):
        raise DataError(f"{file}: {name!r} holds no {count:,} numbers. {_AGAIN}")
    return values.astype(np.float64)
