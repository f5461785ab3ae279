"""Many records of the official NAS-Bench-101 file at once, as arrays.

What Python's `json.dumps` writes has its fields at places that follow from the eight quotes, so a block is parsed by
array operations. A record that looks different in any way, wrong ones included, goes through
`single_record.parse_record`, the reference: it alone decides what is an error.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64, UInt8, UInt16, UInt32, UInt64

from predictornas.benchmarks.nasbench101.model_metrics import MEASURES, POINTS, MetricsLayout, metrics_layout
from predictornas.benchmarks.nasbench101.single_record import (
    MAX_ACCURACY,
    MAX_EPOCH_OFFSET,
    MAX_PARAMETERS,
    MAX_SECONDS,
    absent_bits,
    edge_bit,
    operation_bit,
    parse_record,
)
from predictornas.benchmarks.nasbench101.tfrecord import Frames
from predictornas.errors import DataError
from predictornas.spaces.nasbench101 import OPERATIONS
from predictornas.spaces.nasbench101_cells import MAX_VERTICES

_QUOTES = 8  # in a record: four texts
_LAYOUTS = 4  # layouts of the metrics that are tried in a group before the rest is parsed one by one
_EPOCH_DIGITS = 4

_INVALID = 0xFFFF


def _hex_pairs() -> UInt16[np.ndarray, " 65536"]:
    """For every two characters (little-endian uint16) the byte that they write, or `_INVALID`."""
    digits = np.full(256, _INVALID, np.uint16)
    digits[list(b"0123456789abcdef")] = np.arange(16)
    first, second = digits[None, :], digits[:, None]
    valid = (first != _INVALID) & (second != _INVALID)
    return np.where(valid, 16 * first + second, np.uint16(_INVALID)).ravel()


_HEX_PAIRS = _hex_pairs()


@dataclass(frozen=True)
class Records:
    """`n` parsed records.

    Attributes:
        hashes: `(n, 2)` the 16 bytes of the module hash as two big-endian words.
        epochs: `(n,)`.
        cells: `(n,)` packed, see `unpack_cells`.
        parameters: `(n,)`.
        metrics: `(n, 8)`, `MEASURES` at each of `POINTS`. The file's numbers are float32, written as float64.
    """

    hashes: UInt64[np.ndarray, "n 2"]
    epochs: Int32[np.ndarray, " n"]
    cells: UInt32[np.ndarray, " n"]
    parameters: Int32[np.ndarray, " n"]
    metrics: Float32[np.ndarray, "n 8"]

    def __len__(self) -> int:
        return len(self.epochs)

    @classmethod
    def empty(cls, n: int) -> Records:
        """Zeros, to be filled."""
        return cls(
            np.zeros((n, 2), np.uint64),
            np.zeros(n, np.int32),
            np.zeros(n, np.uint32),
            np.zeros(n, np.int32),
            np.zeros((n, len(POINTS) * len(MEASURES)), np.float32),
        )

    def put(self, start: int, others: Records) -> None:
        """Copies `others` into the places from `start` on."""
        for name, array in others._arrays().items():
            self._arrays()[name][start : start + len(others)] = array

    def head(self, n: int) -> Records:
        """The first `n`, without copying."""
        return Records(**{name: array[:n] for name, array in self._arrays().items()})

    def followed_by(self, others: Records) -> Records:
        """These and then the others."""
        theirs = others._arrays()
        return Records(**{name: np.concatenate([array, theirs[name]]) for name, array in self._arrays().items()})

    def save(self, folder: Path) -> None:
        """Writes one file an array."""
        for name, array in self._arrays().items():
            np.save(folder / f"{name}.npy", array)

    @classmethod
    def load(cls, folder: Path) -> Records:
        """Reads what `save` wrote."""
        return cls(**{item.name: np.load(folder / f"{item.name}.npy", mmap_mode="r") for item in fields(cls)})

    def _arrays(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}


def parse_block(frames: Frames) -> Records:
    """Parses a block of records.

    Raises:
        DataError: the first malformed record of the block: where it stands and what is wrong with it.
    """
    records = Records.empty(len(frames))
    parsed = _parse_fast(frames, records)
    for index in np.flatnonzero(~parsed).tolist():
        try:
            record = parse_record(frames.record(index))
        except DataError as error:
            raise DataError(
                f"{frames.where(index)}: {error}. Its checksum is right, so it was written like this: "
                "get the official file."
            ) from None
        records.hashes[index] = np.frombuffer(record.module_hash, ">u8")
        records.epochs[index] = record.epochs
        records.cells[index] = record.cell
        records.parameters[index] = record.parameters
        records.metrics[index] = record.metrics
    return records


def _parse_fast(frames: Frames, records: Records) -> Bool[np.ndarray, " n"]:
    """Fills in the records of the usual form; tells which these are. What it fills in for others means nothing."""
    text = np.frombuffer(frames.block, np.uint8)
    quotes, usual = _quotes(text, frames)
    usual &= _separated(text, frames, quotes)
    for parse in (_hashes, _epochs, _adjacency, _operations, _metrics):
        rows = np.flatnonzero(usual)
        usual[rows] = parse(text, quotes[rows], rows, records)
    return usual


def _quotes(text: UInt8[np.ndarray, " t"], frames: Frames) -> tuple[Int64[np.ndarray, "n 8"], Bool[np.ndarray, " n"]]:
    """Positions of the eight quotes of each record (zeros where there is another number of them)."""
    everywhere = np.flatnonzero(text == ord('"'))
    first = np.searchsorted(everywhere, frames.starts)
    usual = np.searchsorted(everywhere, frames.ends) - first == _QUOTES
    quotes = np.zeros((len(frames), _QUOTES), np.int64)
    quotes[usual] = everywhere[first[usual, None] + np.arange(_QUOTES)]
    return quotes, usual


def _separated(
    text: UInt8[np.ndarray, " t"], frames: Frames, quotes: Int64[np.ndarray, "n 8"]
) -> Bool[np.ndarray, " n"]:
    """Whether all that stands outside the quotes is `[`, `, epochs, `, `, `, `, ` and `]`."""
    usual: Bool[np.ndarray, " n"] = (quotes[:, 0] == frames.starts + 1) & (quotes[:, 7] == frames.ends - 2)
    usual &= (text[frames.starts] == ord("[")) & (text[frames.ends - 1] == ord("]"))
    usual &= (quotes[:, 4] - quotes[:, 3] == 3) & (quotes[:, 6] - quotes[:, 5] == 3)
    for comma in (quotes[:, 1] + 1, quotes[:, 2] - 2, quotes[:, 3] + 1, quotes[:, 5] + 1):
        usual &= (text[comma] == ord(",")) & (text[comma + 1] == ord(" "))
    return usual


def _hashes(
    text: UInt8[np.ndarray, " t"], quotes: Int64[np.ndarray, "m 8"], rows: Int64[np.ndarray, " m"], records: Records
) -> Bool[np.ndarray, " m"]:
    usual: Bool[np.ndarray, " m"] = quotes[:, 1] - quotes[:, 0] == 33
    values = _HEX_PAIRS.take(_windows(text, quotes[:, 0] + 1, 32).view("<u2"))
    usual &= (values != _INVALID).all(axis=1)
    records.hashes[rows] = values.astype(np.uint8).view(">u8")
    return usual


def _epochs(
    text: UInt8[np.ndarray, " t"], quotes: Int64[np.ndarray, "m 8"], rows: Int64[np.ndarray, " m"], records: Records
) -> Bool[np.ndarray, " m"]:
    first, digits = quotes[:, 1] + 3, quotes[:, 2] - quotes[:, 1] - 5
    usual: Bool[np.ndarray, " m"] = (digits >= 1) & (digits <= _EPOCH_DIGITS) & (text[first] != ord("0"))
    value = np.zeros(len(rows), np.int32)
    for place in range(_EPOCH_DIGITS):
        present = place < digits
        digit = text[first + place].astype(np.int32) - ord("0")
        usual &= ~present | ((digit >= 0) & (digit <= 9))
        value = np.where(present, 10 * value + digit, value)
    records.epochs[rows] = value
    return usual


def _adjacency(
    text: UInt8[np.ndarray, " t"], quotes: Int64[np.ndarray, "m 8"], rows: Int64[np.ndarray, " m"], records: Records
) -> Bool[np.ndarray, " m"]:
    usual = np.zeros(len(rows), bool)
    lengths = quotes[:, 3] - quotes[:, 2] - 1
    for vertices in range(2, MAX_VERTICES + 1):
        group = np.flatnonzero(lengths == vertices**2)
        digits = _windows(text, quotes[group, 2] + 1, vertices**2) ^ np.uint8(ord("0"))
        weights = np.full((vertices, vertices), float(1 << 24))  # an edge that must not be
        for y in range(1, vertices):
            for x in range(y):
                weights[x, y] = float(1 << edge_bit(x, y))
        edges = digits @ weights.ravel()
        good = (digits <= 1).all(axis=1) & (edges < 1 << 24)
        usual[group] = good
        records.cells[rows[group]] = np.where(good, edges, 0).astype(np.uint32) | np.uint32(absent_bits(vertices))
    return usual


def _operations(
    text: UInt8[np.ndarray, " t"], quotes: Int64[np.ndarray, "m 8"], rows: Int64[np.ndarray, " m"], records: Records
) -> Bool[np.ndarray, " m"]:
    """Reads one vertex after the other, since operations have names of different lengths."""
    cells = records.cells[rows]
    # vertices are absent from the last one on, so their number follows from the packed cell
    count = (np.stack([(cells >> operation_bit(v)) & 3 for v in range(1, MAX_VERTICES - 1)]) != 3).sum(axis=0)
    usual: Bool[np.ndarray, " m"] = _reads(text, quotes[:, 4], b'"input,') & _reads(text, quotes[:, 5] - 7, b',output"')
    position = quotes[:, 4] + len(b'"input,')
    for vertex in range(1, MAX_VERTICES - 1):
        found = vertex > count
        words = _windows(text, position, 16).view("<u8")
        for code, name in enumerate(OPERATIONS):
            here = (vertex <= count) & _starts_with(words, name.encode() + b",")
            found |= here
            position += here * (len(name) + 1)
            cells |= here * np.uint32(code << operation_bit(vertex))
        usual &= found
    records.cells[rows] = cells
    usual &= position == quotes[:, 5] - len("output")
    return usual


def _starts_with(words: UInt64[np.ndarray, "k 2"], expected: bytes) -> Bool[np.ndarray, " k"]:
    """Whether the 16 bytes of each row begin with at most as many expected ones."""
    low, high = np.frombuffer(expected.ljust(16, b"\0"), "<u8")
    mask_low, mask_high = np.frombuffer((b"\xff" * len(expected)).ljust(16, b"\0"), "<u8")
    begins: Bool[np.ndarray, " k"] = ((words[:, 0] & mask_low) == low) & ((words[:, 1] & mask_high) == high)
    return begins


def _metrics(
    text: UInt8[np.ndarray, " t"], quotes: Int64[np.ndarray, "m 8"], rows: Int64[np.ndarray, " m"], records: Records
) -> Bool[np.ndarray, " m"]:
    usual = np.zeros(len(rows), bool)
    for group, messages in _decoded(text, quotes):
        waiting = np.ones(len(group), bool)
        for _ in range(_LAYOUTS):
            if not waiting.any():
                break
            example = messages[waiting.argmax()]
            try:
                layout = metrics_layout(example.tobytes())
            except DataError:
                break
            alike = waiting & _same_layout(messages, example, layout)
            usual[group[alike]] = _read_metrics(messages[alike], layout, rows[group[alike]], records)
            waiting &= ~alike
    return usual


def _decoded(
    text: UInt8[np.ndarray, " t"], quotes: Int64[np.ndarray, "m 8"]
) -> Iterator[tuple[Int64[np.ndarray, " k"], UInt8[np.ndarray, "k b"]]]:
    """Groups of records whose messages are equally long, with these messages."""
    lengths = quotes[:, 7] - quotes[:, 6] - 1
    padding = (text[quotes[:, 7] - 1] == ord("=")).astype(np.int64) + (text[quotes[:, 7] - 2] == ord("="))
    for kind in np.unique(4 * lengths + padding).tolist():
        length, padded = divmod(kind, 4)
        if length % 4 or length < 4:
            continue
        group = np.flatnonzero((lengths == length) & (padding == padded))
        characters = _windows(text, quotes[group, 6] + 1, length)
        characters[:, length - padded :] = ord("A")
        # without padding, the texts of the group are one long text
        try:
            decoded = binascii.a2b_base64(characters.tobytes())
        except binascii.Error:
            continue
        if len(decoded) != len(group) * length // 4 * 3:
            continue  # characters outside the alphabet were passed over
        yield group, np.frombuffer(decoded, np.uint8).reshape(len(group), -1)[:, : 3 * length // 4 - padded]


def _same_layout(
    messages: UInt8[np.ndarray, "k b"], example: UInt8[np.ndarray, " b"], layout: MetricsLayout
) -> Bool[np.ndarray, " k"]:
    mask = np.frombuffer(layout.mask, np.uint8)
    same: Bool[np.ndarray, " k"] = ((messages & mask) == (example & mask)).all(axis=1)
    return same


def _read_metrics(
    messages: UInt8[np.ndarray, "k b"], layout: MetricsLayout, rows: Int64[np.ndarray, " k"], records: Records
) -> Bool[np.ndarray, " k"]:
    """Fills in the numbers of messages of one layout; tells which are within the reference's limits."""
    epochs = _doubles(messages, layout.epochs) - records.epochs[rows, None] * np.array([0.5, 1.0])
    values = _doubles(messages, layout.metrics)
    seconds = np.tile([measure == "seconds" for measure in MEASURES], len(POINTS))
    usual: Bool[np.ndarray, " k"] = (np.abs(epochs) <= MAX_EPOCH_OFFSET).all(axis=1)
    usual &= ((values >= 0) & (values <= np.where(seconds, MAX_SECONDS, MAX_ACCURACY))).all(axis=1)
    values[~usual] = 0  # so that the conversion to float32 cannot overflow
    records.metrics[rows] = np.where(seconds, values, np.minimum(values, 1.0))
    start, end = layout.parameters
    digits = (messages[:, start:end] & 0x7F).astype(np.uint64)
    parameters = np.zeros(len(rows), np.uint64)
    for place in range(min(end - start, 9)):
        parameters |= digits[:, place] << np.uint64(7 * place)
    usual &= (parameters > 0) & (parameters <= MAX_PARAMETERS) & (end - start <= 9)
    records.parameters[rows[usual]] = parameters[usual]
    return usual


def _doubles(messages: UInt8[np.ndarray, "k b"], starts: tuple[int, ...]) -> Float64[np.ndarray, "k d"]:
    columns = (np.asarray(starts)[:, None] + np.arange(8)).ravel()
    return np.ascontiguousarray(messages[:, columns]).view(np.float64)


def _windows(text: UInt8[np.ndarray, " t"], positions: Int64[np.ndarray, " k"], width: int) -> UInt8[np.ndarray, "k w"]:
    """The `width` bytes from each position on; the last possible ones where the text ends before."""
    if len(text) < width:
        return np.zeros((len(positions), width), np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(text, width)
    return np.asarray(windows[np.minimum(positions, len(windows) - 1)])


def _reads(
    text: UInt8[np.ndarray, " t"], positions: Int64[np.ndarray, " k"], expected: bytes
) -> Bool[np.ndarray, " k"]:
    """Whether `expected` stands at each position."""
    windows = _windows(text, positions, len(expected))
    reads: Bool[np.ndarray, " k"] = (windows == np.frombuffer(expected, np.uint8)).all(axis=1)
    return reads
