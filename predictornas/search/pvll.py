"""PVLL-NAS on a table: architecture parameters that follow the gradient of a loss estimator (Li, Dong et al. 2020)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.plain_help import PlainHelp
from predictornas.samplers.collect import Distinct
from predictornas.samplers.pvll_memory import Memory, step_lengths
from predictornas.search.strategies import Proposal, Strategy, propose_uniformly
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, Keys, SearchSpace
from predictornas.threads import one_thread

if TYPE_CHECKING:
    import torch

    from predictornas.samplers.gumbel import ArchitectureLogits
    from predictornas.samplers.pvll_estimator import LossEstimator


@dataclass(frozen=True)
class PVLLSearch(metaclass=PlainHelp):
    """Algorithm 1 of Li, Dong et al. 2020, with the signal of a table in the place of a super-network.

    A warm-up population trains the loss estimator psi. Then, one architecture at a time: draw a relaxed one from
    Gumbel-softmax(A), evaluate what it decodes to, push the relaxed one into the memory, train psi on the memory, move
    A down the gradient of psi. Draws that are invalid or were evaluated before are drawn again; where `tries` draws
    give nothing new the architecture is drawn uniformly (ours).

    Estimator, A and memory are a function of the history and the seed: see `replay`.

    Example:
        >>> from predictornas import PVLLSearch, Search, get_space
        >>> search = Search(get_space("nasbench201"), PVLLSearch(warm_up=5, warm_up_steps=5, hidden=4), seed=0)
        >>> for _ in range(3):
        ...     proposal = search.ask()
        ...     search.tell(proposal.genes, proposal.genes.mean(axis=1))
        >>> len(search.history), proposal.proposed_by
        (7, 'pvll')

    Attributes:
        warm_up: N, size of the random warm-up population (paper: 100). With 0 the search begins with one random
            architecture, which is not followed by a warm-up of psi.
        memory: entries of the queue (paper: 100).
        weighted: whether entries are weighted by 1/p_t (eq. 8); else equally (table 5).
        gradient: whether A follows psi; else each architecture is drawn uniformly and all weights are 1 (table 5).
        clip: quantile of the memory's values from which on losses count as the worst; see `Memory.span`. The paper does
            not say how losses are normalised; 0 is the plain range.
        hidden: state size of the LSTM (ours).
        warm_up_steps: full-batch steps of psi on the warm-up population (ours).
        estimator_steps: full-batch steps of psi after each evaluation (ours).
        estimator_rate: Adam's rate for psi (paper: 0.1, which trains an LSTM badly).
        architecture_rate: eta, Adam's rate for A (paper: 0.1).
        temperature: tau (paper: 0.1).
        smallest_p: lower limit of p_t (ours).
        tries: draws before an architecture is drawn uniformly (ours).

    Raises:
        ConfigurationError: a value out of range.
    """

    warm_up: int = 100
    memory: int = 100
    weighted: bool = True
    gradient: bool = True
    clip: float = 0.2
    hidden: int = 32
    warm_up_steps: int = 400
    estimator_steps: int = 5
    estimator_rate: float = 0.01
    architecture_rate: float = 0.1
    temperature: float = 0.1
    smallest_p: float = 0.05
    tries: int = 64

    def __post_init__(self) -> None:
        counts = (self.memory, self.hidden, self.tries)
        rates = (self.estimator_rate, self.architecture_rate, self.temperature)
        steps = (self.warm_up, self.warm_up_steps, self.estimator_steps)
        if (
            min(counts) < 1
            or min(steps) < 0
            or not min(rates) > 0
            or not 0 < self.smallest_p <= 1
            or not 0 <= self.clip < 1
        ):
            raise ConfigurationError(
                "PVLL-NAS needs memory, hidden and tries >= 1, warm_up and numbers of steps >= 0, rates and a "
                f"temperature above 0, 0 < smallest_p <= 1 and 0 <= clip < 1, not {self}."
            )

    @classmethod
    def published(cls, warm_up: int = 100) -> PVLLSearch:
        """What the paper prints: Adam's rate 0.1, and losses by their plain range."""
        return cls(warm_up=warm_up, clip=0.0, hidden=16, estimator_rate=0.1)

    @property
    def initial(self) -> int:
        """The warm-up population, or the single random architecture that a search without one begins with."""
        return max(self.warm_up, 1)

    @property
    def batch(self) -> int:
        """One architecture in each iteration."""
        return 1

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """The first `n` draws from the architecture parameters that are valid and new.

        `predicted` is 1 - the estimated loss; `proposed_by` is "uniform" where no draw was new.
        """
        if not self.gradient or not len(history):
            return propose_uniformly(space, history, n, rng_for(seed, iteration, "random"), by="uniform")
        state = _advanced(self, space, _begin(self, space, history, seed), history, seed, range(1, iteration))
        return _proposal(self, space, state, history, n, seed, iteration)

    def for_one_run(self) -> Strategy:
        """One that keeps the latest state, from which the next one follows."""
        return PVLLInOneRun(self) if self.gradient else self


