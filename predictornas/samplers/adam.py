"""Adam whose state stays with what it moves, for learning that goes on from one evaluation to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class OngoingAdam:
    """Adam of Kingma and Ba 2015 at a constant rate, with betas 0.9 and 0.999.

    The same steps as torch.optim.Adam, whose first use loads torch's compiler: seconds, in every process.

    Args:
        parameters: moved in place.
        learning_rate: > 0.
    """

    def __init__(self, parameters: Sequence[Tensor], learning_rate: float) -> None:
        self.parameters = list(parameters)
        self._learning_rate = learning_rate
        self._means = [torch.zeros_like(parameter, requires_grad=False) for parameter in self.parameters]
        self._squares = [torch.zeros_like(parameter, requires_grad=False) for parameter in self.parameters]
        self._steps = 0

    def descend(self, loss: Tensor) -> None:
        """One step down the gradient of a scalar that was computed from the parameters."""
        slopes = torch.autograd.grad(loss, self.parameters)
        self._steps += 1
        size = self._learning_rate / (1 - 0.9**self._steps)
        scale = math.sqrt(1 - 0.999**self._steps)
        with torch.no_grad():
            for parameter, slope, mean, square in zip(self.parameters, slopes, self._means, self._squares, strict=True):
                mean.lerp_(slope, 0.1)
                square.mul_(0.999).addcmul_(slope, slope, value=0.001)
                parameter.addcdiv_(mean, square.sqrt().div_(scale).add_(1e-8), value=-size)
