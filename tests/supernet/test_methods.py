from __future__ import annotations

import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.live.network import build_network
from predictornas.spaces.registry import get_space
from predictornas.supernet.anchor import Anchored
from predictornas.supernet.driver import search
from predictornas.supernet.greedy import Greedy
from predictornas.supernet.method import Method
from predictornas.supernet.methods import METHODS, RELEASED, get_method, method_names
from predictornas.supernet.perturbation import PerturbationSelection
from predictornas.supernet.relaxations import Dirichlet
from predictornas.supernet.updates import Bilevel
from tests.supernet.search_examples import images, job

IMAGES = images()
EXAMPLES = [
    *((name, "darts-s2") for name in METHODS),
    *((name, "nasbench201") for name in ("gdas", "sgas-1", "pc-darts", "drnas-progressive", "pvll")),
    ("darts-1", "darts-s1"),
    ("sgas-2+pt", "darts-s4"),
]


@pytest.mark.parametrize(("name", "space"), EXAMPLES)
def test_every_method_arrives_at_an_architecture_that_trains(name: str, space: str) -> None:
    searched = job(name, space, epochs=5 if name == "pvll" else 2)
    outcome = search(searched, IMAGES)
    assert len(outcome.records) == searched.epochs
    genes = np.array(outcome.genes, dtype=np.int8)
    network = build_network(get_space(space), genes, searched.shape, generator=torch.Generator().manual_seed(0))
    before = network.classifier.weight.clone()
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    pixels = IMAGES.train.pixels[:8].float() / 255
    torch.autograd.backward([torch.nn.functional.cross_entropy(network(pixels), IMAGES.train.labels[:8])])
    optimiser.step()
    assert not torch.equal(network.classifier.weight, before)


def test_learns_what_it_sees() -> None:
    records = search(job("single-level", epochs=8), images(32)).records
    accuracies = [record.train_accuracy for record in records]
    assert accuracies[0] is not None
    assert accuracies[-1] is not None
    assert accuracies[-1] > max(accuracies[0], 0.5)  # of three classes


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'drnas\\+pt'"):
        get_method("drna+pt")
    with pytest.raises(UnknownNameError, match="Did you mean 'released'"):
        get_method("drnas", preset="release")


def test_spaces_without_a_super_network() -> None:
    with pytest.raises(ConfigurationError, match="no super-network for space 'nasbench101'"):
        get_method("darts-1", get_space("nasbench101"))


def test_darts_is_the_default() -> None:
    assert METHODS["darts-1"] == Method()


@pytest.mark.parametrize("name", method_names())
def test_both_presets_in_both_families(name: str) -> None:
    for space in ("darts", "nasbench201"):
        paper = get_method(name, get_space(space))
        released = get_method(name, get_space(space), preset="released")
        steps_its_cosine = name.endswith("+pt") and not name.startswith("sgas") and space == "darts"
        assert (paper != released) == (name.removesuffix("+pt") in RELEASED or steps_its_cosine)
        assert paper.cells == (5 if space == "nasbench201" else 20 if "progressive" in name else 8)


def test_perturbation_on_top() -> None:
    assert get_method("milenas+pt").selection == PerturbationSelection()
    assert get_method("milenas+pt").update == METHODS["milenas"].update
    nasbench201 = get_space("nasbench201")
    kept = PerturbationSelection(topology_step=False, cosine=False)
    assert get_method("milenas+pt", nasbench201).selection == kept
    assert get_method("darts-1+pt", preset="released").selection == PerturbationSelection(cosine=False)
    assert get_method("sgas-2+pt").selection == Greedy(criterion=2, by_perturbation=True)


def test_released_drnas_has_weight_decay_for_the_anchor() -> None:
    paper, released = get_method("drnas-progressive"), get_method("drnas-progressive", preset="released")
    assert isinstance(paper.update, Anchored)
    assert (paper.architecture.weight_decay, released.architecture.weight_decay) == (0.0, 1e-3)
    assert (released.update, released.relaxation) == (Bilevel(), Dirichlet("softmax"))
    assert paper.architecture.learning_rate == released.architecture.learning_rate == 6e-4


def test_progressive_stages_of_both_families() -> None:
    darts = get_method("drnas-progressive").stages
    assert [(stage.epochs, stage.operations, stage.partial) for stage in darts] == [(25, 7, 6), (25, 4, 4)]
    nasbench201 = get_method("drnas-progressive", get_space("nasbench201")).stages
    assert [(stage.epochs, stage.operations, stage.partial) for stage in nasbench201] == [(50, 5, 4), (50, 3, 2)]
