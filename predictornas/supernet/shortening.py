"""The same method in fewer epochs, or in more: every length that is counted in epochs is scaled alike (ours)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise

from predictornas.errors import ConfigurationError
from predictornas.supernet.method import Method, Selection
from predictornas.supernet.parts.anchor import Anchored
from predictornas.supernet.parts.greedy import Greedy
from predictornas.supernet.parts.loss_regression import LossSpaceRegression
from predictornas.supernet.parts.perturbation import PerturbationSelection
from predictornas.supernet.parts.stages import Stage
from predictornas.supernet.parts.updates import ArchitectureUpdate, Switch

_DECISIONS = 8
"""Edges that a cell of DARTS keeps; NAS-Bench-201 has six."""


def with_epochs(method: Method, epochs: int) -> Method:
    """The method with a search of so many epochs, fine-tuning of perturbation selection not counted.

    Warm-ups, stages, intervals of decisions, and the epoch of a switch keep their share of the search, rounded; an
    interval and a stage have at least one epoch. Greedy decisions (SGAS) begin and follow each other soon enough for
    the eight that a cell of DARTS needs, in eight epochs or more. An update of another package is left as it is.

    Args:
        method: any method.
        epochs: >= 1; with stages at least one for each.

    Raises:
        ConfigurationError: fewer epochs than that.
    """
    if epochs < max(len(method.stages), 1):
        raise ConfigurationError(
            f"A search of {epochs} epochs is too short: this method needs {max(len(method.stages), 1)} or more."
        )
    factor = Fraction(epochs, method.epochs)
    return replace(
        method,
        weights=replace(
            method.weights,
            epochs=epochs,
            warm_up_epochs=_resting(method.weights.warm_up_epochs, method.epochs, epochs),
        ),
        update=_update(method.update, epochs, factor),
        stages=_stages(method.stages, epochs, factor),
        selection=_selection(method.selection, epochs, factor),
        warm_up=_resting(method.warm_up, method.epochs, epochs),
    )


def _update(
    update: ArchitectureUpdate | LossSpaceRegression, epochs: int, factor: Fraction
) -> ArchitectureUpdate | LossSpaceRegression:
    match update:
        case LossSpaceRegression():
            warm_up = min(_scaled(update.warm_up, factor), (epochs - 1) // 2)
            return replace(update, warm_up=warm_up, steps=epochs - 2 * warm_up)
        case _:
            return _gradient(update, factor)


def _gradient(update: ArchitectureUpdate, factor: Fraction) -> ArchitectureUpdate:
    match update:
        case Anchored():
            return replace(update, update=_gradient(update.update, factor))
        case Switch():
            first, then = _gradient(update.first, factor), _gradient(update.then, factor)
            return Switch(first, then, epoch=_scaled(update.epoch, factor))
        case _:
            return update


def _stages(stages: Sequence[Stage], epochs: int, factor: Fraction) -> tuple[Stage, ...]:
    """Ends are rounded, not lengths, so that the lengths add up to `epochs`."""
    ends = [0]
    for place, end in enumerate(accumulate(stage.epochs for stage in stages)):
        remaining = len(stages) - place - 1
        ends.append(min(max(_scaled(end, factor), ends[-1] + 1), epochs - remaining))
    return tuple(
        replace(stage, epochs=end - start, warm_up=_resting(stage.warm_up, stage.epochs, end - start, factor))
        for stage, (start, end) in zip(stages, pairwise(ends), strict=True)
    )


def _selection(selection: Selection, epochs: int, factor: Fraction) -> Selection:
    match selection:
        case Greedy():
            interval = min(_scaled(selection.interval, factor), (epochs - 1) // (_DECISIONS - 1))
            interval = max(interval, 1)
            latest = max(epochs - 1 - (_DECISIONS - 1) * interval, 0)
            return replace(selection, warm_up=min(_scaled(selection.warm_up, factor), latest), interval=interval)
        case PerturbationSelection():
            return replace(selection, interval=max(_scaled(selection.interval, factor), 1))
        case _:
            return selection


def _resting(warm_up: int, before: int, after: int, factor: Fraction | None = None) -> int:
    """Epochs in which alpha rests: not all of them, as rounding up could have it, where it moved before."""
    rests = _scaled(warm_up, Fraction(after, before) if factor is None else factor)
    return min(rests, after - 1) if warm_up < before else max(rests, after)


def _scaled(length: int, factor: Fraction) -> int:
    return round(length * factor)
