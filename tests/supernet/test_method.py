from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.spaces.registry import get_space
from predictornas.supernet.method import DARTS_WEIGHTS, ArchitectureSettings, Method
from predictornas.supernet.network.topology import topology_of
from predictornas.supernet.parts.anchor import Anchored, DirichletAnchor
from predictornas.supernet.parts.greedy import GradualSelection, Greedy
from predictornas.supernet.parts.loss_regression import LossSpaceRegression
from predictornas.supernet.parts.perturbation import FineTunedSelection, PerturbationSelection
from predictornas.supernet.parts.regularisers import RandomSmoothing
from predictornas.supernet.parts.relaxations import Dirichlet, EdgeWeighted, GumbelHard, GumbelSoftmax, Softmax
from predictornas.supernet.parts.selection import BestEpoch, Magnitude, RuledSelection
from predictornas.supernet.parts.stages import Stage
from predictornas.supernet.parts.updates import Bilevel, Mixed, Switch

PATHS = GumbelSoftmax(0.1, 0.1, argmax_only=True)
STAGES = (Stage(3, operations=7, partial=2), Stage(4, operations=4, partial=1))
CLIPPED = ArchitectureSettings(clip=5.0)
ANCHORED = Anchored(Bilevel(), DirichletAnchor("kl"))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"relaxation": GumbelHard(), "regulariser": RandomSmoothing()}, "samples one operation an edge"),
        ({"relaxation": EdgeWeighted(PATHS), "regulariser": RandomSmoothing()}, "samples one operation an edge"),
        ({"update": ANCHORED}, "Dirichlet concentrations"),
        ({"update": Switch(Bilevel(), ANCHORED)}, "Dirichlet concentrations"),
        ({"stages": STAGES, "selection": Greedy()}, "greedy decisions close them"),
        ({"stages": STAGES, "partial": 2}, "stages bring their own"),
        ({"stages": STAGES, "warm_up": 2}, "stages bring their own"),
        ({"stages": STAGES[::-1]}, "channels can only grow wider"),
        ({"selection": Magnitude("gdas")}, "two operations on one edge"),
        ({"selection": BestEpoch("gdas")}, "two operations on one edge"),
        ({"warm_up": -1}, "warm_up is a number of epochs"),
        ({"update": LossSpaceRegression()}, "draws its paths by Gumbel-softmax"),
        ({"update": LossSpaceRegression(), "relaxation": EdgeWeighted(PATHS)}, "draws its paths by Gumbel-softmax"),
        ({"update": LossSpaceRegression(), "relaxation": PATHS, "stages": STAGES}, "reads every operation"),
        ({"update": LossSpaceRegression(), "relaxation": PATHS, "selection": Greedy()}, "reads every operation"),
        ({"update": LossSpaceRegression(temperature=0.2), "relaxation": PATHS}, r"Use GumbelSoftmax\(0.2, 0.2"),
        ({"update": LossSpaceRegression(), "relaxation": PATHS, "architecture": CLIPPED}, "which is not clipped"),
        ({"weights": replace(DARTS_WEIGHTS, auxiliary_weight=0.4)}, "without an auxiliary head"),
        ({"weights": replace(DARTS_WEIGHTS, drop_path=0.2)}, "without dropped paths"),
        ({"weights": replace(DARTS_WEIGHTS, optimiser="rmsprop")}, "without another optimiser"),
    ],
)
def test_parts_that_do_not_go_together(parts: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        Method(**parts)


@pytest.mark.parametrize(
    "parts",
    [
        {"relaxation": GumbelSoftmax(), "regulariser": RandomSmoothing()},
        {"relaxation": EdgeWeighted(Dirichlet()), "update": ANCHORED, "partial": 4},
        {"relaxation": Softmax(), "update": Anchored(Bilevel(), DirichletAnchor("weight-decay"))},
        {"stages": STAGES, "selection": PerturbationSelection()},
        {"relaxation": GumbelHard(), "update": Mixed(), "selection": Greedy(criterion=2)},
        {"update": LossSpaceRegression(), "relaxation": PATHS, "selection": PerturbationSelection()},
    ],
)
def test_combinations_that_nobody_published(parts: dict[str, Any]) -> None:
    method = Method(**parts)
    assert method.relaxation == parts.get("relaxation", Softmax())


def test_lengths() -> None:
    assert Method().epochs == 50
    assert Method(stages=STAGES).epochs == 7
    assert Method(relaxation=PATHS, update=LossSpaceRegression(warm_up=10, steps=5)).epochs == 25


def test_fine_tuning_of_81_epochs_in_the_darts_space() -> None:
    darts = topology_of(get_space("darts"))
    assert Method(selection=PerturbationSelection()).fine_tuning_epochs(darts) == 81
    assert Method().fine_tuning_epochs(darts) == 0


def test_no_topology_step_where_every_edge_is_kept() -> None:
    nasbench201 = topology_of(get_space("nasbench201"))
    with pytest.raises(ConfigurationError, match="topology_step to False"):
        Method(selection=PerturbationSelection()).fine_tuning_epochs(nasbench201)
    kept = Method(selection=PerturbationSelection(topology_step=False))
    assert kept.fine_tuning_epochs(nasbench201) == 25


@pytest.mark.parametrize(
    "settings",
    [{"learning_rate": 0.0}, {"betas": (1.0, 0.9)}, {"weight_decay": -0.1}, {"clip": 0.0}, {"initial_scale": -1.0}],
)
def test_settings_out_of_range(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="Architecture parameters need"):
        ArchitectureSettings(**settings)


def test_rules_are_known_by_name() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'darts'"):
        BestEpoch("dart")


@pytest.mark.parametrize(
    "settings",
    [
        {"betas": (0.0, 0.0)},
        {"weight_decay": 0.0, "initial_scale": 0.0},
        {"learning_rate": 1e-9, "clip": 1e-9},
    ],
)
def test_the_ends_of_the_ranges_are_allowed(settings: dict[str, Any]) -> None:
    found = ArchitectureSettings(**settings)
    assert {name: getattr(found, name) for name in settings} == settings


def test_the_defaults_are_those_of_darts() -> None:
    assert ArchitectureSettings() == ArchitectureSettings(3e-4, (0.5, 0.999), 1e-3, clip=None, initial_scale=1e-3)
    assert Method() == Method(partial=1, warm_up=0, cells=8, channels=16, stages=(), selection=Magnitude("darts"))


def test_stages_of_equal_width_and_perturbations_without_stages_go_together() -> None:
    assert Method(stages=(Stage(1, 7, 2, warm_up=0), Stage(1, 4, 2))).epochs == 2
    assert Method(regulariser=RandomSmoothing(), warm_up=1).warm_up == 1


@dataclass(frozen=True)
class OwnPaths:
    """A relaxation of somebody else that samples one operation an edge."""

    samples_paths: bool = True

    def mixture(self, parameters: Any, **_: Any) -> Any: ...

    def importance(self, parameters: Any) -> Any: ...


@dataclass(frozen=True)
class OwnConcentrations(OwnPaths):
    samples_paths: bool = False

    def concentrations(self, parameters: Any) -> Any: ...


@dataclass(frozen=True)
class OwnTwice:
    """An update of somebody else around another one."""

    updates: tuple[Any, ...]

    def step(self, state: Any, train: Any, valid: Any) -> None: ...


@dataclass(frozen=True)
class OwnDecisions:
    """A selection of somebody else that decides edges on the way."""

    batch_increase: int = 0

    def decide(self, state: Any, past: Any, batches: Any) -> Any: ...


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"relaxation": OwnPaths(), "regulariser": RandomSmoothing()}, "samples one operation an edge"),
        ({"relaxation": EdgeWeighted(OwnPaths()), "regulariser": RandomSmoothing()}, "samples one operation an edge"),
        ({"relaxation": OwnPaths(), "update": ANCHORED}, "Dirichlet concentrations"),
        ({"update": OwnTwice((Bilevel(), OwnTwice((ANCHORED,))))}, "Dirichlet concentrations"),
        ({"stages": STAGES, "selection": OwnDecisions()}, "greedy decisions close them"),
    ],
)
def test_parts_of_others_are_known_by_their_protocols_when_they_do_not_go_together(
    parts: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        Method(**parts)


def test_parts_of_others_go_together_where_those_of_ours_do() -> None:
    Method(relaxation=OwnConcentrations(), update=OwnTwice((ANCHORED,)))
    Method(relaxation=OwnPaths(samples_paths=False), regulariser=RandomSmoothing())
    assert Method(relaxation=EdgeWeighted(OwnPaths()), selection=OwnDecisions()).edge_weighted


def test_each_selection_answers_to_one_protocol_of_deciding() -> None:
    protocols = (GradualSelection, FineTunedSelection, RuledSelection)
    kinds = {
        type(one).__name__: [protocol.__name__ for protocol in protocols if isinstance(one, protocol)]
        for one in (Magnitude(), BestEpoch(), Greedy(), PerturbationSelection())
    }
    assert kinds == {
        "Magnitude": ["RuledSelection"],
        "BestEpoch": ["RuledSelection"],
        "Greedy": ["GradualSelection"],
        "PerturbationSelection": ["FineTunedSelection"],
    }
