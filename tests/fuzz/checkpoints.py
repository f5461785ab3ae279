"""Entry: checkpoints of trainings, altered with and without their checksum."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import torch

from predictornas.live.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from predictornas.live.curve import one_epoch
from tests.fuzz.engine import Entry
from tests.fuzz.mutations import any_of, with_pieces

_ALTERED = with_pieces(b"PK\3\4", b"PK\5\6", b"}", b"(", b"R")


def checkpoint(folder: Path) -> Entry:
    """A small network after one epoch."""
    curve = one_epoch(train_loss=0.5, train_accuracy=0.5, validation_accuracy=0.5, test_accuracy=0.25, seconds=1.0)
    tensors = {"network": {"weight": torch.arange(6.0)}, "optimiser": {"state": {0: {"step": torch.ones(2)}}}}
    path = folder / "training.checkpoint"
    save_checkpoint(path, Checkpoint({"space": "nasbench201", "recipe": {"epochs": 4}}, curve, tensors))

    def read() -> str:
        found = load_checkpoint(path)
        return repr((found.identity, found.curve, found.tensors))

    return Entry(path, any_of(_ALTERED, _resealed), read, must_notice=lambda content: not _whole(content))


def _resealed(content: bytes, rng: random.Random) -> bytes:
    """As if it had been written like this."""
    rest = _ALTERED(content.partition(b"\n")[2], rng)
    return hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def _whole(content: bytes) -> bool:
    checksum, _, rest = content.partition(b"\n")
    return hashlib.sha256(rest).hexdigest().encode() == checksum
