"""JSON files with a checksum inside: results that are kept to be taken up again, and manifests."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from predictornas.errors import StoreError
from predictornas.files import write_json

_CHECKSUM = "checksum"


def write_sealed(path: Path, facts: Mapping[str, Any]) -> None:
    """Writes facts as JSON with their checksum before them, atomically.

    Raises:
        StoreError: the folder cannot be written.
    """
    write_json(path, {_CHECKSUM: _crc32(facts), **facts})


def read_sealed(path: Path) -> tuple[dict[str, Any], bool]:
    """The facts that `write_sealed` wrote, and whether there is a checksum: older versions wrote none.

    Raises:
        StoreError: the file is damaged, or cannot be read.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        checksum = facts.pop(_CHECKSUM, None)
        sound = isinstance(facts, dict) and (checksum is None or checksum == _crc32(facts))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        sound = False
    if not sound:
        raise StoreError(f"{path} is damaged: it is not as it was written. Bring a copy back, or move the file away.")
    return facts, checksum is not None


def kept(path: Path, name: str) -> Any:
    """What a file keeps under a name; None where there is no such file, or a damaged one: it is to be made again."""
    try:
        return read_sealed(path)[0].get(name)
    except StoreError:
        return None


def _crc32(facts: Mapping[str, Any]) -> str:
    """Of the facts as JSON has them, whatever their order and layout."""
    read_back = json.loads(json.dumps(facts))
    return f"{zlib.crc32(json.dumps(read_back, sort_keys=True).encode()):08x}"
