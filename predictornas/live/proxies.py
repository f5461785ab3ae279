"""Zero-cost proxies by name; for each, a higher score is better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from predictornas.errors import ConfigurationError
from predictornas.registry import Registered, Registry

if TYPE_CHECKING:
    from predictornas.live.zerocost import Proxy


def _ours(name: str, text: str) -> Registered:
    return Registered(name, f"predictornas.live.zerocost:{name}", text)


PROXIES = Registry(
    "zero-cost proxy",
    (
        _ours("synflow", "flow of synapses through weights without their signs (Tanaka et al. 2020)"),
        _ours("jacobian_covariance", "how differently images are seen (Mellor et al. 2020)"),
        _ours("gradient_norm", "size of the gradient of the loss (Abdelfattah et al. 2021)"),
        _ours("weight_norm", "size of the weights (Abdelfattah et al. 2021)"),
        _ours("ntk_condition_number", "condition of the neural tangent kernel (TE-NAS: Chen et al. 2021)"),
        _ours("ntk_condition_number_with_biases", "the same with the gradients of biases"),
        _ours("linear_regions", "pieces that the function is made of (after TE-NAS)"),
    ),
    group="predictornas.proxies",
)
"""A target is the proxy itself: see `predictornas.live.zerocost.Proxy`."""


def get_proxy(name: str) -> Proxy:
    """The proxy of this name.

    Raises:
        UnknownNameError: there is none.
        ConfigurationError: one of another package that cannot be loaded, or is no function.
    """
    proxy: Proxy = PROXIES[name].load()
    if not callable(proxy):
        raise ConfigurationError(f"{name!r} is no function of a network, images, labels and a generator: {proxy!r}.")
    return proxy
