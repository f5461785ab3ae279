from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.benchmarks.nasbench101.single_record import parse_record, unpack_cells
from predictornas.errors import DataError

official = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "official_file.py")))

VALUES = [[10.5, 0.5, 0.25, 0.125], [21.0, 0.75, 0.625, 0.875]]
CODES = {"input": 3, "output": 4, "conv3x3-bn-relu": 0, "conv1x1-bn-relu": 1, "maxpool3x3": 2}


def good_fields() -> list[Any]:
    return json.loads(official.record(official.CELLS[4], 12, official.model_metrics(12, VALUES).SerializeToString()))


@pytest.mark.parametrize("cell", official.CELLS)
def test_a_record_says_what_was_written(cell: tuple[str | None, str, str]) -> None:
    record = parse_record(official.record(cell, 12, official.model_metrics(12, VALUES, 54321).SerializeToString()))
    assert record.module_hash.hex() == (cell[0] or official.hash_of(*cell[1:]))
    assert (record.epochs, record.parameters) == (12, 54321)
    assert record.metrics == (*VALUES[0], *VALUES[1])
    adjacency, operations = unpack_cells(np.array([record.cell], np.uint32))
    vertices = len(cell[2].split(","))
    expected = np.zeros((7, 7), np.uint8)
    expected[:vertices, :vertices] = np.reshape([int(bit) for bit in cell[1]], (vertices, vertices))
    np.testing.assert_array_equal(adjacency[0], expected)
    assert operations[0].tolist() == [CODES[name] for name in cell[2].split(",")] + [-1] * (7 - vertices)


@pytest.mark.parametrize("space", ["\n", "\r\n", " ", "\t", "\n\n  "])
def test_base64_may_be_wrapped_into_lines(space: str) -> None:
    fields = good_fields()
    text = fields[4]
    fields[4] = space.join(text[place : place + 76] for place in range(0, len(text), 76)) + space
    assert parse_record(json.dumps(fields).encode()) == parse_record(json.dumps(good_fields()).encode())


def test_the_published_hash_is_the_one_of_its_cell() -> None:
    published, *cell = official.CELLS[0]
    assert official.hash_of(*cell) == published


def test_an_accuracy_rounded_up_to_just_above_one_is_one() -> None:
    values = np.array([VALUES[0], [21.0, 1.0000001192092896, 0.5, 0.5]])
    record = parse_record(
        official.record(official.CELLS[1], 12, official.model_metrics(12, values).SerializeToString())
    )
    assert record.metrics[5] == 1.0


@pytest.mark.slow
@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=8) | st.binary())
def test_anything_else_is_refused_in_words(content: Any) -> None:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(DataError):
        parse_record(data)


def put(index: int, value: Any) -> Callable[[], bytes]:
    def changed() -> bytes:
        fields = good_fields()
        fields[index] = value
        return json.dumps(fields).encode()

    return changed


def metric(point: int, name: str, value: float) -> Callable[[], bytes]:
    def changed() -> bytes:
        metrics = official.model_metrics(12, VALUES)
        setattr(metrics.evaluation_data[point], name, value)
        return official.record(official.CELLS[4], 12, metrics.SerializeToString())

    return changed


def parameters(value: int) -> Callable[[], bytes]:
    return lambda: official.record(official.CELLS[4], 12, official.model_metrics(12, VALUES, value).SerializeToString())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lambda: b"{", "not JSON"),
        (lambda: b"\xff\xfe", "not JSON"),
        (lambda: b"[" * 100_000, "not JSON"),
        (lambda: json.dumps(good_fields()[:4]).encode(), "JSON list"),
        (lambda: b'{"a": 1}', "JSON list"),
        (put(1, True), "JSON list"),
        (put(1, 12.0), "JSON list"),
        (put(0, "0" * 31), "module hash"),
        (put(0, "G" * 32), "module hash"),
        (put(0, "A" * 32), "module hash"),
        (put(0, "0" * 32 + "\n"), "module hash"),
        (put(1, 0), "0 epochs"),
        (put(1, 10_000), "10000 epochs"),
        (put(2, "0110000100010"), "adjacency"),
        (put(2, "0"), "adjacency"),
        (put(2, "0" * 64), "adjacency"),
        (put(2, "0120000100010000"), "adjacency"),
        (put(2, "0110100100010000"), "edge 1 -> 0"),
        (put(2, "1110000100010000"), "edge 0 -> 0"),
        (put(3, "input,conv3x3-bn-relu,output"), "as the adjacency needs"),
        (put(3, "output,conv3x3-bn-relu,maxpool3x3,output"), "as the adjacency needs"),
        (put(3, "input,conv3x3-bn-relu,maxpool3x3,input"), "as the adjacency needs"),
        (put(3, "input,conv5x5-bn-relu,maxpool3x3,output"), "unknown operation 'conv5x5-bn-relu'"),
        (put(4, "Ci0"), "not base64"),
        (put(4, "Ci0J\x00"), "not base64"),
        (put(4, "Ci0*"), "not base64"),
        (put(4, "Ci0é"), "not base64"),
        (put(4, "Ci0J"), "truncated"),
        (put(4, ""), "0 evaluations"),
        (metric(2, "test_accuracy", 1.001), "final test accuracy 1.001"),
        (metric(1, "validation_accuracy", -0.001), "halfway valid accuracy -0.001"),
        (metric(2, "train_accuracy", float("nan")), "final train accuracy nan"),
        (metric(1, "training_time", -1.0), "halfway training time of -1.0"),
        (metric(2, "training_time", float("inf")), "final training time of inf"),
        (metric(1, "current_epoch", 5.4), "halfway evaluation stands at epoch 5.4, not 6.0"),
        (metric(2, "current_epoch", float("nan")), "final evaluation stands at epoch nan"),
        (parameters(0), "0 trainable parameters"),
        (parameters(-1), "trainable parameters is outside"),
    ],
)
def test_what_breaks_the_format_is_named(data: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        parse_record(data())
