"""Checkpoints of trainings: whole or absent, checked before use, and never taken for those of another training.

A file is a line with the SHA-256 of all that follows, a line of JSON (format, identity, learning curve), the tensors.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from predictornas.errors import CheckpointError
from predictornas.files import writing_file
from predictornas.live.curve import COLUMNS, Curve

FORMAT = 1
"""Counted up when older files can no longer be read."""

Identity = Mapping[str, Any]
"""Everything that decides what a training computes, as JSON has it."""


@dataclass(frozen=True)
class Checkpoint:
    """A training after one of its epochs.

    Attributes:
        identity: which training it is.
        curve: its learning curve so far.
        tensors: what the network and the optimiser hold, as `state_dict` gives it.
    """

    identity: Identity
    curve: Curve
    tensors: dict[str, Any]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint in place of the one before, which stays until the new one is complete.

    Raises:
        StoreError: the file cannot be written.
    """
    curve = {name: column.tolist() for name, column in checkpoint.curve.columns().items()}
    header = {
        "format": FORMAT,
        "identity": checkpoint.identity,
        "curve": curve,
        "failed": checkpoint.curve.failed,
    }
    buffer = io.BytesIO()
    buffer.write(json.dumps(header).encode() + b"\n")
    torch.save(checkpoint.tensors, buffer)
    content = buffer.getbuffer()
    with writing_file(path) as temporary, temporary.open("wb") as stream:
        stream.write(hashlib.sha256(content).hexdigest().encode() + b"\n")
        stream.write(content)


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Reads a checkpoint; nothing in it is executed.

    Args:
        path: the file.
        device: where the tensors go.

    Raises:
        CheckpointError: the file is damaged or of another format.
        FileNotFoundError: there is none.
    """
    found, curve, tensors = _verified(path)
    with _as_damage(path):
        loaded = torch.load(io.BytesIO(tensors), map_location=device, weights_only=True)
    return Checkpoint(found, curve, loaded)


def read_progress(path: Path) -> tuple[Identity, Curve]:
    """Whose checkpoint this is and how far it got, without its tensors.

    Raises:
        CheckpointError: the file is damaged or of another format.
        FileNotFoundError: there is none.
    """
    found, curve, _ = _verified(path)
    return found, curve


def require_same(path: Path, found: Identity, expected: Identity) -> None:
    """Checks that a checkpoint belongs to the training that is to go on.

    Raises:
        CheckpointError: it belongs to another; names the first setting that differs.
    """
    there, here = dict(_leaves(found)), dict(_leaves(expected))
    for name in [*here, *there]:
        if there.get(name) != here.get(name):
            raise CheckpointError(
                f"{path} belongs to another training: its {name} is {there.get(name)!r}, here it is "
                f"{here.get(name)!r}. Train in another folder, or remove this file to start over."
            )


def _verified(path: Path) -> tuple[Identity, Curve, memoryview]:
    """Identity, curve and the bytes of the tensors, once the checksum is right."""
    content = path.read_bytes()
    checksum, _, rest = content.partition(b"\n")
    if hashlib.sha256(rest).hexdigest().encode() != checksum:
        raise CheckpointError(
            f"{path} is damaged: its checksum does not match (a torn copy, a failing disk, or no checkpoint at all). "
            "Remove it to train this architecture anew."
        )
    with _as_damage(path):
        end = rest.index(b"\n") + 1
        header = json.loads(rest[:end])
        if header["format"] != FORMAT:
            raise CheckpointError(
                f"{path} has format {header['format']!r}; this version reads format {FORMAT}. "
                "Remove it to train this architecture anew."
            )
        return header["identity"], _curve(header), memoryview(rest)[end:]


@contextmanager
def _as_damage(path: Path) -> Iterator[None]:
    """Whatever a file of the right checksum but the wrong content leads to (torch raises many kinds) is one error."""
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(
            f"{path} is no checkpoint of a training ({type(error).__name__}: {error}). "
            "Remove it to train this architecture anew."
        ) from error


def _curve(header: Mapping[str, Any]) -> Curve:
    columns = {name: np.array(header["curve"][name], dtype=np.float64) for name in COLUMNS}
    return Curve(**columns, failed=header["failed"])


def _leaves(settings: Identity, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The settings of nested groups, each under its full name."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
