"""A method with one of the settings changed that people change most, wherever in its parts the setting stands."""

from __future__ import annotations

from dataclasses import replace

from predictornas.errors import ConfigurationError
from predictornas.supernet.method import Method
from predictornas.supernet.parts.anchor import Anchored, DirichletAnchor
from predictornas.supernet.parts.loss_regression import LossSpaceRegression
from predictornas.supernet.parts.relaxations import Dirichlet
from predictornas.supernet.parts.updates import ArchitectureUpdate, Mixed, Switch


def with_mixed_weight(method: Method, weight: float) -> Method:
    """The method with another lambda of its mixed-level update (He et al. 2020, eq. 5).

    Args:
        method: one whose update is mixed-level, from an epoch on or from the beginning.
        weight: lambda, >= 0.

    Raises:
        ConfigurationError: a method without such an update, or a weight out of range.
    """
    changed = None if isinstance(method.update, LossSpaceRegression) else _reweighted(method.update, weight)
    if changed is None:
        raise ConfigurationError(
            "This method has no lambda: its update is not mixed-level. Use milenas, milenas-gumbel or "
            "bilevel-to-mixed, or leave lambda out."
        )
    return replace(method, update=changed)


def with_anchor(method: Method, distance: str) -> Method:
    """The method with another anchor of its Dirichlet concentrations, at the scale that it has, else at 1e-3.

    Args:
        method: one with Dirichlet mixtures; with "weight-decay" or "none" any that follows gradients.
        distance: as in `DirichletAnchor`, or "none" for no anchor.

    Raises:
        ConfigurationError: another distance, or a method that has none.
    """
    update = method.update
    if isinstance(update, LossSpaceRegression):
        raise ConfigurationError("Regression of the loss (pvll) has no anchor. Leave it out.")
    inner = update.update if isinstance(update, Anchored) else update
    scale = update.anchor.scale if isinstance(update, Anchored) else DirichletAnchor().scale
    if isinstance(method.mixing, Dirichlet) and method.architecture.weight_decay:
        # the released code of DrNAS anchors by the decay of Adam: another anchor takes its place
        scale = method.architecture.weight_decay
        method = replace(method, architecture=replace(method.architecture, weight_decay=0.0))
    if distance == "none":
        return replace(method, update=inner)
    return replace(method, update=Anchored(inner, DirichletAnchor(distance, scale)))


def _reweighted(update: ArchitectureUpdate, weight: float) -> ArchitectureUpdate | None:
    """The update with another lambda; None where nothing in it has one."""
    match update:
        case Mixed():
            return replace(update, weight=weight)
        case Anchored():
            inner = _reweighted(update.update, weight)
            return inner and replace(update, update=inner)
        case Switch():
            first, then = _reweighted(update.first, weight), _reweighted(update.then, weight)
            if first is None and then is None:
                return None
            return replace(update, first=first or update.first, then=then or update.then)
        case _:
            return None
