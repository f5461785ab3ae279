from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from predictornas.history import History
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.gcn import GCN
from predictornas.predictors.path_network import PathEnsemble
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.uniform import Uniform
from predictornas.schedulers.nosh import NOSH
from predictornas.search.bananas import BANANAS
from predictornas.search.evolution import RegularisedEvolution
from predictornas.search.local_search import LocalSearch
from predictornas.search.nas_bowl import NASBOWL
from predictornas.search.pvll import PVLLSearch
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import PredictorSearch, Proposal, RandomSearch, Strategy, propose_uniformly
from predictornas.search.weak_nas import WeakNAS
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.testing import ConformanceError, check_strategy
from predictornas.testing.strategies import check_sizes
from predictornas.threads import one_thread

SPACE = NASBench201()


def score(genes: Genes) -> np.ndarray:
    return np.asarray((genes == 3).mean(axis=1) * 0.9 + 0.05 * (genes[:, 0] == 2))


OURS: dict[str, Strategy] = {
    "random": RandomSearch(10, 5),
    "local-search": LocalSearch(),
    "regularised-evolution": RegularisedEvolution(population=10, tournament=5),
    "uniform-50": PredictorSearch(GCN(width=8, training_epochs=10), Uniform(), 50),
    "warm": PredictorSearch(GCN(width=8, training_epochs=10), Uniform(), 50, warm_start=True),
    "smoothed": PredictorSearch(GaussianProcess(), Evolutionary(), 50, exploration=1.0, smoothed=True),
    "scheduled": Scheduled(RandomSearch(10, 5), NOSH((1, 3, 9), Fraction(1, 2))),
    "bananas": BANANAS(PathEnsemble(members=2, layers=2, training_epochs=10), mutants=20, uniform=20),
    "nas-bowl": NASBOWL(initial=10),
    "weaknas": WeakNAS(GCN(width=8, training_epochs=10), top=30, initial=10),
    "pvll": PVLLSearch(warm_up=10, hidden=8, warm_up_steps=20, estimator_steps=1),
}
"""Strategies of the package, small."""


@pytest.mark.slow
@pytest.mark.parametrize("name", OURS)
def test_our_strategies_keep_every_rule(name: str, rng: np.random.Generator) -> None:
    with one_thread():
        check_strategy(OURS[name], SPACE, score=score, rng=rng)


@dataclass(frozen=True)
class Broken:
    """Random search, whose proposals one function changes."""

    change: str = "nothing"
    initial: Any = 10
    batch: Any = 5
    calls: list[int] = field(default_factory=list, init=False, compare=False)

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Any:
        self.calls.append(iteration)
        proposal = propose_uniformly(space, history, n, rng_for(seed, iteration, "broken"), by="broken")
        if not len(proposal) or self.change == "nothing":
            return proposal
        return CHANGES[self.change](self, proposal, space, history)


def with_first(proposal: Proposal, genes: np.ndarray, keys: np.ndarray) -> Proposal:
    return replace(
        proposal,
        genes=np.concatenate([genes, proposal.genes[1:]]),
        keys=np.concatenate([keys, proposal.keys[1:]]),
    )


def unchecked(proposal: Proposal, name: str, column: np.ndarray) -> Proposal:
    """With a column that the types of these tests would refuse."""
    proposal = replace(proposal)
    object.__setattr__(proposal, name, column)
    return proposal


def invalid(self: Any, proposal: Proposal, space: Any, history: History) -> Proposal:
    return with_first(proposal, proposal.genes[:1] + np.int8(5), proposal.keys[:1])


def too_many(self: Any, proposal: Proposal, space: Any, history: History) -> Proposal:
    if len(space) < 1000:
        return proposal
    return propose_uniformly(space, history, 2 * self.batch, rng_for(0, 0, "more"), by="broken")


def gives_up(self: Any, proposal: Proposal, space: Any, history: History) -> Proposal:
    return proposal if len(space) > 1000 else proposal.first(0)


def chance(self: Any, proposal: Proposal, space: Any, history: History) -> Proposal:
    return propose_uniformly(space, history, len(proposal), np.random.default_rng(), by="broken")


def by_call(self: Any, proposal: Proposal, space: Any, history: History) -> Proposal:
    """The same in any object that was asked as often; another at the second call of this one."""
    return proposal.first(len(proposal) - 1) if len(self.calls) > 1 else proposal


def altering(self: Any, proposal: Proposal, space: Any, history: History) -> Proposal:
    history.values[0] += 1
    return proposal


def fails_at_the_end(self: Any, proposal: Proposal, space: Any, history: History) -> Proposal:
    if len(space) < 1000:
        raise ZeroDivisionError("nothing is left")
    return proposal


Change = Callable[[Any, Proposal, Any, History], Any]

