from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from predictornas.errors import CheckpointError, ConfigurationError
from predictornas.supernet.driver import epochs, search, start_from
from predictornas.supernet.job import SearchJob
from predictornas.supernet.method import Method
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parts.relaxations import Dirichlet
from predictornas.supernet.warm_start import WarmStart
from tests.supernet.search_examples import images, job, without_seconds

IMAGES = images()


def resting(method: Method | str, length: int = 2, **changes: Any) -> SearchJob:
    """A search in NAS-Bench-201 whose alpha rests to its end."""
    searched = job(method, "nasbench201", epochs=length, **changes)
    return replace(searched, method=replace(searched.method, warm_up=length))


def left_by(searched: SearchJob) -> WarmStart:
    """What a search would leave, but for the file."""
    return WarmStart(Path("there/search.checkpoint"), "0", searched.identity(IMAGES), 2, searched.method.partial)


@pytest.mark.slow
def test_several_methods_start_from_one_super_network(tmp_path: Path) -> None:
    source = tmp_path / "source"
    trained = resting("darts-1")
    search(trained, IMAGES, folder=source)
    start = start_from(source)
    assert (start.epochs, start.partial) == (2, 1)
    weights = start.weights("cpu")
    for name in ("darts-1", "milenas", "sdarts-rs", "darts-2-exact"):
        own = job(name, "nasbench201", epochs=2)
        warm = replace(own, start=start)
        warm.check(IMAGES)
        begun, cold = OngoingSearch.begin(warm, IMAGES), OngoingSearch.begin(own, IMAGES)
        found = begun.state.network.state_dict()
        assert all(torch.equal(found[key], values) for key, values in weights.items())
        assert torch.equal(begun.state.parameters.alpha["cell"], cold.state.parameters.alpha["cell"])
        assert warm.identity(IMAGES) != own.identity(IMAGES)
        assert warm.identity(IMAGES)["start"] == {"weights": start.digest, "epochs": 2, "seed": 3}


@pytest.mark.slow
def test_a_warm_search_goes_on_bit_for_bit_even_without_its_start(tmp_path: Path) -> None:
    search(resting("darts-1"), IMAGES, folder=tmp_path / "source")
    warm = replace(job("darts-1", "nasbench201", epochs=3), start=start_from(tmp_path / "source"))
    whole = search(warm, IMAGES)
    running = epochs(warm, IMAGES, folder=tmp_path / "fork")
    next(running)
    running.close()
    shutil.rmtree(tmp_path / "source")
    outcome = search(warm, IMAGES, folder=tmp_path / "fork")
    assert list(map(without_seconds, outcome.records)) == list(map(without_seconds, whole.records))
    cold = search(replace(warm, start=None), IMAGES)
    assert outcome.records[0].train_loss != cold.records[0].train_loss
    with pytest.raises(CheckpointError, match=r"its start\.weights is '[0-9a-f]{64}', here it is None"):
        search(replace(warm, start=None), IMAGES, folder=tmp_path / "fork")


@pytest.mark.slow
def test_what_cannot_be_started_from(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"does not exist\. Run a search in that folder first"):
        start_from(tmp_path)
    moved = tmp_path / "moved"
    search(job("darts-1", "nasbench201", epochs=1), IMAGES, folder=moved)
    with pytest.raises(ConfigurationError, match=r"have moved.*--warm-up N --epochs N"):
        start_from(moved)
    halfway = tmp_path / "half-way"
    running = epochs(resting("darts-1"), IMAGES, folder=halfway)
    next(running)
    running.close()
    with pytest.raises(ConfigurationError, match="of epoch 1 of 2"):
        start_from(halfway)
    search(resting("darts-1"), IMAGES, folder=halfway)
    start = start_from(halfway)
    shutil.rmtree(halfway)
    search(resting("darts-1", seed=4), IMAGES, folder=halfway)
    with pytest.raises(CheckpointError, match="has changed since"):
        start.weights("cpu")


def test_weights_of_the_same_mixtures_on_the_same_images_agree() -> None:
    replace(job("milenas", "nasbench201"), start=left_by(resting("darts-1"))).check(IMAGES)
    selecting_otherwise = replace(job("drnas", "nasbench201").method, relaxation=Dirichlet("softmax"))
    fork = replace(job("drnas", "nasbench201"), method=selecting_otherwise, start=left_by(resting("drnas")))
    fork.check(IMAGES)  # the ranking selects and does not mix
    smoothed = left_by(resting("sdarts-rs"))
    replace(job("sdarts-rs", "nasbench201"), start=smoothed).check(IMAGES)


@pytest.mark.parametrize(
    ("there", "here", "reason"),
    [
        ("darts-1", "drnas", r"relaxation Softmax\(\) there, Dirichlet\(\) here"),
        ("gdas", "milenas-gumbel", r"relaxation GumbelHard\(start=10.0, end=0.1\) there, GumbelSoftmax\(start=10.0"),
        ("darts-1", "pc-darts", r"partial channels 1 there, 4 here; relaxation .*EdgeWeighted\(inner=Softmax\(\)\)"),
        ("sdarts-rs", "darts-1", r"its weights were trained with RandomSmoothing\("),
    ],
)
def test_what_does_not_agree(there: str, here: str, reason: str) -> None:
    fork = replace(job(here, "nasbench201"), start=left_by(resting(there)))
    with pytest.raises(ConfigurationError, match=reason):
        fork.check(IMAGES)


def test_another_shape_or_other_images_do_not_agree() -> None:
    source = left_by(resting("darts-1"))
    fork = replace(job("darts-1", "nasbench201"), start=source)
    wider = replace(fork, shape=replace(fork.shape, channels=6))
    with pytest.raises(ConfigurationError, match=r"cannot start from there: channels 4 there, 6 here\. Start from"):
        wider.check(IMAGES)
    with pytest.raises(ConfigurationError, match="other halves of them, which the seed decides"):
        fork.check(images(17))
