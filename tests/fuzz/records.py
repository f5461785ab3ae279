"""Entry: official files of NAS-Bench-101. A record carries checksums, so only what fits them may pass."""

from __future__ import annotations

import random
import struct
from pathlib import Path

from tests import official_file
from tests.fuzz.engine import Entry
from tests.fuzz.mutations import any_of, mutated_bytes, mutated_json, mutated_numbers, with_pieces
from tests.fuzz.tables import imported


def tfrecord(folder: Path) -> Entry:
    """Three runs of three cells; altered as a file, or a record with new checksums."""
    records = official_file.records_of(official_file.random_runs((4,), cells=3))
    official_file.write(folder / "cells.tfrecord", records)
    ways = any_of(with_pieces(official_file.framed(records[0])), _a_record, _a_record)
    return imported(folder, "cells.tfrecord", ways, None, must_notice=lambda content: not _whole(content))


def _records(content: bytes) -> list[bytes]:
    records, place = [], 0
    while place < len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        records.append(content[place + 12 : place + 12 + length])
        place += 16 + length
    return records


def _a_record(content: bytes, rng: random.Random) -> bytes:
    """As if it had been written like this."""
    records = _records(content)
    for _ in range(rng.choice((1, 1, 3))):
        place = rng.randrange(len(records))
        if rng.random() < 0.2:
            way = rng.randrange(3)
            records[place : place + (way > 0)] = [records[place]] * way if way != 1 else []
            if not records:
                break
        else:
            alter = rng.choice((mutated_bytes, mutated_json, mutated_numbers))
            try:
                records[place] = alter(records[place], rng)
            except ValueError:  # no JSON any more
                records[place] = mutated_bytes(records[place], rng)
    return b"".join(official_file.framed(record) for record in records)


def _whole(content: bytes) -> bool:
    """Whether every checksum of a file is right, by an implementation of its own."""
    place = 0
    while place < len(content):
        header = content[place : place + 12]
        if len(header) < 12 or official_file.masked_crc(header[:8]) != header[8:]:
            return False
        (length,) = struct.unpack("<Q", header[:8])
        record, footer = content[place + 12 : place + 12 + length], content[place + 12 + length : place + 16 + length]
        if len(record) < length or official_file.masked_crc(record) != footer:
            return False
        place += 16 + length
    return True
