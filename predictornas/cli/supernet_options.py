"""The options of `supernet` whose defaults are those of the method, and what these are.

Written down, because the methods themselves import torch, which no help has to wait for; a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import Parameter

DEFAULTS: dict[str, tuple[Any, Mapping[str, Any]]] = {
    "space": ("darts-8", {"drnas": "darts", "drnas-progressive": "darts"}),
    "cells": (8, {"drnas-progressive": 20}),
    "channels": (16, {"drnas-progressive": 36}),
    "epochs": (50, {"gdas": 250, "pvll": 300}),
    "batch_size": (64, {"gdas": 256, "milenas-gumbel": 128, "pc-darts": 256}),
    "learning_rate": (0.025, {"pc-darts": 0.1, "drnas-progressive": 0.1}),
    "architecture_rate": (0.0003, {"pc-darts": 0.0006, "drnas-progressive": 0.0006, "pvll": 0.1}),
    "warm_up": (0, {"pc-darts": 15}),
    "lambda": (None, {"milenas": 1, "milenas-gumbel": 1, "bilevel-to-mixed": 1}),
    "anchor": (None, {"drnas": "l2", "drnas-progressive": "l2"}),
}
"""By option what most methods have (None: nothing), and what others have; in a DARTS space, with preset paper."""


def default_of(option: str, method: str) -> Any:
    """The default of an option for a method of this package."""
    base, others = DEFAULTS[option]
    return others.get(method, base)


def _said(option: str) -> str:
    """The default in words."""
    base, others = DEFAULTS[option]
    grouped: dict[Any, list[str]] = {}
    for method, value in others.items():
        grouped.setdefault(value, []).append(method)
    own = [f"{value} in {', '.join(methods)}" for value, methods in grouped.items()]
    said = [f"{base}", *own] if base is not None else [*own, "others have none"]
    return f"Default: the method's own, {'; '.join(said)}."


def _option(name: str, meaning: str) -> Parameter:
    return Parameter(name=f"--{name.replace('_', '-')}", help=f"{meaning} {_said(name)}")


Space = Annotated[
    str | None,
    _option("space", "darts-8 (DARTS' 8 operations), darts (without none), darts-s1 to darts-s4, or nasbench201."),
]
Cells = Annotated[
    int | None, _option("cells", "Cells of the super-network; in nasbench201 of each stage, by default 5.")
]
Channels = Annotated[int | None, _option("channels", "Channels of the first cells.")]
Epochs = Annotated[
    int | None,
    _option("epochs", "Length of the search; warm-ups, stages and intervals of the method keep their share of it."),
]
BatchSize = Annotated[int | None, _option("batch_size", "Images of a batch.")]
LearningRate = Annotated[
    float | None, _option("learning_rate", "Learning rate of the weights in the first epoch; it falls by a cosine.")
]
ArchitectureRate = Annotated[
    float | None, _option("architecture_rate", "Learning rate of the architecture parameters alpha.")
]
WarmUp = Annotated[
    int | None,
    _option(
        "warm_up",
        "First epochs, in which alpha rests and only weights are trained. As many as --epochs: a super-network for "
        "--from. drnas-progressive has its own in each stage.",
    ),
]
MixedWeight = Annotated[
    float | None, _option("lambda", "Weight of the validation loss beside the training loss in MiLeNAS.")
]
Anchor = Annotated[
    str | None, _option("anchor", "What keeps DrNAS's concentrations near 1: l2, kl, weight-decay or none.")
]
TrainingImages = Annotated[
    int | None,
    Parameter(
        help="Images to search with, one half for the weights, the other, from val/ where a folder has it, for alpha. "
        "Default: all of them."
    ),
]
From = Annotated[
    str | None,
    Parameter(
        name="--from",
        help="Folder of a finished search whose alpha rested (--warm-up N --epochs N): begin with its weights. Space, "
        "size, relaxation, partial channels, images and seed have to agree. Default: fresh weights.",
    ),
]