class PVLLInOneRun:
    """PVLL-NAS in one run: it keeps the latest state, from which the next one follows.

    Example:
        >>> from predictornas import PVLLSearch, Search, get_space
        >>> from predictornas.search.pvll import PVLLInOneRun
        >>> strategy = PVLLInOneRun(PVLLSearch(warm_up=5, warm_up_steps=5, hidden=4))
        >>> search = Search(get_space("nasbench201"), strategy, seed=0)
        >>> proposal = search.ask()
        >>> search.tell(proposal.genes, proposal.genes.mean(axis=1))
        >>> len(strategy.state(search.space, search.history, seed=0).memory)
        5

    Args:
        search: what is run.
    """

    def __init__(self, search: PVLLSearch) -> None:
        self.initial, self.batch = search.initial, search.batch
        self._search = search
        self._latest: tuple[int, bytes, PVLLState] | None = None

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """See `PVLLSearch.propose`."""
        if not self._search.gradient or not len(history):
            return self._search.propose(space, history, n, seed=seed, iteration=iteration)
        state = self._state(space, history, seed, iteration)
        return _proposal(self._search, space, state, history, n, seed, iteration)

    def state(self, space: SearchSpace, history: History, *, seed: int) -> PVLLState:
        """What `replay` gives, from the latest state where that led to this history, which is not empty."""
        with one_thread():  # the next proposal follows from it
            return self._state(space, history, seed, int(history.iterations.max()) + 1)

    def _state(self, space: SearchSpace, history: History, seed: int, iteration: int) -> PVLLState:
        """The state that `iteration` draws from; goes on from the latest one where that led to this history."""

        def asked(upto: int) -> bytes:
            past = history.before(upto)
            return b"%d," % seed + b"".join(c.tobytes() for c in (past.keys, past.values, past.iterations))

        upto, led_here, state = self._latest or (0, b"", None)
        if state is None or upto > iteration or asked(upto) != led_here:
            upto, state = 1, _begin(self._search, space, history, seed)
        state = _advanced(self._search, space, state, history, seed, range(upto, iteration))
        self._latest = iteration, asked(iteration), state
        return state


@dataclass(frozen=True)
class PVLLState:
    """What PVLL-NAS has learned from a history.

    Attributes:
        architecture: A and its Adam.
        estimator: psi and its Adam.
        memory: what psi was trained on.
    """

    architecture: ArchitectureLogits
    estimator: LossEstimator
    memory: Memory


def states(search: PVLLSearch, space: SearchSpace, history: History, *, seed: int) -> Iterator[PVLLState]:
    """The state after each iteration of a history, the first one after the warm-up.

    A function of its arguments: what was drawn is drawn again. Evaluations that were not drawn, because they came from
    elsewhere, enter the memory as one-hot sequences.
    """
    if not len(history):
        return
    state = _begin(search, space, history, seed)
    yield state
    for iteration in range(1, int(history.iterations.max()) + 1):
        state = _advance(search, space, state, history, seed, iteration)
        yield state


def replay(search: PVLLSearch, space: SearchSpace, history: History, *, seed: int) -> PVLLState:
    """The state after a whole history; see `states`.

    Raises:
        ConfigurationError: the history is empty.
    """
    last = deque(states(search, space, history, seed=seed), maxlen=1)
    if not last:
        raise ConfigurationError("There is no state of PVLL-NAS before the first evaluation. Give a longer history.")
    return last[0]


class _Draws(NamedTuple):
    """Valid draws of one iteration, the earliest first, and the noise of all of them."""

    genes: Genes
    keys: Keys
    soft: torch.Tensor
    noise: torch.Tensor
    first_noise: torch.Tensor

    def matched(
        self, space: SearchSpace, genes: Genes, keys: Keys
    ) -> tuple[Float[np.ndarray, "n steps k"], torch.Tensor]:
        """The relaxed sequence of each architecture, one-hot where it was not drawn, and the noise of those drawn."""
        sequences = np.array(space.sequences(genes), np.float32)
        places = [np.flatnonzero(self.keys == key)[:1] for key in keys]
        for row, place in enumerate(places):
            if len(place):
                sequences[row] = self.soft[place[0]].numpy()
        drawn = np.concatenate([*places, np.empty(0, np.int64)])
        return sequences, self.noise[drawn]


