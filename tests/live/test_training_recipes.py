from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.live.augmentation import Augmentation
from predictornas.live.colour_jitter import Jitter
from predictornas.live.training_recipes import RECIPES, Recipe, get_recipe, recipe_for, stem_of, usual_recipe
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space


@pytest.mark.parametrize(
    ("name", "epochs", "batch", "start", "decay", "drop", "auxiliary"),
    [
        ("darts-cifar10", 600, 96, 0.025, 3e-4, 0.2, 0.4),
        ("milenas-cifar10", 600, 96, 0.03, 3e-4, 0.2, 0.4),
        ("drnas-cifar10", 600, 64, 0.025, 3e-4, 0.3, 0.4),
        ("darts-imagenet", 250, 128, 0.1, 3e-5, 0.0, 0.4),
        ("drnas-imagenet", 250, 768, 0.5, 3e-5, 0.0, 0.4),
        ("nasbench101", 108, 256, 0.2, 1e-4, 0.0, 0.0),
        ("nasbench201", 200, 256, 0.1, 5e-4, 0.0, 0.0),
    ],
)
def test_the_settings_of_the_papers(
    name: str, epochs: int, batch: int, start: float, decay: float, drop: float, auxiliary: float
) -> None:
    recipe = RECIPES[name]
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate) == (epochs, batch, start)
    assert (recipe.weight_decay, recipe.drop_path, recipe.auxiliary_weight) == (decay, drop, auxiliary)
    assert recipe.momentum == 0.9
    assert (recipe.clip == 5.0) == ("nasbench" not in name)
    assert (recipe.label_smoothing == 0.1) == ("imagenet" in name)
    assert (recipe.augmentation.cutout == 16) == ("cifar10" in name)
    assert (recipe.augmentation.crop_padding == 4) == ("imagenet" not in name)
    assert recipe.augmentation.resized_crop == (0.08 if "imagenet" in name else None)
    assert recipe.augmentation.jitter == (Jitter(0.4, 0.4, 0.4, 0.2) if "imagenet" in name else None)
    assert recipe.nesterov == (name == "nasbench201")
    assert recipe.optimiser == ("rmsprop" if name == "nasbench101" else "sgd")


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_train(name: str) -> None:
    recipe = get_recipe(name)
    recipe.check()
    rates = [recipe.rate(epoch, 0, 10) for epoch in range(recipe.epochs)]
    assert min(rates) > 0
    assert max(rates) == recipe.learning_rate


def test_a_name_that_is_not_known() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'darts-cifar10'"):
        get_recipe("darts-cifar")


def test_recipes_go_with_their_spaces() -> None:
    """Auxiliary heads and dropped paths are for DARTS; a restricted space is as its base."""
    whole = get_space("nasbench201")
    restricted = whole.restricted_to(whole.keys(whole.enumerate()[:9]))
    for space in (get_space("nasbench101"), whole, restricted):
        going = [name for name in RECIPES if _is_taken(name, space)]
        assert going == ["nasbench101", "nasbench201", "small"]
    for name, recipe in RECIPES.items():
        assert recipe_for(name, get_space("darts-s2")) == recipe
    with pytest.raises(ConfigurationError, match=r"'darts-cifar10' .* nasbench201: nasbench101, nasbench201, small\."):
        recipe_for("darts-cifar10", whole)
    usual = {name: usual_recipe(get_space(name)) for name in ("darts", "darts-s4", "nasbench101", "nasbench201")}
    assert list(usual.values()) == ["darts-cifar10", "darts-cifar10", "nasbench101", "nasbench201"]
    assert usual_recipe(restricted) == "nasbench201"


def test_recipes_of_imagenet_have_its_stem() -> None:
    stems = {name: stem_of(name) for name in RECIPES}
    assert [name for name, stem in stems.items() if stem == "imagenet"] == ["darts-imagenet", "drnas-imagenet"]
    assert set(stems.values()) == {"cifar", "imagenet"}


def _is_taken(name: str, space: SearchSpace) -> bool:
    try:
        return recipe_for(name, space) == RECIPES[name]
    except ConfigurationError:
        return False


def test_the_cosine_is_that_of_torch() -> None:
    recipe = replace(RECIPES["nasbench201"], epochs=12, final_learning_rate=0.01)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 12, eta_min=0.01)
    for epoch in range(12):
        # the same at every batch of an epoch
        assert recipe.rate(epoch, 3, 7) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-12)
        optimiser.step()
        scheduler.step()


def test_a_cosine_over_steps() -> None:
    recipe = RECIPES["nasbench101"]
    # batch 15 of 30 in epoch 26 of 108: 26.5 / 108 of the way
    assert recipe.rate(26, 15, 30) == pytest.approx(0.1 * (1 + math.cos(math.pi * 26.5 / 108)), rel=1e-12)
    assert recipe.rate(53, 30, 30) == pytest.approx(0.1)


def test_the_rate_falls_by_three_percent_every_epoch() -> None:
    assert RECIPES["darts-imagenet"].rate(2, 5, 10) == pytest.approx(0.1 * 0.97 * 0.97)


def test_a_linear_rate_with_a_warm_up() -> None:
    recipe = RECIPES["drnas-imagenet"]
    assert [recipe.rate(epoch, 0, 1) for epoch in range(5)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert recipe.rate(125, 0, 1) == pytest.approx(0.25)
    assert recipe.rate(249, 0, 1) == pytest.approx(0.002)


def test_a_warm_up_over_steps() -> None:
    recipe = Recipe(epochs=4, batch_size=2, learning_rate=0.8, schedule="constant", every_step=True, warm_up_epochs=1)
    assert [recipe.rate(0, step, 4) for step in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert recipe.rate(3, 3, 4) == 0.8


def test_dropped_paths_grow_with_the_epoch() -> None:
    recipe = RECIPES["darts-cifar10"]
    assert [recipe.drop_path_at(epoch) for epoch in (0, 300, 450)] == pytest.approx([0.0, 0.1, 0.15])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"decay": 0.0}, "decay must be above 0"),
        ({"final_learning_rate": -0.1}, "final_learning_rate"),
        ({"warm_up_epochs": -1}, "warm_up_epochs"),
        ({"momentum": 1.0}, "momentum"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"clip": 0.0}, "clip"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"drop_path": 1.0}, "drop_path"),
        ({"augmentation": Augmentation(cutout=-1)}, "negative length"),
        ({"optimiser": "rmsprop", "nesterov": True}, "nesterov needs optimiser='sgd'"),
    ],
)
def test_settings_that_cannot_work(changes: dict[str, object], message: str) -> None:
    recipe = Recipe(**{"epochs": 1, "batch_size": 2, "learning_rate": 0.1, **changes})
    with pytest.raises(ConfigurationError, match=message):
        recipe.check()


def test_recipes_do_not_share_their_augmentation() -> None:
    assert Recipe(epochs=1, batch_size=2, learning_rate=0.1).augmentation == Augmentation(0, False, 0)
