"""How well PVLL-NAS's estimator knows the losses of paths that were never proposed, measured during a search."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import kendalltau

from predictornas.live.passes import generator_for
from predictornas.samplers.pvll_memory import Memory
from predictornas.supernet.batches import validation_batches
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.parts.loss_regression import LossSpaceRegression, Path, ProxyLandscape, draw_path
from predictornas.supernet.restoring import restored
from predictornas.supernet.weight_steps import measured


@dataclass(frozen=True)
class EstimatorProbe:
    """psi against the validation losses that uniformly drawn paths would have if they were visited next.

    As in a visit, a path is trained for an epoch before it is evaluated where the search does so (second order); then
    the weights go back. psi's estimates go back from the memory's range to nats, so that errors of searches compare.

    Attributes:
        paths: drawn uniformly, the same ones throughout a search; those that the memory holds are left out.
        interval: visits from one measurement to the next, counted back from the last one.
    """

    paths: int = 100
    interval: int = 25

    @property
    def name(self) -> str:
        """Names the file of what was measured."""
        return f"estimator-{self.paths}-paths-every-{self.interval}"

    def is_due(self, epoch: int, epochs: int) -> bool:
        """After the last visit, and every `interval` visits before."""
        return (epochs - epoch) % self.interval == 0

    def measure(self, ongoing: OngoingSearch) -> list[dict[str, Any]]:
        """No row before psi was trained, else one.

        It has `evaluations` remembered so far, `test_loss` and `training_loss` (mean squared errors in squared nats;
        the latter on the memory), `relative_loss` and `relative_training_loss` (both over the variance of the test
        paths' losses: 1 is no better than their mean) and `tau` (Kendall's on the test paths, 0 where all are equal).
        """
        landscape, update = ongoing.landscape, ongoing.job.method.update
        if landscape is None or not isinstance(update, LossSpaceRegression) or landscape.memory is None:
            return []
        memory = landscape.memory
        paths = _unknown(self._drawn(ongoing, update.temperature), memory.sequences)
        if not paths:
            return []
        truth = _losses(ongoing, paths, trained=update.order == 2)
        estimates = _estimates(landscape, memory, np.stack([path.sequence() for path in paths]))
        variance = float(truth.var())
        test_loss = float(((estimates - truth) ** 2).mean())
        training_loss = float(((_estimates(landscape, memory, memory.sequences) + memory.values) ** 2).mean())
        tau = float(kendalltau(estimates, truth).statistic)
        return [
            {
                "evaluations": len(landscape.state_dict()["losses"]),
                "test_loss": test_loss,
                "training_loss": training_loss,
                "relative_loss": test_loss / variance if variance > 0 else None,
                "relative_training_loss": training_loss / variance if variance > 0 else None,
                "tau": 0.0 if np.isnan(tau) else tau,
                "paths": len(paths),
            }
        ]

    def _drawn(self, ongoing: OngoingSearch, temperature: float) -> list[Path]:
        """Equal parameters make every path equally likely."""
        device = ongoing.job.device
        generator = generator_for(ongoing.job.seed, 0, "estimator test set", device)
        uniform = ArchitectureParameters.initial(ongoing.state.parameters.topology, generator, scale=0.0)
        return [draw_path(uniform, temperature, generator) for _ in range(self.paths)]


def _unknown(paths: list[Path], remembered: Float[np.ndarray, "m steps k"]) -> list[Path]:
    """Those that decode to other operations than everything in the memory."""
    known = {row.tobytes() for row in remembered.argmax(axis=2)}
    return [path for path in paths if path.sequence().argmax(axis=1).tobytes() not in known]


def _losses(ongoing: OngoingSearch, paths: list[Path], *, trained: bool) -> Float[np.ndarray, " n"]:
    """Validation losses, measured as the search measures those of its own paths; afterwards all is as it was."""
    batches = validation_batches(ongoing.images, ongoing.job.method.weights.batch_size)
    network, optimiser = ongoing.state.network, ongoing.state.weight_optimiser
    tensors, momenta = [*network.parameters(), *network.buffers()], deepcopy(optimiser.state_dict())

    def loss(path: Path) -> float:
        with restored(tensors):
            if trained:
                ongoing.train_path(path)
                optimiser.load_state_dict(deepcopy(momenta))
            return measured(ongoing.state, batches, lambda: path.mixture).loss

    return np.array([loss(path) for path in paths])


def _estimates(
    landscape: ProxyLandscape, memory: Memory, sequences: Float[np.ndarray, "n steps k"]
) -> Float[np.ndarray, " n"]:
    """psi's estimates in nats: 0 is the least loss of the memory, and 1 the greatest."""
    least, greatest = -memory.values.max(), -memory.values.min()
    with torch.no_grad():
        shares = np.array([float(landscape(torch.from_numpy(sequence))) for sequence in sequences])
    return np.asarray(least + (greatest - least) * shares)
