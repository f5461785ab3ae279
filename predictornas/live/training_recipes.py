"""Training recipes: everything that decides how weights are learned, those of the papers by name."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.live.augmentation import Augmentation
from predictornas.live.colour_jitter import Jitter
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.darts import DARTS
from predictornas.spaces.restricted import RestrictedSpace

Schedule = Literal["cosine", "exponential", "linear", "constant"]
SCHEDULES: tuple[str, ...] = get_args(Schedule)
"""How a learning rate may fall."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. All rates are per batch, all penalties are on every weight.

    Attributes:
        epochs: length of the whole training; a shorter one is its beginning, with the rates of the whole.
        batch_size: images in a batch, >= 2.
        learning_rate: the rate at the start, > 0.
        final_learning_rate: what "cosine" and "linear" arrive at after the last epoch.
        schedule: how the rate falls; "exponential" multiplies it with `decay` after every epoch.
        decay: factor of "exponential".
        every_step: whether the rate follows the schedule at every batch; else it changes between epochs only.
        warm_up_epochs: epochs in which the rate rises linearly to `learning_rate` in place of the schedule.
        optimiser: "sgd", or "rmsprop" in TensorFlow's form (`predictornas.live.rmsprop`).
        momentum: of either optimiser.
        nesterov: Nesterov's momentum, for "sgd".
        weight_decay: factor of the L2 penalty's gradient.
        clip: largest norm of the gradient; None for no limit.
        label_smoothing: share of the label that is spread over all classes.
        auxiliary_weight: weight of the auxiliary head's loss; 0 where there is none.
        drop_path: probability of dropping a path that the linear rise from 0 arrives at after the last epoch.
        augmentation: random changes of the training images.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    final_learning_rate: float = 0.0
    schedule: Schedule = "cosine"
    decay: float = 1.0
    every_step: bool = False
    warm_up_epochs: int = 0
    optimiser: Literal["sgd", "rmsprop"] = "sgd"
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    clip: float | None = None
    label_smoothing: float = 0.0
    auxiliary_weight: float = 0.0
    drop_path: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def rate(self, epoch: int, step: int, steps: int) -> float:
        """Learning rate of a batch.

        Args:
            epoch: 0 .. epochs - 1.
            step: the batch within its epoch, 0 .. steps - 1.
            steps: batches in an epoch.
        """
        done = epoch + step / steps if self.every_step else float(epoch)
        if epoch < self.warm_up_epochs:
            unit = 1 / steps if self.every_step else 1.0
            return self.learning_rate * (done + unit) / self.warm_up_epochs
        span = self.learning_rate - self.final_learning_rate
        match self.schedule:
            case "cosine":
                return self.final_learning_rate + span * (1 + math.cos(math.pi * done / self.epochs)) / 2
            case "linear":
                return self.final_learning_rate + span * (1 - done / self.epochs)
            case "exponential":
                return self.learning_rate * math.pow(self.decay, done)
            case "constant":
                return self.learning_rate

    def drop_path_at(self, epoch: int) -> float:
        """Probability of dropping a path in an epoch, 0 in the first (DARTS's released code)."""
        return self.drop_path * epoch / self.epochs

    def with_lengths(self, epochs: int | None, batch_size: int | None) -> Recipe:
        """The same recipe with these where they are given."""
        return replace(
            self,
            epochs=self.epochs if epochs is None else epochs,
            batch_size=self.batch_size if batch_size is None else batch_size,
        )

    def check(self) -> None:
        """Says what could not work.

        Raises:
            ConfigurationError: a setting outside its range.
        """
        rules = {
            "epochs must be at least 1": self.epochs >= 1,
            "batch_size must be at least 2, as batch normalisation needs": self.batch_size >= 2,
            "learning_rate must be above 0": self.learning_rate > 0,
            "decay must be above 0": self.decay > 0,
            "final_learning_rate and warm_up_epochs must be at least 0": min(
                self.final_learning_rate, self.warm_up_epochs
            )
            >= 0,
            f"schedule must be one of {', '.join(SCHEDULES)}": self.schedule in SCHEDULES,
            "momentum must be in [0, 1)": 0 <= self.momentum < 1,
            "weight_decay must be at least 0": self.weight_decay >= 0,
            "clip must be above 0 or None": self.clip is None or self.clip > 0,
            "label_smoothing must be in [0, 1)": 0 <= self.label_smoothing < 1,
            "drop_path must be in [0, 1)": 0 <= self.drop_path < 1,
            "nesterov needs optimiser='sgd' and a momentum": not self.nesterov
            or (self.optimiser == "sgd" and self.momentum > 0),
        }
        broken = [rule for rule, kept in rules.items() if not kept]
        if broken:
            raise ConfigurationError(f"This recipe cannot train: {'; '.join(broken)}. It is {self}.")
        self.augmentation.check()