CHANGES: dict[str, Change] = {
    "no proposal": lambda self, proposal, space, history: proposal.genes,
    "floats": lambda self, proposal, space, history: unchecked(proposal, "genes", proposal.genes.astype(float)),
    "signed keys": lambda self, proposal, space, history: unchecked(proposal, "keys", proposal.keys.astype(np.int64)),
    "invalid": invalid,
    "others' keys": lambda self, proposal, space, history: replace(proposal, keys=proposal.keys[::-1]),
    "twice": lambda self, proposal, space, history: with_first(proposal, proposal.genes[-1:], proposal.keys[-1:]),
    "evaluated": lambda self, proposal, space, history: with_first(proposal, history.genes[:1], history.keys[:1]),
    "evaluated as long": lambda self, proposal, space, history: replace(
        with_first(proposal, history.genes[:1], history.keys[:1]), epochs=12
    ),
    "too many": too_many,
    "gives up": gives_up,
    "unsigned": lambda self, proposal, space, history: replace(proposal, proposed_by=""),
    "predicts too little": lambda self, proposal, space, history: replace(proposal, predicted=np.zeros(2)),
    "recommends a stranger": lambda self, proposal, space, history: replace(
        proposal, recommended=int(proposal.keys[0])
    ),
    "chance": chance,
    "counts its calls": by_call,
    "alters": altering,
    "fails at the end": fails_at_the_end,
}

BROKEN = {
    "no proposal": r"propose\(\) returns a Proposal",
    "floats": "Proposal.genes is an array of int8",
    "signed keys": "Proposal.keys is an array of uint64",
    "invalid": "proposals are valid",
    "others' keys": "Proposal.keys are the keys of its genes",
    "twice": "a proposal holds each architecture once",
    "evaluated": "what was evaluated is not proposed again",
    "evaluated as long": "what was evaluated is not proposed again",
    "too many": "at most n = 5 new architectures. Met: 10",
    "gives up": "as long as anything is left. Met: nothing, and 3 are left",
    "unsigned": "proposed_by names who proposes",
    "predicts too little": "Proposal.predicted is an array",
    "recommends a stranger": "recommended is the key of an evaluated architecture",
    "chance": r"propose\(\) is a function of space, history, seed and iteration, whatever was asked before",
    "counts its calls": "whatever was asked before",
    "alters": "leaves the history as it is",
    "fails at the end": "in a space of 28. Met: ZeroDivisionError: nothing is left",
}


def test_a_right_one_passes(rng: np.random.Generator) -> None:
    check_strategy(Broken(), SPACE, score=score, rng=rng)
    assert set(CHANGES) == set(BROKEN)


@pytest.mark.slow
@pytest.mark.parametrize("what", BROKEN)
def test_each_broken_rule_is_found_and_named(what: str, rng: np.random.Generator) -> None:
    with pytest.raises(ConformanceError, match=BROKEN[what]):
        check_strategy(Broken(what), SPACE, score=score, rng=rng)


@dataclass(frozen=True)
class HoldsALambda(Broken):
    """Cannot be described."""

    order: Any = field(default_factory=lambda: lambda values: values)


class Unpicklable(Broken):
    """Cannot be sent to a worker."""

    def __reduce__(self) -> Any:
        raise TypeError("not me")

    def __deepcopy__(self, memo: Any) -> Any:
        return self


class Otherwise(Broken):
    """Is another one after a journey."""

    def __reduce__(self) -> Any:
        return Otherwise, ("a stranger", 10, 5)

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Any:
        rng = rng_for(seed, iteration, self.change)
        return propose_uniformly(space, history, n, rng, by="broken")


class Forgetful(Broken):
    """Proposes something else with a memory than without."""

    def for_one_run(self) -> Any:
        return Otherwise("memory")


class Starts(Broken):
    """Begins anywhere."""

    def start(self, space: SearchSpace, n: int, *, seed: int) -> Any:
        rng = np.random.default_rng() if self.change == "nothing" else rng_for(seed, 0, "start")
        genes = propose_uniformly(space, History.empty(space.num_genes), n, rng, by="start")
        return genes if self.change == "nothing" else replace(genes, keys=genes.keys[::-1])


class Recommends(Broken):
    """Recommends what cannot be."""

    def recommend(self, space: SearchSpace, history: History, *, seed: int, iteration: int) -> Any:
        self.calls.append(0)
        return len(history) if self.change == "nothing" else len(self.calls) % 7


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (Broken(initial=0), "initial is a whole number, at least 1"),
        (Broken(batch=2.5), "batch is a whole number, at least 1"),
        (HoldsALambda(), "a strategy can be described"),
        (Unpicklable(), "reaches other processes by pickle. Met: TypeError: not me"),
        (Otherwise(), "a copy in another process proposes the same"),
        (Forgetful(), "what runs a whole search proposes the same"),
        (Starts(), r"start\(\) is a function of its arguments"),
        (Starts("twice"), "Proposal.keys are the keys of its genes"),
        (Recommends(), r"recommend\(\) returns a row of the history, or None. Met: 10"),
    ],
)
def test_what_else_can_be_wrong(strategy: Any, message: str, rng: np.random.Generator) -> None:
    with pytest.raises(ConformanceError, match=message):
        check_strategy(strategy, SPACE, score=score, rng=rng)


def test_what_is_no_strategy_lacks_something() -> None:
    with pytest.raises(ConformanceError, match=r"a strategy has initial, batch and propose\(\). Met: dict"):
        check_sizes({})


class ChangesItsMind(Broken):
    """Recommends another row at every call."""

    def recommend(self, space: SearchSpace, history: History, *, seed: int, iteration: int) -> int:
        self.calls.append(0)
        return len(self.calls) % 7


def test_a_recommendation_is_the_same_at_every_call(rng: np.random.Generator) -> None:
    with pytest.raises(ConformanceError, match=r"recommend\(\) is a function of its arguments"):
        check_strategy(ChangesItsMind(), SPACE, score=score, rng=rng)
