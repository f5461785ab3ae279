"""Beginning a search with the weights of another one, in which the architecture parameters rested."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from predictornas.errors import CheckpointError, ConfigurationError
from predictornas.live.checkpoints import Identity, load_checkpoint
from predictornas.live.images.partition import Partition
from predictornas.live.trainable_network import NetworkShape
from predictornas.supernet.method import Method, as_json

_RANKING = "ranking"
"""The part of a relaxation that selects and does not mix, so that weights trained with another one are the same."""


@dataclass(frozen=True)
class WarmStart:
    """A super-network whose weights were trained while its architecture parameters rested.

    The search that starts from it takes weights and running statistics. Everything else is as without: its own
    architecture parameters, fresh optimisers, its own schedules from their beginning.

    Attributes:
        path: the checkpoint.
        digest: SHA-256 of weights and running statistics.
        source: everything that decided them, as JSON has it.
        epochs: that they were trained for.
        partial: k of its partial channels.
    """

    path: Path
    digest: str
    source: Identity
    epochs: int
    partial: int

    @classmethod
    def read(cls, path: Path) -> WarmStart:
        """What a finished search with resting architecture parameters left.

        Args:
            path: its checkpoint.

        Raises:
            CheckpointError: no checkpoint, or a damaged one.
            ConfigurationError: a search that is not over, or whose architecture parameters have moved.
        """
        source, tensors = _loaded(path, "cpu")
        method = source["method"]
        length, rests = method["weights"]["epochs"], method["warm_up"]
        if rests < length or method["stages"] or any(tensors["decisions"].values()):
            raise ConfigurationError(
                f"{path} cannot be started from: its architecture parameters have moved, which a start would forget. "
                "Train the weights with a warm_up as long as the search (--warm-up N --epochs N)."
            )
        if tensors["done"] != length:
            raise ConfigurationError(
                f"{path} cannot be started from: it is of epoch {tensors['done']} of {length}. Run that search to its "
                "end first."
            )
        return cls(path, _digest(tensors["network"]), source, length, tensors["partial"])

    @property
    def identity(self) -> dict[str, Any]:
        """What a search that starts from it is recognised by, wherever the file lies."""
        return {"weights": self.digest, "epochs": self.epochs, "seed": self.source["seed"]}

    @property
    def said(self) -> str:
        """For a reader."""
        return f"the weights of {self.path.parent}, trained for {self.epochs} epochs at resting alpha"

    def weights(self, device: str) -> dict[str, Tensor]:
        """Weights and running statistics by name.

        Args:
            device: where they go.

        Raises:
            CheckpointError: the file is gone, damaged, or no longer the one that was read.
        """
        tensors = _loaded(self.path, device)[1]["network"]
        if _digest(tensors) != self.digest:
            raise CheckpointError(f"{self.path} has changed since it was read. Start this search again.")
        own: dict[str, Tensor] = tensors
        return own

    def check(self, space: str, shape: NetworkShape, method: Method, images: Partition) -> None:
        """Says what does not agree with a search.

        Args:
            space: name of its space.
            shape: of its super-network.
            method: how it searches.
            images: what it searches on.

        Raises:
            ConfigurationError: another super-network, other mixtures or other images; names all that differs.
        """
        differing = list(self._differing(space, shape, method, images))
        if differing:
            raise ConfigurationError(
                f"The search cannot start from {self.path.parent}: {'; '.join(differing)}. Start from a super-network "
                "that agrees, or train one with this method and a warm_up as long as the search (--warm-up N --epochs "
                "N)."
            )

    def _differing(self, space: str, shape: NetworkShape, method: Method, images: Partition) -> Iterator[str]:
        there = self.source
        partial = method.stages[0].partial if method.stages else method.partial
        pairs = {
            "space": (there["space"], space),
            "partial channels": (self.partial, partial),
            "relaxation": (_mixing(there["method"]["relaxation"]), _mixing(_plain(method.relaxation))),
        }
        here = _plain(shape)
        pairs |= {name: (value, here.get(name)) for name, value in there["shape"].items() if name != "type"}
        for name, (found, wanted) in pairs.items():
            if found != wanted:
                yield f"{name} {_short(found)} there, {_short(wanted)} here"
        regulariser = there["method"]["regulariser"]
        if regulariser is not None and regulariser != _plain(method.regulariser):
            yield f"its weights were trained with {_short(regulariser)}"
        if there["images"] != images.digest:
            yield f"other images, more or fewer, or other halves of them, which the seed decides: {there['seed']} there"


def _loaded(path: Path, device: str) -> tuple[Identity, dict[str, Any]]:
    try:
        found = load_checkpoint(path, device)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} does not exist. Run a search in that folder first.") from error
    if "network" not in found.tensors or "method" not in found.identity:
        raise CheckpointError(f"{path} is no checkpoint of a super-network. Start from the folder of such a search.")
    return found.identity, found.tensors


def _digest(tensors: Mapping[str, Tensor]) -> str:
    whole = hashlib.sha256()
    for name, values in sorted(tensors.items()):
        whole.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        whole.update(values.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return whole.hexdigest()


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(as_json(value)))


def _mixing(relaxation: Any) -> Any:
    """What a relaxation mixes by."""
    if not isinstance(relaxation, Mapping):
        return relaxation
    return {name: _mixing(value) for name, value in relaxation.items() if name != _RANKING}


def _short(value: Any) -> str:
    """A described part as it is written in Python."""
    if not isinstance(value, Mapping):
        return str(value)
    settings = ", ".join(f"{name}={_short(entry)}" for name, entry in value.items() if name != "type")
    return f"{value.get('type', '')}({settings})"
