from __future__ import annotations

import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.live.trainable_network import build_network
from predictornas.spaces.registry import get_space
from predictornas.supernet.driver import search
from predictornas.supernet.method import Method
from predictornas.supernet.parts.anchor import Anchored
from predictornas.supernet.parts.greedy import Greedy
from predictornas.supernet.parts.loss_regression import LossSpaceRegression
from predictornas.supernet.parts.perturbation import PerturbationSelection
from predictornas.supernet.parts.regularisers import AdversarialPerturbation, RandomSmoothing
from predictornas.supernet.parts.relaxations import Dirichlet, EdgeWeighted, GumbelHard, GumbelSoftmax, Softmax
from predictornas.supernet.parts.updates import Bilevel, Mixed, SingleLevel, Switch
from predictornas.supernet.published import METHODS, RELEASED, get_method, method_names
from tests.supernet.search_examples import images, job

IMAGES = images()
EXAMPLES = [
    *((name, "darts-s2") for name in METHODS),
    *((name, "nasbench201") for name in ("gdas", "sgas-1", "pc-darts", "drnas-progressive", "pvll")),
    ("darts-1", "darts-s1"),
    ("sgas-2+pt", "darts-s4"),
]


@pytest.mark.slow
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


@pytest.mark.thorough
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


def weights_of(method: Method) -> tuple[object, ...]:
    own = method.weights
    return own.epochs, own.batch_size, own.learning_rate, own.final_learning_rate, own.weight_decay, own.nesterov


def test_weights_learn_as_the_papers_state() -> None:
    """Epochs, batch, first and last rate, weight decay, Nesterov: Liu et al. 2019, and what other papers change."""
    darts = (50, 64, 0.025, 0.001, 3e-4, False)
    own = {
        "gdas": (250, 256, 0.025, 0.001, 5e-4, True),
        "milenas-gumbel": (50, 128, 0.025, 0.001, 3e-4, False),
        "pc-darts": (50, 256, 0.1, 0.0, 3e-4, False),
        "drnas-progressive": (50, 64, 0.1, 0.0, 3e-4, False),
    }
    assert {name: weights_of(method) for name, method in METHODS.items()} == {**dict.fromkeys(METHODS, darts), **own}
    assert {(method.weights.momentum, method.weights.clip) for method in METHODS.values()} == {(0.9, 5.0)}
    nasbench201 = get_space("nasbench201")
    assert weights_of(get_method("gdas", nasbench201)) == (250, 64, 0.025, 0.001, 5e-4, True)
    assert weights_of(get_method("drnas-progressive", nasbench201)) == darts


def test_architecture_parameters_learn_as_the_papers_state() -> None:
    """Rate, betas and weight decay of Adam."""
    own = {
        "pc-darts": (6e-4, (0.5, 0.999), 1e-3),
        "drnas": (3e-4, (0.5, 0.999), 0.0),
        "drnas-progressive": (6e-4, (0.5, 0.999), 0.0),
        "pvll": (0.1, (0.9, 0.999), 0.0),
    }
    found = {
        name: (method.architecture.learning_rate, method.architecture.betas, method.architecture.weight_decay)
        for name, method in METHODS.items()
    }
    assert found == {**dict.fromkeys(METHODS, (3e-4, (0.5, 0.999), 1e-3)), **own}
    kept = get_method("drnas-progressive", get_space("nasbench201"))
    assert (kept.architecture.learning_rate, kept.architecture.weight_decay, kept.channels) == (3e-4, 0.0, 16)


def test_the_parts_of_every_method() -> None:
    """What differs from first-order DARTS: the relaxation, the losses, what disturbs, what selects."""
    paths = GumbelSoftmax(0.1, 0.1, argmax_only=True)
    relaxations = {"gdas": GumbelHard(), "milenas-gumbel": GumbelSoftmax(), "pc-darts": EdgeWeighted(Softmax())}
    relaxations |= {"drnas": Dirichlet(), "drnas-progressive": Dirichlet(), "pvll": paths}
    assert {name: own.relaxation for name, own in METHODS.items() if own.relaxation != Softmax()} == relaxations
    updates = {
        "darts-2": Bilevel(order=2, epsilon=0.01),
        "darts-2-exact": Bilevel(order=2, epsilon=None),
        "single-level": SingleLevel(),
        "milenas": Mixed(weight=1.0),
        "milenas-gumbel": Mixed(weight=1.0),
        "bilevel-to-mixed": Switch(Bilevel(order=2), Mixed(weight=1.0), epoch=35),
        "pvll": LossSpaceRegression(warm_up=100, steps=100, memory=100, order=2, temperature=0.1, estimator_rate=0.1),
    }
    plain = {name: own.update for name, own in METHODS.items() if own.update != Bilevel(order=1)}
    assert {name: update for name, update in plain.items() if not isinstance(update, Anchored)} == updates
    assert [own.regulariser for own in METHODS.values() if own.regulariser] == [
        RandomSmoothing(radius=0.3, noise="uniform"),
        AdversarialPerturbation(radius=0.3, steps=7),
    ]
    greedy = {"warm_up": 9, "interval": 5, "history": 4, "batch_increase": 8}
    assert [METHODS[name].selection for name in ("sgas-1", "sgas-2")] == [Greedy(one, **greedy) for one in (1, 2)]
    assert {name: (own.partial, own.warm_up) for name, own in METHODS.items() if own.partial > 1 or own.warm_up} == {
        "pc-darts": (4, 15)
    }
    assert {(own.cells, own.channels) for name, own in METHODS.items() if name != "drnas-progressive"} == {(8, 16)}
    progressive = METHODS["drnas-progressive"]
    assert (progressive.cells, progressive.channels) == (20, 36)
    assert [stage.warm_up for stage in progressive.stages] == [10, 10]
