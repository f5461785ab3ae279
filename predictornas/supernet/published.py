"""The published super-network methods by name, each a combination of parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from predictornas.errors import UnknownNameError
from predictornas.registry import expect
from predictornas.spaces.base import SearchSpace
from predictornas.supernet.method import DARTS_WEIGHTS, ArchitectureSettings, Method
from predictornas.supernet.network.topology import topology_of
from predictornas.supernet.parts.anchor import Anchored, DirichletAnchor
from predictornas.supernet.parts.greedy import Greedy
from predictornas.supernet.parts.loss_regression import LossSpaceRegression
from predictornas.supernet.parts.perturbation import PerturbationSelection
from predictornas.supernet.parts.regularisers import AdversarialPerturbation, RandomSmoothing
from predictornas.supernet.parts.relaxations import Dirichlet, EdgeWeighted, GumbelHard, GumbelSoftmax, Softmax
from predictornas.supernet.parts.selection import BestEpoch
from predictornas.supernet.parts.stages import Stage
from predictornas.supernet.parts.updates import Bilevel, Mixed, SingleLevel, Switch
from predictornas.supernet.registry import SUPERNET_METHODS

PERTURBATION = "+pt"
"""Ends a name: the same super-network, and selection by perturbation (DARTS-PT: Wang et al. 2021)."""

PRESETS = ("paper", "released")
"""Whose settings a method has: its paper's, or its released code's where they differ.

There is none of our own: nothing better was measured at a size that would say so for CIFAR-10.
"""

_DRNAS_WEIGHTS = replace(DARTS_WEIGHTS, learning_rate=0.1, final_learning_rate=0.0)

METHODS: dict[str, Method] = {
    "darts-1": Method(),
    "darts-2": Method(update=Bilevel(order=2)),
    "darts-2-exact": Method(update=Bilevel(order=2, epsilon=None)),
    "single-level": Method(update=SingleLevel()),
    "gdas": Method(
        relaxation=GumbelHard(),
        weights=replace(DARTS_WEIGHTS, epochs=250, batch_size=256, weight_decay=5e-4, nesterov=True),
    ),
    "milenas": Method(update=Mixed(weight=1.0), selection=BestEpoch()),
    "milenas-gumbel": Method(
        relaxation=GumbelSoftmax(),
        update=Mixed(weight=1.0),
        selection=BestEpoch(),
        weights=replace(DARTS_WEIGHTS, batch_size=128),
    ),
    "bilevel-to-mixed": Method(update=Switch(Bilevel(order=2), Mixed(weight=1.0), epoch=35)),
    "sdarts-rs": Method(regulariser=RandomSmoothing()),
    "sdarts-adv": Method(regulariser=AdversarialPerturbation()),
    "sgas-1": Method(selection=Greedy(criterion=1)),
    "sgas-2": Method(selection=Greedy(criterion=2)),
    "pc-darts": Method(
        relaxation=EdgeWeighted(Softmax()),
        partial=4,
        warm_up=15,
        weights=replace(DARTS_WEIGHTS, batch_size=256, learning_rate=0.1, final_learning_rate=0.0),
        architecture=ArchitectureSettings(learning_rate=6e-4),
    ),
    "drnas": Method(
        relaxation=Dirichlet(),
        update=Anchored(Bilevel(), DirichletAnchor("l2")),
        architecture=ArchitectureSettings(weight_decay=0.0),
        space="darts",
    ),
    "drnas-progressive": Method(
        relaxation=Dirichlet(),
        update=Anchored(Bilevel(), DirichletAnchor("l2")),
        stages=(Stage(25, operations=7, partial=6), Stage(25, operations=4, partial=4)),
        weights=_DRNAS_WEIGHTS,
        architecture=ArchitectureSettings(learning_rate=6e-4, weight_decay=0.0),
        cells=20,
        channels=36,
        space="darts",
    ),
    "pvll": Method(
        relaxation=GumbelSoftmax(0.1, 0.1, argmax_only=True),
        update=LossSpaceRegression(),
        architecture=ArchitectureSettings(learning_rate=0.1, betas=(0.9, 0.999), weight_decay=0.0),
    ),
}
"""Each method with the settings of its paper for CIFAR-10 in the DARTS space.

