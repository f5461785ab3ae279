"""How well PVLL-NAS's estimator knows the losses of paths that were never proposed, measured during a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import kendalltau

from predictornas.live.epochs import generator_for
from predictornas.supernet.batches import validation_batches
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.pvll import LossSpaceRegression, Path, ProxyLandscape, draw_path
from predictornas.supernet.weight_steps import measured


@dataclass(frozen=True)
class EstimatorProbe:
    """psi against the validation losses that uniformly drawn paths have in the super-network as it is now.

    Losses are normalised by the memory that psi was trained on, as in training, so that they lie in [0, 1].

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

        It has `evaluations` remembered so far, `test_loss` and `training_loss` (mean squared errors of the normalised
        loss; the latter on the memory), `relative_loss` (the test loss over the variance of what is estimated: 1 is no
        better than its mean) and `tau` (Kendall's, 0 where all are equal).
        """
        landscape, update = ongoing.landscape, ongoing.job.method.update
        if landscape is None or not isinstance(update, LossSpaceRegression) or landscape.memory is None:
            return []
        memory = landscape.memory
        paths = _unknown(self._drawn(ongoing, update.temperature), memory.sequences)
        if not paths:
            return []
        truth = memory.normalised(-_losses(ongoing, paths))
        estimates = _estimates(landscape, np.stack([path.sequence() for path in paths]))
        known = memory.normalised(memory.values)
        variance = float(truth.var())
        test_loss = float(((estimates - truth) ** 2).mean())
        tau = float(kendalltau(estimates, truth).statistic)
        return [
            {
                "evaluations": len(landscape.state_dict()["losses"]),
                "test_loss": test_loss,
                "training_loss": float(((_estimates(landscape, memory.sequences) - known) ** 2).mean()),
                "relative_loss": test_loss / variance if variance > 0 else None,
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


def _losses(ongoing: OngoingSearch, paths: list[Path]) -> Float[np.ndarray, " n"]:
    """Validation losses, measured as the search measures those of its own paths."""
    batches = validation_batches(ongoing.images, ongoing.job.method.weights.batch_size)

    def loss(path: Path) -> float:
        return measured(ongoing.state, batches, lambda: path.mixture).loss

    return np.array([loss(path) for path in paths])


def _estimates(landscape: ProxyLandscape, sequences: Float[np.ndarray, "n steps k"]) -> Float[np.ndarray, " n"]:
    with torch.no_grad():
        return np.array([float(landscape(torch.from_numpy(sequence))) for sequence in sequences])