def _proposal(
    search: PVLLSearch, space: SearchSpace, state: PVLLState, history: History, n: int, seed: int, iteration: int
) -> Proposal:
    """What is drawn from a state; uniform draws stand in for those that are not new."""
    draws = _draw(search, space, state, seed, iteration)
    found = Distinct(space, history.keys)
    found.add(draws.genes, at_most=n)
    by = "pvll" if len(found) else "uniform"
    found.fill_uniformly(n, history, rng_for(seed, iteration, "random"))
    pool = found.pool()
    sequences, _ = draws.matched(space, pool.genes, pool.keys)
    return Proposal(pool.genes, pool.keys, proposed_by=by, predicted=1 - state.estimator.losses(sequences))


def _draw(search: PVLLSearch, space: SearchSpace, state: PVLLState, seed: int, iteration: int) -> _Draws:
    """`tries` draws from A: what the first draw is redrawn to while it is invalid or known."""
    import torch

    noise = state.architecture.noise(search.tries, rng_for(seed, iteration, "pool"))
    soft = state.architecture.soft(noise).detach()
    genes = state.architecture.decoded(soft)
    valid = space.valid(genes)
    chosen = torch.from_numpy(valid)
    return _Draws(genes[valid], space.keys(genes[valid]), soft[chosen], noise[chosen], noise[:1])


def _begin(search: PVLLSearch, space: SearchSpace, history: History, seed: int) -> PVLLState:
    """Trains psi on the warm-up with equal weights, then fixes its p by that psi (ours)."""
    from predictornas.samplers.gumbel import ArchitectureLogits
    from predictornas.samplers.pvll_estimator import LossEstimator

    architecture = ArchitectureLogits(space, temperature=search.temperature, learning_rate=search.architecture_rate)
    first = history.before(1)
    # a population larger than the queue: its oldest have left it
    sequences = space.sequences(first.genes)[-search.memory :]
    values = first.values[-search.memory :]
    memory = Memory(sequences, values, np.ones(len(values)))
    estimator = LossEstimator(
        sequences.shape[2], hidden=search.hidden, learning_rate=search.estimator_rate, rng=rng_for(seed, 0, "fit")
    )
    if len(memory):
        steps = search.warm_up_steps if search.warm_up else search.estimator_steps
        estimator.train(sequences, memory.normalised(values, search.clip), memory.weights(), steps=steps)
        memory = replace(memory, p=step_lengths(estimator.losses(sequences), search.smallest_p))
    return PVLLState(architecture, estimator, memory)


def _advance(
    search: PVLLSearch, space: SearchSpace, before: PVLLState, history: History, seed: int, iteration: int
) -> PVLLState:
    """Lines 16 to 18 of algorithm 1 for what was evaluated in an iteration; `before` stays as it is.

    Where nothing of it was drawn, A follows the gradient at the first draw of the iteration (ours).
    """
    told = history.iterations == iteration
    if not told.any():
        return before
    estimator = before.estimator.copy()
    if search.gradient:
        # what was drawn is drawn again instead of being stored: it is a function of the state, the seed and the
        # iteration
        draws = _draw(search, space, before, seed, iteration)
        sequences, noise = draws.matched(space, history.genes[told], history.keys[told])
    else:
        sequences = space.sequences(history.genes[told])
    # p_t compares with the architecture before, and by psi before it learns from this evaluation: afterwards it would
    # be a statement on how well psi was fitted (section 3.3)
    chain = np.concatenate([before.memory.sequences[-1:], sequences])
    p = step_lengths(estimator.losses(chain), search.smallest_p)[-len(sequences) :]
    memory = before.memory.pushed(sequences, history.values[told], p, limit=search.memory)
    weights = memory.weights() if search.weighted and search.gradient else np.ones(len(memory))
    estimator.train(
        memory.sequences, memory.normalised(memory.values, search.clip), weights, steps=search.estimator_steps
    )
    if not search.gradient:
        return PVLLState(before.architecture, estimator, memory)
    architecture = before.architecture.copy()
    architecture.move(noise if len(noise) else draws.first_noise, estimator)
    return PVLLState(architecture, estimator, memory)


def _advanced(
    search: PVLLSearch,
    space: SearchSpace,
    state: PVLLState,
    history: History,
    seed: int,
    iterations: Iterable[int],
) -> PVLLState:
    """The state after some iterations."""
    for iteration in iterations:
        state = _advance(search, space, state, history, seed, iteration)
    return state
