"""Search methods by what people write, `uniform-1000@rnn`, and the presets that fill in what a name leaves open."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.predictors.graph_predictor import Engine
from predictornas.predictors.registry import get_predictor
from predictornas.registry import Registered, Registry, expect
from predictornas.samplers.base import Sampler
from predictornas.samplers.registry import SAMPLERS
from predictornas.schedulers.base import Scheduler
from predictornas.schedulers.registry import SCHEDULERS
from predictornas.search.building import newcomers_method, pool_method, ranked_method
from predictornas.search.registry import METHODS, RANKED, method_names
from predictornas.search.strategies import Strategy

_REFERENCE = re.compile(r"([^-@]+:[^-@]+?)(?:-(\d+))?")


@dataclass(frozen=True)
class Preset:
    """What a method's name leaves open.

    Attributes:
        initial: K0, architectures in the random initial set T0.
        batch: K, architectures evaluated in each iteration.
        training_epochs: full-batch steps of predictor training in each iteration.
        warm_up: N, the warm-up population of PVLL-NAS.
        published: whether PVLL-NAS keeps the paper's rates and normalisation; see `PVLLSearch.published`.
        engine: how the predictor computes; see `predictornas.predictors.graph_predictor`.
        warm_start: whether each fit begins with the weights of the iteration before.
        predictor: what ranks where the method names no predictor.
        levels: epochs at which a scheduler may stop a training, ascending; empty where there is but one length.
    """

    initial: int
    batch: int
    training_epochs: int
    warm_up: int
    published: bool = False
    engine: Engine = "indexed"
    warm_start: bool = False
    predictor: str = "gcn"
    levels: tuple[int, ...] = ()


PRESETS: dict[str, Preset] = {
    "quick": Preset(initial=10, batch=10, training_epochs=100, warm_up=20),
    "default": Preset(initial=10, batch=10, training_epochs=500, warm_up=50),
    # Mauch et al. 2020, section 5; Li, Dong et al. 2020, section 5.1
    "paper": Preset(initial=4, batch=4, training_epochs=2000, warm_up=100, published=True),
}


def get_preset(name: str) -> Preset:
    """The preset of this name.

    Raises:
        UnknownNameError: no preset has this name.
    """
    if name not in PRESETS:
        raise UnknownNameError("preset", name, PRESETS)
    return PRESETS[name]


def get_strategy(method: str, preset: Preset) -> Strategy:
    """The strategy of a method such as `random`, `exhaustive`, `uniform-1000` or `uniform-1000@rnn`.

    In the place of a name stands any `module:attribute`, as in `my_module:Sampler-1000@my_module:Forest`.

    Raises:
        UnknownNameError: no method, or no predictor, has this name.
        ConfigurationError: a number where there is none or none where one is needed, a predictor that nobody would
            ask, or a part of another package that cannot be loaded or made.
    """
    base, at, predictor = method.partition("@")
    found = _found(base)
    if found is None:
        raise UnknownNameError("method", base, [*method_names(), "uniform-1000"])
    record, number = found
    _check_number(record, number, base)
    settings: dict[str, Any] = {**vars(preset), "number": number}
    if "predictor" in record.takes:
        settings["predictor"] = get_predictor(
            predictor if at else preset.predictor, training_epochs=preset.training_epochs, engine=preset.engine
        )
    elif at:
        raise ConfigurationError(
            f"{method!r}: {base!r} takes no predictor, it asks none or has one of its own. Give it as {base!r}."
        )
    strategy: Strategy = expect(record.make(**settings), Strategy, record)
    return strategy


def _check_number(record: Registered, number: int | None, base: str) -> None:
    if number is None and record.number == "needed":
        example = f"{record.name}-1000"
        raise ConfigurationError(f"{base!r} needs the size of its pool at the end. Give it as {example!r}.")
    if number is not None and record.number == "none":
        raise ConfigurationError(
            f"{base!r}: {record.name!r} takes no number, for it has no pool whose size could be chosen and no share "
            f"to promote. Give it as {record.name!r}."
        )
    if number is not None and number < 1:
        raise ConfigurationError(f"{base!r}: the number, a pool size or a share in percent, must be at least 1.")


def _found(base: str) -> tuple[Registered, int | None] | None:
    """The record of a method and the number in its name: this package's, then those of others."""
    if ":" in base:
        return _referenced(base)
    kinds: tuple[tuple[Registry, str, Callable[[Registered], Registered]], ...] = (
        (METHODS, base, lambda record: record),
        (SAMPLERS, base, pool_method),
        (SCHEDULERS, base, newcomers_method),
        *([(SCHEDULERS, base.removeprefix(RANKED), ranked_method)] if base.startswith(RANKED) else []),
    )
    own = [(as_method, registry.own(name)) for registry, name, as_method in kinds]
    # `pvll` is a method without a number and a sampler with one
    fitting = [(as_method, found) for as_method, found in own if found and not _unfit(*found)]
    for as_method, found in [*fitting, *own]:
        if found is not None:
            return as_method(found[0]), found[1]
    for registry, name, as_method in kinds:
        other = registry.numbered(name)
        if other is not None:
            return as_method(other[0]), other[1]
    return None


def _unfit(record: Registered, number: int | None) -> bool:
    return record.number == ("needed" if number is None else "none")


def _referenced(base: str) -> tuple[Registered, int | None] | None:
    """What `module:attribute` or `module:attribute-N` leads to: a scheduler's class, a sampler, or a strategy."""
    ranked = base.startswith(RANKED)
    match = _REFERENCE.fullmatch(base.removeprefix(RANKED))
    if match is None:
        return None
    number = None if match[2] is None else int(match[2])
    record = METHODS[match[1]]
    if hasattr(record.target, "promotions") or "ratio" in record.takes:
        scheduler = SCHEDULERS[match[1]]
        return (ranked_method if ranked else newcomers_method)(scheduler), number
    if ranked:
        raise ConfigurationError(f"{base!r}: {match[1]!r} is no scheduler, whose newcomers could be ranked.")
    if record.takes:
        return record, number
    made = record.make()
    if isinstance(made, Sampler) and not isinstance(made, Strategy):
        return pool_method(replace(SAMPLERS[match[1]], target=made)), number
    if isinstance(made, Scheduler):
        raise ConfigurationError(f"{base!r} makes a scheduler without levels. Name its class, {type(made).__name__}.")
    return replace(record, target=made), number
