"""RMSProp as TensorFlow computes it, with which NAS-Bench-101 was trained; torch's own differs in three places."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

AVERAGE_DECAY = 0.9
"""Share of the running mean of squares that is kept, TensorFlow's default."""


class TensorFlowRMSProp(Optimizer):
    """`tf.train.RMSPropOptimizer`: s = 0.9 s + 0.1 g^2, m = momentum m + lr g / sqrt(s + epsilon), w = w - m.

    Unlike `torch.optim.RMSprop`, s starts at one, epsilon stands under the root, and a falling rate does not shrink
    what the momentum already holds.

    Args:
        parameters: the weights.
        lr: learning rate.
        momentum: share of the last update that is kept.
        epsilon: added under the root (Ying et al. 2019, released code: 1).
        weight_decay: factor of the L2 penalty's gradient, added to g.
    """

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, momentum: float, epsilon: float, weight_decay: float
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "epsilon": epsilon, "weight_decay": weight_decay}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    _update(weight, weight.grad, self.state[weight], group)


def _update(weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    if not state:
        state["squares"] = torch.ones_like(weight)
        state["update"] = torch.zeros_like(weight)
    gradient = gradient.add(weight, alpha=group["weight_decay"])
    squares = state["squares"].mul_(AVERAGE_DECAY).addcmul_(gradient, gradient, value=1 - AVERAGE_DECAY)
    root = squares.add(group["epsilon"]).sqrt_()
    weight.sub_(state["update"].mul_(group["momentum"]).addcdiv_(gradient, root, value=group["lr"]))
