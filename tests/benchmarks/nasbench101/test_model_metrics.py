from __future__ import annotations

import runpy
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.benchmarks.nasbench101.model_metrics import STRUCTURE, VALUE, VARINT, metrics_layout, read_varint
from predictornas.errors import DataError

official = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "official_file.py")))

VALUES = [[10.5, 0.5, 0.25, 0.125], [21.0, 0.75, 0.625, 0.875]]


def numbers_of(message: bytes) -> list[float]:
    layout = metrics_layout(message)
    return [struct.unpack_from("<d", message, byte)[0] for byte in (*layout.epochs, *layout.metrics)]


def test_places_of_the_official_layout_by_hand() -> None:
    message = official.model_metrics(4, VALUES, parameters=300).SerializeToString()
    layout = metrics_layout(message)
    # 3 evaluations of 2 + 5 * 9 bytes, then tag, 2 bytes of varint, tag, 8 bytes of total_time
    assert len(message) == 3 * 47 + 1 + 2 + 1 + 8
    assert layout.epochs == (47 + 3, 94 + 3)
    assert layout.metrics == (59, 68, 77, 86, 106, 115, 124, 133)
    assert layout.parameters == (142, 144)
    evaluation = [STRUCTURE, STRUCTURE, *([STRUCTURE] + [VALUE] * 8) * 5]
    assert list(layout.mask) == evaluation * 3 + [STRUCTURE, VARINT, VARINT, STRUCTURE] + [VALUE] * 8
    assert numbers_of(message) == [2.0, 4.0, *VALUES[0], *VALUES[1]]
    assert read_varint(message, *layout.parameters) == (300, 144)


@pytest.mark.slow
@given(path=st.text(max_size=20), unknown=st.binary(max_size=20), number=st.integers(0, 2**64 - 1))
def test_fields_that_do_not_matter_are_skipped(path: str, unknown: bytes, number: int) -> None:
    metrics = official.model_metrics(4, VALUES)
    metrics.unknown_number, metrics.unknown_fixed = number, 7
    metrics.evaluation_data[1].checkpoint_path = path
    metrics.evaluation_data[2].unknown = unknown
    assert numbers_of(metrics.SerializeToString()) == [2.0, 4.0, *VALUES[0], *VALUES[1]]


def test_the_last_of_twins_counts_as_in_protobuf() -> None:
    message = official.model_metrics(4, VALUES, parameters=300).SerializeToString() + b"\x10\x05"
    assert official.ModelMetrics.FromString(message).trainable_parameters == 5
    assert read_varint(message, *metrics_layout(message).parameters)[0] == 5


def test_a_message_cut_anywhere_is_refused_or_lacks_only_what_is_not_read() -> None:
    message = official.model_metrics(4, VALUES, parameters=300).SerializeToString()
    for size in range(len(message)):
        if size == 144:  # just before total_time, which nobody reads
            metrics_layout(message[:size])
        else:
            with pytest.raises(DataError):
                metrics_layout(message[:size])


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"\x0b", "wire type 3"),
        (b"\x02\x00", "field 0"),
        (b"\x10" + b"\xff" * 11, "no number ends"),
        (b"\x08\x01", "field 1 of the metrics has wire type 0, not 2"),
        (b"\x12\x00", "field 2 of the metrics has wire type 2, not 0"),
        (b"\x0a\x02\x08\x01", "field 1 of the metrics has wire type 0, not 1"),
        (b"\x0a\x05\x09\x00\x00\x00\x00", "truncated"),
        (b"\x0a\x00\x0a\x00", "2 evaluations"),
        (b"\x0a\x00" * 3, "lack trainable_parameters"),
        (b"\x0a\x00" * 3 + b"\x10\x01", "halfway evaluation lacks field 1"),
    ],
)
def test_what_is_not_the_message_is_refused(message: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        metrics_layout(message)


def test_a_value_that_reaches_out_of_its_evaluation_is_refused() -> None:
    # the evaluation claims 5 bytes, its double needs 9: protobuf refuses it though the bytes are there
    message = b"\x0a\x05\x09" + bytes(8)
    with pytest.raises(DataError, match="truncated"):
        metrics_layout(message)
