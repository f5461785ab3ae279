"""The notation of chains: `3/6,5/3:2*7/4` is a stage of two layers, then one of two equal layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int8

from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.base import Genes
from predictornas.spaces.chains.stages import CHOICE, LAYER, STAGE, TIMES, ChainLayout, ChainStage


def write_chain(layout: ChainLayout, genes: Int8[np.ndarray, " g"]) -> str:
    """One row in words: layers by `,`, their choices by `/`, stages by `:`; nothing for a stage that is left out.

    Where all layers of a stage are alike, one of them follows their number and a `*`; a number alone is not repeated.
    """
    texts = []
    depths = layout.depths(genes[None])[0].tolist()
    for number, stage in enumerate(layout.stages):
        first = layout.columns[number].start + (layout.depth_genes[number] >= 0)
        rows = genes[first : layout.columns[number].stop].reshape(-1, max(len(stage.choices), 1)).tolist()
        layers = [
            CHOICE.join(str(values[gene]) for values, gene in zip(stage.choices.values(), row, strict=True))
            for row in rows[: depths[number]]
        ]
        if _counted(stage):
            layers = [f"{depths[number]}{TIMES}{''.join(layers[:1])}"] if depths[number] else []
        texts.append(LAYER.join(layers))
    return STAGE.join(texts)


def read_chains(layout: ChainLayout, texts: Sequence[str], space: str) -> Genes:
    """Genes `(n, g)` in normal form of what `write_chain` wrote.

    Raises:
        InvalidArchitectureError: a text of another form, or with a value that is no choice; names entry and stage.
    """
    genes = np.zeros((len(texts), len(layout.num_choices)), np.int8)
    known: dict[tuple[int, str], list[int]] = {}  # tables repeat the same few stages
    for row, text in enumerate(texts):
        parts = text.split(STAGE)
        if len(parts) != len(layout.stages):
            raise _refusal(row, text, f"{len(parts)} stages, not {len(layout.stages)}", space)
        for number, part in enumerate(parts):
            columns = layout.columns[number]
            if (number, part) not in known:
                try:
                    known[number, part] = _read_stage(layout.stages[number], part, columns.stop - columns.start)
                except ValueError as error:
                    raise _refusal(row, text, f"stage {number}: {error}", space) from error
            genes[row, columns] = known[number, part]
    return genes


def _counted(stage: ChainStage) -> bool:
    """Whether a stage is written as a number of equal layers."""
    return not stage.choices or (stage.alike and tuple(stage.depth) != (1,))


def _read_stage(stage: ChainStage, text: str, count: int) -> list[int]:
    """The `count` genes of one stage.

    Raises:
        ValueError: says what is wrong.
    """
    layers = text.split(LAYER) if text else []
    depth = len(layers)
    if _counted(stage) and layers:
        number, times, layer = text.partition(TIMES)
        if not (times and number.isascii() and number.isdigit()):
            raise ValueError(f"{text!r} does not begin with a number of layers and {TIMES}")
        depth, layers = int(number), [layer] if stage.choices else []
        if not depth:
            raise ValueError(f"{text!r} is written as nothing")
    if depth not in stage.depth:
        raise ValueError(f"{depth} layers, not one of {', '.join(map(str, stage.depth))}")
    genes = [stage.depth.index(depth)] if len(stage.depth) > 1 else []
    for layer in layers:
        values = layer.split(CHOICE)
        if len(values) != len(stage.choices):
            raise ValueError(f"{layer!r} has {len(values)} choices, not {len(stage.choices)}")
        for value, (name, known) in zip(values, stage.choices.items(), strict=True):
            texts = [str(one) for one in known]
            if value not in texts:
                raise ValueError(f"{value!r} is no {name}, known: {', '.join(texts)}")
            genes.append(texts.index(value))
    return genes + [0] * (count - len(genes))


def _refusal(row: int, text: str, reason: str, space: str) -> InvalidArchitectureError:
    return InvalidArchitectureError(f"Entry {row}, {text[:200]!r}, is no architecture of {space!r} ({reason}).")
