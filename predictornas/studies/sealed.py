"""JSON files with a checksum inside: manifests, and results that are kept to be taken up again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from predictornas.errors import StoreError
from predictornas.files import write_json
from predictornas.reading import CHECKSUM, checked_object, read_json, sealed, shown_path, unsealed

_REMEDY = "Bring a copy of the file back, or move it away."


def write_sealed(path: Path, facts: Mapping[str, Any]) -> None:
    """Writes facts as JSON with their checksum, atomically; NaN and infinities, which JSON lacks, as null.

    Raises:
        StoreError: the folder cannot be written.
    """
    write_json(path, sealed(_as_json(facts)))


def read_sealed(path: Path) -> tuple[dict[str, Any], bool]:
    """The facts that `write_sealed` wrote, and whether there is a checksum: older versions wrote none.

    Raises:
        StoreError: the file is damaged, or cannot be read.
    """
    where = shown_path(path)
    facts = checked_object(
        read_json(path, error=StoreError, remedy=_REMEDY), {}, where, error=StoreError, remedy=_REMEDY
    )
    if CHECKSUM not in facts:
        return facts, False
    return unsealed(facts, where, error=StoreError, remedy=_REMEDY), True


def kept(path: Path, name: str) -> Any:
    """What a file keeps under a name; None where there is no such file, or one that is damaged or has no checksum."""
    try:
        facts, has_checksum = read_sealed(path)
    except StoreError:
        return None
    return facts.get(name) if has_checksum else None


def _as_json(value: Any) -> Any:
    """A value as it will be read."""
    if isinstance(value, Mapping):
        return {str(name): _as_json(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