`darts-2-exact` (ours) is what `darts-2` approximates by a finite difference. `single-level` and `bilevel-to-mixed` are
those that He et al. 2020 compare MiLeNAS with. No source has settings of the
plain `drnas` in this space; it has those of `darts-1`. For ImageNet, DrNAS is `drnas-progressive` with k = 6, then 3,
batches of 512 and a rate of 6e-3 for alpha (Chen et al. 2021): `replace` these. `sdarts-rs` has the uniform noise of
Chen and Hsieh 2020, `RandomSmoothing(noise="gaussian")` is that of the thesis.
"""


def _released_milenas(method: Method) -> Method:
    """The weight lambda is read and not used, and the clipping acts on alpha."""
    return replace(
        method,
        update=Mixed(weight=1.0),
        weights=replace(method.weights, clip=None),
        architecture=replace(method.architecture, clip=5.0),
    )


def _released_drnas(method: Method) -> Method:
    """Weight decay stands in the place of the distance to the anchor, and softmax in that of the mean."""
    architecture = replace(method.architecture, weight_decay=1e-3)
    return replace(method, relaxation=Dirichlet("softmax"), update=Bilevel(), architecture=architecture)


RELEASED: dict[str, Callable[[Method], Method]] = {
    "milenas": _released_milenas,
    "milenas-gumbel": _released_milenas,
    "drnas": _released_drnas,
    "drnas-progressive": _released_drnas,
}
"""What the released code does in another way than its paper, by method."""

NASBENCH201: dict[str, dict[str, Any]] = {
    "gdas": {"weights": replace(METHODS["gdas"].weights, batch_size=64)},
    "drnas-progressive": {
        "stages": (Stage(50, operations=5, partial=4), Stage(50, operations=3, partial=2)),
        "weights": DARTS_WEIGHTS,
        "architecture": ArchitectureSettings(weight_decay=0.0),
        "channels": 16,
    },
}
"""What papers set in another way for the cells of NAS-Bench-201, by method."""


def published(name: str) -> Method:
    """The method of this name in `METHODS`."""
    return METHODS[name]


def method_names() -> tuple[str, ...]:
    """Every name of this package that `get_method` knows, those with perturbation selection last."""
    return (*METHODS, *(name + PERTURBATION for name in METHODS))


def get_method(name: str, space: SearchSpace | None = None, *, preset: str = "paper") -> Method:
    """The method of this name.

    With `+pt` at its end it is followed by perturbation selection. In `sgas-1+pt` and `sgas-2+pt` the edges are decided
    as in SGAS, and the operation of each by perturbation (thesis of Wang, section 3.1.3).

    Args:
        name: one of `method_names()`, a method of another package, or `module:attribute`.
        space: the space to search in; None for a DARTS space.
        preset: "paper", or "released" for what the released code does where that differs.

    Raises:
        UnknownNameError: no method or preset has this name.
        ConfigurationError: a space without a super-network, or a method of another package that cannot be loaded.
    """
    base = name.removesuffix(PERTURBATION)
    record = SUPERNET_METHODS.find(base)
    if record is None:
        raise UnknownNameError("super-network method", name, [*method_names(), *SUPERNET_METHODS.others()])
    if preset not in PRESETS:
        raise UnknownNameError("preset", preset, PRESETS)
    method: Method = expect(record.make(name=base), Method, record)
    keeps_edges = space is not None and topology_of(space).inputs_kept is None
    if keeps_edges:
        method = replace(method, **{"cells": 5, **NASBENCH201.get(base, {})})
    if preset == "released" and base in RELEASED:
        method = RELEASED[base](method)
    if name == base:
        return method
    return with_perturbation(method, perturbation(keeps_edges=keeps_edges, preset=preset))


def perturbation(*, keeps_edges: bool, preset: str = "paper") -> PerturbationSelection:
    """Perturbation selection in cells that keep every edge, as in NAS-Bench-201, or in those of DARTS.

    The released code has no schedule for NAS-Bench-201. For DARTS it makes a cosine and never steps it, so that the
    rate is constant there too: preset "released".
    """
    constant = keeps_edges or preset == "released"
    return PerturbationSelection(topology_step=not keeps_edges, cosine=not constant)


def with_perturbation(method: Method, selection: PerturbationSelection) -> Method:
    """The same method with selection by perturbation.

    Args:
        method: any method; one that decides edges greedily goes on doing so, and asks for accuracies which operation.
        selection: what any other method selects with.
    """
    if isinstance(method.selection, Greedy):
        return replace(method, selection=replace(method.selection, by_perturbation=True))
    return replace(method, selection=selection)
