"""Where the numbers stand in an encoded `ModelMetrics`, the protobuf message of a NAS-Bench-101 training run.

The messages (google-research/nasbench, nasbench/lib/model_metrics.proto): ModelMetrics {repeated EvaluationData
evaluation_data = 1, int32 trainable_parameters = 2, double total_time = 3}; EvaluationData {double current_epoch = 1,
training_time = 2, train_accuracy = 3, validation_accuracy = 4, test_accuracy = 5, string checkpoint_path = 6}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from predictornas.errors import DataError

POINTS = ("halfway", "final")
"""The evaluations of a run that are kept; the one before training is not."""

MEASURES = ("seconds", "train", "valid", "test")
"""What is kept of each evaluation: training time so far, and the accuracies on three sets."""

VALUE, VARINT, STRUCTURE = 0x00, 0x80, 0xFF
"""Which bits of a byte belong to a message's layout: none of a value's; the high bit of a varint's; all of the rest."""

_EVALUATION, _PARAMETERS = 1, 2  # fields of ModelMetrics
_CURRENT_EPOCH = 1
_MEASURE_FIELDS = (2, 3, 4, 5)  # fields of EvaluationData, in the order of MEASURES
_WIRE_VARINT, _WIRE_FIXED64, _WIRE_BYTES, _WIRE_FIXED32 = 0, 1, 2, 5


class MetricsLayout(NamedTuple):
    """Where the numbers stand in one message. Messages equal under `mask` have the same layout.

    Attributes:
        epochs: byte of `current_epoch` at each of `POINTS`.
        metrics: byte of each of the eight measures, `MEASURES` at each of `POINTS`.
        parameters: first byte of the varint and the byte behind it.
        mask: `VALUE`, `VARINT` or `STRUCTURE` for each byte of the message.
    """

    epochs: tuple[int, ...]
    metrics: tuple[int, ...]
    parameters: tuple[int, int]
    mask: bytes


def metrics_layout(message: bytes) -> MetricsLayout:
    """Finds the numbers in one message. As protobuf wants it, unknown fields are skipped and the last of twins counts.

    Raises:
        DataError: truncated or malformed protobuf, fewer than three evaluations, or a number that is missing.
    """
    mask = bytearray([STRUCTURE]) * len(message)
    evaluations: list[dict[int, int]] = []
    parameters: tuple[int, int] | None = None
    for field in _fields(message, 0, len(message), mask):
        if field.number == _EVALUATION:
            evaluations.append(_evaluation(message, field, mask))
        elif field.number == _PARAMETERS:
            parameters = (_start(field, _WIRE_VARINT), field.end)
    if len(evaluations) < 3:
        raise DataError(f"{len(evaluations)} evaluations; 3 were expected: before, halfway and after training")
    evaluations = evaluations[:3]  # as the official loader: what follows is not read
    if parameters is None:
        raise DataError("the metrics lack trainable_parameters")
    for point, evaluation in zip(POINTS, evaluations[1:], strict=True):
        if lacking := {_CURRENT_EPOCH, *_MEASURE_FIELDS} - evaluation.keys():
            raise DataError(f"the {point} evaluation lacks field {min(lacking)} of EvaluationData")
    return MetricsLayout(
        tuple(evaluation[_CURRENT_EPOCH] for evaluation in evaluations[1:]),
        tuple(evaluation[number] for evaluation in evaluations[1:] for number in _MEASURE_FIELDS),
        parameters,
        bytes(mask),
    )


def read_varint(message: bytes, position: int, end: int) -> tuple[int, int]:
    """A protobuf varint of `message[:end]` and the position behind it.

    Raises:
        DataError: the message ends inside it, or it has more than ten bytes.
    """
    value = 0
    for index, byte in enumerate(message[position : min(position + 10, end)]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise DataError(f"the metrics are truncated or not protobuf: no number ends behind their byte {position}")


class _Field(NamedTuple):
    """One field of a message: its value is the bytes `start` to `end`."""

    number: int
    wire_type: int
    start: int
    end: int


def _fields(message: bytes, start: int, end: int, mask: bytearray) -> Iterator[_Field]:
    """The fields of `message[start:end]`; marks the bytes of their values in `mask`."""
    position = start
    while position < end:
        tag, position = read_varint(message, position, end)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _WIRE_BYTES:
            size, position = read_varint(message, position, end)
        elif wire_type == _WIRE_VARINT:
            size = read_varint(message, position, end)[1] - position
        elif wire_type in (_WIRE_FIXED64, _WIRE_FIXED32):
            size = 8 if wire_type == _WIRE_FIXED64 else 4
        else:
            raise DataError(f"the metrics are not protobuf: wire type {wire_type} before their byte {position}")
        if number == 0 or position + size > end:
            raise DataError(f"the metrics are truncated or not protobuf: field {number} at their byte {position}")
        mask[position : position + size] = bytes([VARINT if wire_type == _WIRE_VARINT else VALUE]) * size
        yield _Field(number, wire_type, position, position + size)
        position += size


def _evaluation(message: bytes, field: _Field, mask: bytearray) -> dict[int, int]:
    """Where the doubles of one EvaluationData start, by field number."""
    start = _start(field, _WIRE_BYTES)
    mask[start : field.end] = bytes([STRUCTURE]) * (field.end - start)
    known = (_CURRENT_EPOCH, *_MEASURE_FIELDS)
    inner = _fields(message, start, field.end, mask)
    return {item.number: _start(item, _WIRE_FIXED64) for item in inner if item.number in known}


def _start(field: _Field, wire_type: int) -> int:
    if field.wire_type != wire_type:
        raise DataError(f"field {field.number} of the metrics has wire type {field.wire_type}, not {wire_type}")
    return field.start
