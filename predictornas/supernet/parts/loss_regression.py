"""PVLL-NAS in a super-network: one sampled path at a time, and a proxy loss that the parameters follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.samplers.pvll_estimator import LossEstimator
from predictornas.samplers.pvll_memory import Memory, step_lengths
from predictornas.seeding import rng_for
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.parts.relaxations import GumbelSoftmax

Sequence = Float[np.ndarray, "steps k"]
"""A relaxed architecture H~ as psi reads it: the edges of all cell types one after the other."""


class Visit(NamedTuple):
    """One architecture that algorithm 1 looks at.

    Attributes:
        phase: "warm-up" (line 3), "memory" (lines 7 to 9) or "search" (lines 13 to 18).
        number: which architecture of the warm-up population, or which step of the search, from 0.
        trains: whether its path is trained for one epoch.
        evaluates: whether its validation loss goes into the memory afterwards.
    """

    phase: Literal["warm-up", "memory", "search"]
    number: int
    trains: bool
    evaluates: bool


@dataclass(frozen=True)
class LossSpaceRegression:
    """The settings of algorithm 1 of Li, Dong et al. 2020.

    Attributes:
        warm_up: N, architectures of the warm-up population, >= 0 (paper: 100).
        steps: T, steps of the search, >= 1 (paper: 100, or 200 where there is no warm-up).
        memory: entries of the queue M, >= 1 (paper: 100).
        order: 2 if the drawn path is trained for one epoch before it is evaluated, 1 if it is evaluated as it is
            (table 4).
        weighted: whether entries are weighted by 1/p_t (eq. 8).
        gradient: whether A follows psi; else it stays as it began, so that paths are drawn uniformly but for A's small
            initial values, and all weights are 1 (figure 3a and table 5).
        temperature: tau > 0 of the Gumbel-softmax (paper: 0.1).
        hidden: state size of the LSTM in psi (ours).
        warm_up_steps: full-batch steps of psi on the warm-up population (ours).
        estimator_steps: full-batch steps of psi after each evaluation (ours).
        estimator_rate: Adam's rate for psi (paper: 0.1).
        smallest_p: lower limit of p_t, in (0, 1] (ours).

    Raises:
        ConfigurationError: a value out of range.
    """

    warm_up: int = 100
    steps: int = 100
    memory: int = 100
    order: int = 2
    weighted: bool = True
    gradient: bool = True
    temperature: float = 0.1
    hidden: int = 16
    warm_up_steps: int = 400
    estimator_steps: int = 5
    estimator_rate: float = 0.1
    smallest_p: float = 0.05

    def __post_init__(self) -> None:
        counts = (self.steps, self.memory, self.hidden)
        numbers = (self.warm_up, self.warm_up_steps, self.estimator_steps)
        fits = min(counts) >= 1 and min(numbers) >= 0 and min(self.temperature, self.estimator_rate) > 0
        if not fits or self.order not in (1, 2) or not 0 < self.smallest_p <= 1:
            raise ConfigurationError(
                "PVLL-NAS needs steps, memory and hidden >= 1, warm_up and numbers of steps of psi >= 0, a temperature "
                f"and a rate above 0, order 1 or 2, and 0 < smallest_p <= 1, not {self}."
            )

    def visits(self) -> Iterator[Visit]:
        """What algorithm 1 does, in order; N + N + T visits."""
        yield from (Visit("warm-up", number, trains=True, evaluates=False) for number in range(self.warm_up))
        yield from (Visit("memory", number, trains=True, evaluates=True) for number in range(self.warm_up))
        trains = self.order == 2
        yield from (Visit("search", number, trains=trains, evaluates=True) for number in range(self.steps))


class Path(NamedTuple):
    """A drawn architecture.

    Attributes:
        soft: H~ `(steps, k)`, differentiable in the parameters, for psi.
        mixture: on each edge the likeliest operation alone, with its soft weight as factor, without gradients
            (Li, Dong et al. 2020, eq. 4).
    """

    soft: Float[Tensor, "steps k"]
    mixture: Mixture

    def sequence(self) -> Sequence:
        """H~ as the memory keeps it."""
        return self.soft.detach().cpu().numpy().astype(np.float32)


def draw_path(parameters: ArchitectureParameters, temperature: float, generator: torch.Generator) -> Path:
    """H~ = GumbelSoftmax(A; xi, tau), one sample for each cell type (Li, Dong et al. 2020, eq. 3 and 4).

    Args:
        parameters: A. The widest edge of each cell type needs as many operations as that of the others.
        temperature: tau > 0.
        generator: source of xi.
    """
    relaxation = GumbelSoftmax(start=temperature, end=temperature)
    soft = relaxation.mixture(parameters, progress=0.0, generator=generator)
    kept = {}
    for name, weights in soft.detached().weights.items():
        largest = weights.max(dim=1, keepdim=True)
        kept[name] = torch.zeros_like(weights).scatter(1, largest.indices, largest.values)
    return Path(torch.cat(list(soft.weights.values())), Mixture(kept, sparse=True))


@dataclass
class ProxyLandscape:
    """psi and the memory it is trained on (Li, Dong et al. 2020, section 3.3), a function of what was remembered.

    Attributes:
        settings: of algorithm 1.
        width: k of the sequences `(steps, k)`.
        seed: source of psi's initial weights.
    """

    settings: LossSpaceRegression
    width: int
    seed: int

    def __post_init__(self) -> None:
        self._forget()

    @property
    def memory(self) -> Memory | None:
        """What psi was last trained on; None before the warm-up population is complete."""
        return self._memory

    def __call__(self, soft: Float[Tensor, "steps k"]) -> Float[Tensor, ""]:
        """psi(H~) in [0, 1], lower is better, differentiable; computed on the CPU."""
        return self._estimator(soft.cpu()[None])[0]

    def remember(self, sequence: Sequence, loss: float) -> None:
        """Pushes an evaluated architecture into the memory and trains psi (lines 9, 11, 16 and 17 of algorithm 1).

        While the warm-up population is being evaluated psi waits; with its last member psi is trained with equal
        weights, then the p_t of all members are fixed (ours). Afterwards p_t is fixed before psi is trained.

        Args:
            sequence: H~ `(steps, k)`.
            loss: its validation loss, normalised within the memory when psi is trained.

        Raises:
            ConfigurationError: the loss is not finite.
        """
        if not np.isfinite(loss):
            raise ConfigurationError(
                f"The validation loss of an architecture is {loss}, which psi cannot learn. Lower the learning rate of "
                "the super-network."
            )
        self._sequences.append(sequence)
        self._losses.append(loss)
        if len(self._losses) == max(self.settings.warm_up, 1):
            self._begin()
        elif self._memory is not None:
            self._advance(self._memory)

    def diagnostics(self) -> dict[str, float]:
        """What the weights of the memory can say, `clamp_rate` and `effective_share`; empty before psi is trained."""
        if self._memory is None:
            return {}
        return {
            "clamp_rate": self._memory.clamp_rate(self.settings.smallest_p),
            "effective_share": self._memory.effective_share(),
        }

    def follow(self, parameters: ArchitectureParameters, path: Path) -> None:
        """Sets `.grad` of the parameters to grad_A psi(H~) (eq. 10), or to 0 without `gradient`."""
        for parameter in parameters.tensors():
            parameter.grad = torch.zeros_like(parameter)
        if not self.settings.gradient:
            return
        # in two steps, because psi's own weights must not get a gradient from this
        torch.autograd.backward([path.soft], list(torch.autograd.grad(self(path.soft), [path.soft])))

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that was remembered, in order: `sequences` `(m, steps, k)` and `losses` `(m,)`."""
        sequences = np.stack(self._sequences) if self._sequences else np.empty((0, 0, self.width), np.float32)
        return {
            "sequences": torch.from_numpy(sequences),
            "losses": torch.tensor(self._losses, dtype=torch.float64),
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Remembers again, from the beginning, what `state_dict` holds; psi is the same bit for bit."""
        self._forget()
        for sequence, loss in zip(state["sequences"].numpy(), state["losses"].tolist(), strict=True):
            self.remember(sequence, loss)

    def _forget(self) -> None:
        settings = self.settings
        self._sequences: list[Sequence] = []
        self._losses: list[float] = []
        self._estimator = LossEstimator(
            self.width, hidden=settings.hidden, learning_rate=settings.estimator_rate, rng=rng_for(self.seed, 0, "fit")
        )
        self._memory: Memory | None = None

    def _begin(self) -> None:
        settings = self.settings
        sequences = np.stack(self._sequences[-settings.memory :])
        values = -np.asarray(self._losses[-settings.memory :])
        memory = Memory(sequences, values, np.ones(len(values)))
        steps = settings.warm_up_steps if settings.warm_up else settings.estimator_steps
        self._estimator.train(sequences, memory.normalised(values), memory.weights(), steps=steps)
        self._memory = replace(memory, p=step_lengths(self._estimator.losses(sequences), settings.smallest_p))

    def _advance(self, memory: Memory) -> None:
        sequence, loss = self._sequences[-1], self._losses[-1]
        chain = np.stack([memory.sequences[-1], sequence])
        p = step_lengths(self._estimator.losses(chain), self.settings.smallest_p)[-1:]
        memory = memory.pushed(sequence[None], np.asarray([-loss]), p, limit=self.settings.memory)
        is_weighted = self.settings.weighted and self.settings.gradient
        weights = memory.weights() if is_weighted else np.ones(len(memory))
        losses = memory.normalised(memory.values)
        self._estimator.train(memory.sequences, losses, weights, steps=self.settings.estimator_steps)
        self._memory = memory
