"""A super-network method: parts that are put together, each of which can be exchanged for another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from itertools import pairwise
from typing import Any

from predictornas.errors import ConfigurationError
from predictornas.live.augmentation import Augmentation
from predictornas.live.training_recipes import Recipe
from predictornas.supernet.network.topology import Topology
from predictornas.supernet.parts.anchor import AnchoredUpdate, DirichletAnchor
from predictornas.supernet.parts.greedy import GradualSelection
from predictornas.supernet.parts.loss_regression import LossSpaceRegression
from predictornas.supernet.parts.perturbation import FineTunedSelection
from predictornas.supernet.parts.regularisers import Regulariser
from predictornas.supernet.parts.relaxations import (
    ConcentrationRelaxation,
    EdgeWeighting,
    GumbelSoftmax,
    PathSampling,
    Relaxation,
    Softmax,
)
from predictornas.supernet.parts.selection import Magnitude, RuledSelection
from predictornas.supernet.parts.stages import Stage
from predictornas.supernet.parts.updates import ArchitectureUpdate, Bilevel, CombinedUpdate

DARTS_WEIGHTS = Recipe(
    epochs=50,
    batch_size=64,
    learning_rate=0.025,
    final_learning_rate=0.001,
    weight_decay=3e-4,
    clip=5.0,
    augmentation=Augmentation(crop_padding=4, flip=True),
)
"""How DARTS learns the operation weights in the search (Liu et al. 2019, appendix A.1.1)."""


@dataclass(frozen=True)
class ArchitectureSettings:
    """How the architecture parameters learn, with Adam; the defaults are those of DARTS.

    Attributes:
        learning_rate: > 0.
        betas: decay of Adam's two moments, each in [0, 1).
        weight_decay: factor of the L2 penalty's gradient, >= 0.
        clip: largest norm of the gradient; None for no limit.
        initial_scale: standard deviation of the initial parameters, >= 0.

    Raises:
        ConfigurationError: a value out of range.
    """

    learning_rate: float = 3e-4
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: float = 1e-3
    clip: float | None = None
    initial_scale: float = 1e-3

    def __post_init__(self) -> None:
        fits = self.learning_rate > 0 and min(self.weight_decay, self.initial_scale) >= 0
        if not fits or not all(0 <= beta < 1 for beta in self.betas) or (self.clip is not None and not self.clip > 0):
            raise ConfigurationError(
                "Architecture parameters need a learning_rate and a clip above 0, weight_decay and initial_scale >= 0 "
                f"and betas in [0, 1), not {self}."
            )


Selection = RuledSelection | GradualSelection | FineTunedSelection
"""How a search arrives at one architecture."""


@dataclass(frozen=True)
class Method:
    """One way to search with a super-network. Without arguments it is first-order DARTS.

    Attributes:
        relaxation: how operations are mixed.
        update: which losses drive the architecture parameters.
        regulariser: what the operation weights are trained at instead of the mixture itself; None for the mixture.
        selection: how one architecture is chosen.
        partial: k, the share 1/k of the channels that goes through the operations; 1 for all.
        stages: parts with fewer and fewer operations, the first with all of them; they bring k and their lengths.
        warm_up: first epochs, in which the architecture parameters rest, >= 0; stages bring their own.
        weights: how the operation weights learn.
        architecture: how the architecture parameters learn.
        cells: depth of the paper's super-network, as in `NetworkShape`.
        channels: width of the paper's super-network.
        space: name of the paper's space: DARTS with 8 operations, `none` among them, or without it.

    Raises:
        ConfigurationError: parts that do not go together; says why.
    """

    relaxation: Relaxation = field(default_factory=Softmax)
    update: ArchitectureUpdate | LossSpaceRegression = field(default_factory=Bilevel)
    regulariser: Regulariser | None = None
    selection: Selection = field(default_factory=Magnitude)
    partial: int = 1
    stages: tuple[Stage, ...] = ()
    warm_up: int = 0
    weights: Recipe = DARTS_WEIGHTS
    architecture: ArchitectureSettings = field(default_factory=ArchitectureSettings)
    cells: int = 8
    channels: int = 16
    space: str = "darts-8"

    def __post_init__(self) -> None:
        for is_wrong, reason in self._conflicts():
            if is_wrong:
                raise ConfigurationError(f"These parts do not go together: {reason}")

    @property
    def epochs(self) -> int:
        """Length of the search, before perturbation selection: that of the stages or visits where there are some."""
        if self.stages:
            return sum(stage.epochs for stage in self.stages)
        if isinstance(self.update, LossSpaceRegression):
            return 2 * self.update.warm_up + self.update.steps
        return self.weights.epochs

    @property
    def mixing(self) -> Relaxation:
        """The relaxation without the weights of whole edges."""
        return self.relaxation.inner if isinstance(self.relaxation, EdgeWeighting) else self.relaxation

    @property
    def edge_weighted(self) -> bool:
        """Whether whole edges have parameters too."""
        return isinstance(self.relaxation, EdgeWeighting)

    def fine_tuning_epochs(self, topology: Topology) -> int:
        """Epochs of perturbation selection after the search; 0 with another selection.

        Raises:
            ConfigurationError: a topology step in a space whose cells keep every edge.
        """
        return self.selection.epochs(topology) if isinstance(self.selection, FineTunedSelection) else 0

    def _conflicts(self) -> Iterator[tuple[bool, str]]:
        """What may be wrong, and the reason that it would be."""
        mixing = self.mixing
        paths = isinstance(mixing, PathSampling) and mixing.samples_paths
        yield (
            self.regulariser is not None and paths,
            "a perturbation moves the factors of mixed operations, but this relaxation samples one operation an edge. "
            "Use Softmax() or GumbelSoftmax(), or no regulariser.",
        )
        anchored = any(anchor.distance != "weight-decay" for anchor in _anchors(self.update))
        yield (
            anchored and not isinstance(mixing, ConcentrationRelaxation),
            "the anchor is a distance of Dirichlet concentrations, which this relaxation does not have. Use "
            "Dirichlet(), or an anchor of distance 'weight-decay'.",
        )
        yield (
            bool(self.stages) and isinstance(self.selection, GradualSelection),
            "a stage removes operations of open edges, but greedy decisions close them. Leave one of them out, or use "
            "PerturbationSelection(), which begins after the last stage.",
        )
        yield (
            bool(self.stages) and (self.partial != 1 or self.warm_up != 0),
            "stages bring their own partial channels and warm-up. Set them there and leave `partial` and `warm_up`.",
        )
        yield (
            any(later.partial > earlier.partial for earlier, later in pairwise(self.stages)),
            "channels can only grow wider from stage to stage, so `partial` can only fall. Order the stages by it.",
        )
        yield (
            isinstance(self.selection, RuledSelection) and self.selection.rule == "gdas",
            "the rule 'gdas' may keep two operations on one edge, which is no architecture that could be trained. Use "
            "'darts', and `derivation.strongest` to look at what 'gdas' gives.",
        )
        yield self.warm_up < 0, f"warm_up is a number of epochs, not {self.warm_up}. Use 0 or more."
        if isinstance(self.update, LossSpaceRegression):
            yield from self._regression_conflicts(self.update)
        asked = _beyond_a_super_network(self.weights)
        yield asked is not None, f"a super-network is trained by SGD, without {asked}. Change `weights`."

    def _regression_conflicts(self, update: LossSpaceRegression) -> Iterator[tuple[bool, str]]:
        temperature = update.temperature
        yield (
            self.relaxation != GumbelSoftmax(temperature, temperature, argmax_only=True),
            "regression of the loss draws its paths by Gumbel-softmax at its own temperature, one operation an edge. "
            f"Use GumbelSoftmax({temperature}, {temperature}, argmax_only=True).",
        )
        yield (
            self.architecture.clip is not None,
            "regression of the loss follows the gradient of its estimator, which is not clipped. Leave out "
            "`architecture.clip`.",
        )
        yield (
            bool(self.stages) or self.warm_up != 0 or isinstance(self.selection, GradualSelection),
            "regression of the loss has a warm-up of its own, and its estimator reads every operation of every edge "
            "until the end. Leave out stages, warm_up and greedy decisions.",
        )


def as_json(value: Any) -> Any:
    """A configuration as JSON has it; a dataclass becomes an object with the name of its type first.

    It is written into the files of searches, and so stays as it is; `predictornas.description.describe`, which is for
    run identities, leaves out what a constructor does not take.
    """
    if is_dataclass(value) and not isinstance(value, type):
        settings = {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
        return {"type": type(value).__name__, **settings}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return value


def _beyond_a_super_network(weights: Recipe) -> str | None:
    """What a recipe asks for that a super-network does not have, or None."""
    beyond = {
        "an auxiliary head": weights.auxiliary_weight > 0,
        "dropped paths": weights.drop_path > 0,
        "another optimiser": weights.optimiser != "sgd",
    }
    return next((name for name, asked in beyond.items() if asked), None)


def _anchors(update: ArchitectureUpdate | LossSpaceRegression) -> Iterator[DirichletAnchor]:
    """The anchors in an update, inside of others too."""
    if isinstance(update, AnchoredUpdate):
        yield update.anchor
    if isinstance(update, CombinedUpdate):
        for inner in update.updates:
            yield from _anchors(inner)
