from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.live.augmentation import Augmentation
from predictornas.live.trainable_network import NetworkShape
from predictornas.supernet.job import SearchJob
from predictornas.supernet.method import Method, as_json
from predictornas.supernet.parts.perturbation import PerturbationSelection
from predictornas.supernet.parts.relaxations import GumbelHard, GumbelSoftmax
from predictornas.supernet.parts.stages import Stage
from predictornas.supernet.published import METHODS
from tests.supernet.search_examples import images, job

IMAGES = images()
STAGED = replace(job("drnas").method, stages=(Stage(1, operations=7, partial=4), Stage(1, operations=4, partial=2)))
CROPPED = Augmentation(resized_crop=0.08)
SHAPE = NetworkShape(channels=4, cells=2, classes=3, in_channels=1)


def test_length() -> None:
    assert job("darts-1").epochs == 2
    # 14 edges and 3 nodes with a choice of inputs, an epoch each
    assert job("darts-1+pt").epochs == 2 + 17
    assert job("darts-1+pt", "nasbench201").epochs == 2 + 6


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shape": replace(SHAPE, classes=10)}, "1 channels and 3 classes"),
        ({"shape": replace(SHAPE, in_channels=3)}, "Change NetworkShape's in_channels"),
        ({"device": "cuda:99"}, "CUDA device"),
        ({"method": Method()}, "16 images, fewer than one batch of 64. Take a batch_size of at most 16"),
        ({"method": STAGED, "shape": replace(SHAPE, channels=6)}, "partial = 4 does not fit 6 channels"),
        ({"space": "nasbench101"}, "no super-network"),
        ({"method": Method(weights=replace(Method().weights, augmentation=CROPPED))}, "learns from whole images"),
        ({"method": job("drnas").method, "curvature": True}, "no second derivative"),
        ({"second_order_error": True}, "not of second order"),
    ],
)
def test_what_cannot_work(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        replace(job("darts-1"), **changes).check(IMAGES)


def test_a_topology_step_where_there_is_none() -> None:
    method = replace(job("darts-1").method, selection=PerturbationSelection())
    with pytest.raises(ConfigurationError, match="topology_step to False"):
        job(method, "nasbench201").check(IMAGES)


def test_unknown_space() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'darts'"):
        replace(job("darts-1"), space="dart").check(IMAGES)


def test_identity_tells_parts_with_the_same_settings_apart() -> None:
    hard, soft = (
        replace(job("darts-1"), method=Method(relaxation=kind(10.0, 1.0))) for kind in (GumbelHard, GumbelSoftmax)
    )
    assert hard.identity(IMAGES) != soft.identity(IMAGES)
    assert hard.identity(IMAGES) == replace(hard).identity(IMAGES)
    assert hard.identity(IMAGES)["method"]["relaxation"] == {"type": "GumbelHard", "start": 10.0, "end": 1.0}


def test_every_method_can_be_described() -> None:
    assert all(as_json(method)["type"] == "Method" for method in METHODS.values())
    assert isinstance(SearchJob("darts", METHODS["drnas"], SHAPE, 0).identity(IMAGES), dict)
