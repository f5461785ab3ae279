"""Writes files of NAS-Bench-101's official form with independent means: protobuf, and an own CRC-32C and module hash.

Test files run it with `runpy`, since the tests are no package.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

CELLS = [
    (hash_, rows.replace(" ", ""), operations)
    for hash_, rows, operations in (
        ("00005c142e6f48ac74fdcf73e3439874", "0100110 0010000 0001001 0000010 0000010 0000001 0000000",
         "input,conv3x3-bn-relu,maxpool3x3,conv3x3-bn-relu,conv3x3-bn-relu,conv1x1-bn-relu,output"),
        (None, "01 00", "input,output"),
        (None, "010 001 000", "input,maxpool3x3,output"),
        (None, "011 001 000", "input,conv1x1-bn-relu,output"),
        (None, "0110 0001 0001 0000", "input,conv3x3-bn-relu,maxpool3x3,output"),
        (None, "01010 00100 00001 00001 00000", "input,maxpool3x3,maxpool3x3,conv1x1-bn-relu,output"),
        (None, "010000 001000 000100 000010 000001 000000",
         "input,conv3x3-bn-relu,conv1x1-bn-relu,maxpool3x3,conv3x3-bn-relu,output"),
    )
]  # fmt: skip
"""Module hash (that of the first is published), adjacency, operations."""


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 if crc & 1 else crc >> 1  # the Castagnoli polynomial, bits reversed
        table.append(crc)
    return table


_CRC_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked_crc(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32)


def framed(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + masked_crc(length) + data + masked_crc(data)


def _message_classes() -> tuple[Any, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="metrics.proto", package="nasbench", syntax="proto2")
    kinds = descriptor_pb2.FieldDescriptorProto
    evaluation = file.message_type.add(name="EvaluationData")
    doubles = ("current_epoch", "training_time", "train_accuracy", "validation_accuracy", "test_accuracy")
    for number, name in enumerate(doubles, start=1):
        evaluation.field.add(name=name, number=number, type=kinds.TYPE_DOUBLE, label=kinds.LABEL_OPTIONAL)
    evaluation.field.add(name="checkpoint_path", number=6, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    evaluation.field.add(name="unknown", number=77, type=kinds.TYPE_BYTES, label=kinds.LABEL_OPTIONAL)
    metrics = file.message_type.add(name="ModelMetrics")
    metrics.field.add(name="evaluation_data", number=1, type=kinds.TYPE_MESSAGE, label=kinds.LABEL_REPEATED,
                      type_name=".nasbench.EvaluationData")  # fmt: skip
    metrics.field.add(name="trainable_parameters", number=2, type=kinds.TYPE_INT32, label=kinds.LABEL_OPTIONAL)
    metrics.field.add(name="total_time", number=3, type=kinds.TYPE_DOUBLE, label=kinds.LABEL_OPTIONAL)
    metrics.field.add(name="unknown_number", number=9, type=kinds.TYPE_UINT64, label=kinds.LABEL_OPTIONAL)
    metrics.field.add(name="unknown_fixed", number=1000, type=kinds.TYPE_FIXED32, label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    find = pool.FindMessageTypeByName
    classes = [message_factory.GetMessageClass(find(f"nasbench.{name}")) for name in ("ModelMetrics", "EvaluationData")]
    return classes[0], classes[1]


ModelMetrics, EvaluationData = _message_classes()


def model_metrics(epochs: int, values: Any, parameters: int = 1234567) -> Any:
    """A protobuf message; `values` is (2, 4): seconds, train, valid, test accuracy, halfway and at the end."""
    metrics = ModelMetrics(trainable_parameters=parameters, total_time=99.5)
    rows = [[0.0, 0.1, 0.1, 0.1], *np.asarray(values, float).tolist()]
    for share, (seconds, train, valid, test) in zip((0.0, 0.5, 1.0), rows, strict=True):
        metrics.evaluation_data.add(
            current_epoch=share * epochs, training_time=seconds, train_accuracy=train, validation_accuracy=valid,
            test_accuracy=test,
        )  # fmt: skip
    return metrics


def record(cell: tuple[str | None, str, str], epochs: int, metrics: bytes, **json_options: Any) -> bytes:
    module_hash, adjacency, operations = cell
    text = base64.b64encode(metrics).decode()
    fields = [module_hash or hash_of(adjacency, operations), epochs, adjacency, operations, text]
    return json.dumps(fields, **json_options).encode()


def hash_of(adjacency: str, operations: str) -> str:
    """The module hash as Ying et al. define it: rounds of MD5 over each vertex and its sorted neighbours."""
    names = operations.split(",")
    n = len(names)
    codes = [-1, *(["conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"].index(name) for name in names[1:-1]), -2]
    edges = [(i // n, i % n) for i, bit in enumerate(adjacency) if bit == "1"]

    def digest(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    colours = [digest(str((sum(x == v for x, _ in edges), sum(y == v for _, y in edges), codes[v]))) for v in range(n)]
    for _ in range(n):
        colours = [
            digest(
                "".join(sorted(colours[x] for x, y in edges if y == v))
                + "|"
                + "".join(sorted(colours[y] for x, y in edges if x == v))
                + "|"
                + colours[v]
            )
            for v in range(n)
        ]
    return digest(str(sorted(colours)))


def random_runs(budgets: Iterable[int], seed: int = 0, cells: int = len(CELLS)) -> dict[tuple[int, int, int], Any]:
    """Random (2, 4) values of each (cell, epochs, run), float32 as in the official file."""
    rng = np.random.default_rng(seed)
    runs = {}
    for cell in range(cells):
        for epochs in budgets:
            for run in range(3):
                values = rng.random((2, 4), dtype=np.float32)
                values[:, 0] *= 1000
                runs[cell, epochs, run] = values
    return runs


def records_of(runs: dict[tuple[int, int, int], Any]) -> list[bytes]:
    """The records of these runs, in the order of the dictionary; cell i has 1,000,000 + i parameters."""
    return [
        record(CELLS[cell], epochs, model_metrics(epochs, values, 1_000_000 + cell).SerializeToString())
        for (cell, epochs, _), values in runs.items()
    ]


def write(path: Path, records: Iterable[bytes]) -> Path:
    path.write_bytes(b"".join(framed(data) for data in records))
    return path