_CIFAR = Augmentation(crop_padding=4, flip=True)

_DARTS = Recipe(
    epochs=600,
    batch_size=96,
    learning_rate=0.025,
    weight_decay=3e-4,
    clip=5.0,
    auxiliary_weight=0.4,
    drop_path=0.2,
    augmentation=Augmentation(crop_padding=4, flip=True, cutout=16),
)

_IMAGENET = Recipe(
    epochs=250,
    batch_size=128,
    learning_rate=0.1,
    schedule="exponential",
    decay=0.97,
    weight_decay=3e-5,
    clip=5.0,
    label_smoothing=0.1,
    auxiliary_weight=0.4,
    augmentation=Augmentation(flip=True, resized_crop=0.08, jitter=Jitter(0.4, 0.4, 0.4, 0.2)),
)

RECIPES: dict[str, Recipe] = {
    "darts-cifar10": _DARTS,
    "milenas-cifar10": replace(_DARTS, learning_rate=0.03),
    "drnas-cifar10": replace(_DARTS, batch_size=64, drop_path=0.3),
    "darts-imagenet": _IMAGENET,
    "drnas-imagenet": replace(
        _IMAGENET, batch_size=768, learning_rate=0.5, schedule="linear", decay=1.0, warm_up_epochs=5
    ),
    "nasbench101": Recipe(
        epochs=108,
        batch_size=256,
        learning_rate=0.2,
        every_step=True,
        optimiser="rmsprop",
        weight_decay=1e-4,
        augmentation=_CIFAR,
    ),
    "nasbench201": Recipe(
        epochs=200, batch_size=256, learning_rate=0.1, nesterov=True, weight_decay=5e-4, augmentation=_CIFAR
    ),
    "small": Recipe(
        epochs=9,
        batch_size=50,
        learning_rate=0.1,
        every_step=True,
        nesterov=True,
        weight_decay=5e-4,
        clip=5.0,
        augmentation=Augmentation(crop_padding=1),
    ),
}
"""The recipes of the papers, and one of ours.

- `darts-cifar10`: Liu et al. 2019, section 3.2; 20 cells of 36 channels. `milenas-cifar10`: He et al. 2020, section 4.
  `drnas-cifar10`: Chen et al. 2021, its released code.
- `darts-imagenet`, `drnas-imagenet`: the mobile setting, 14 cells of 48 channels at 224 x 224, random parts and colours
  as in the released code of both. Parts are drawn from the square of 256 x 256 about the centre by which images are
  judged, there from the whole image (ours: images are held at one size). The released DrNAS lowers the slope of the
  last five epochs, the paper says linear.
- `nasbench101`: Ying et al. 2019 and its released code (there a rate of 0.1 on each of two cores); the four lengths of
  its table were trainings of their own, each with the schedule of its length.
- `nasbench201`: Dong and Yang 2020, the full training of 200 epochs; 15 cells of 16 channels.
- `small` (ours): a few thousand small images in seconds.
"""


def get_recipe(name: str) -> Recipe:
    """The recipe of this name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in RECIPES:
        raise UnknownNameError("training recipe", name, RECIPES)
    return RECIPES[name]


def recipe_for(name: str, space: SearchSpace) -> Recipe:
    """The recipe of this name, for networks of a space.

    Raises:
        UnknownNameError: there is none.
        ConfigurationError: it trains what networks of the space lack; names those that go with it.
    """
    recipe = get_recipe(name)
    if _goes_with(recipe, space):
        return recipe
    others = ", ".join(other for other, found in RECIPES.items() if _goes_with(found, space))
    raise ConfigurationError(
        f"The recipe {name!r} trains an auxiliary head, which only networks of the DARTS spaces have. Choose one that "
        f"goes with {space.name}: {others}."
    )


def usual_recipe(space: SearchSpace) -> str:
    """The name of the recipe of a space's own paper; of a space without one it is `small`."""
    base = _base(space)
    if isinstance(base, DARTS):
        return "darts-cifar10"
    return base.name if base.name in RECIPES else "small"


def stem_of(name: str) -> str:
    """The stem of DARTS networks that a recipe trains: ImageNet's make images an eighth of their size."""
    return "imagenet" if "imagenet" in name else "cifar"


def _goes_with(recipe: Recipe, space: SearchSpace) -> bool:
    return isinstance(_base(space), DARTS) or not (recipe.auxiliary_weight or recipe.drop_path)


def _base(space: SearchSpace) -> SearchSpace:
    return space.base if isinstance(space, RestrictedSpace) else space
