"""The size space of NATS-Bench (Dong et al. 2021): five layers of one fixed cell, eight widths each."""

from __future__ import annotations

from predictornas.spaces.chains.space import ChainSpace
from predictornas.spaces.chains.stages import ChainStage

WIDTHS = (8, 16, 24, 32, 40, 48, 56, 64)
"""Channels of a layer, the values of genes 0..7."""


class NATSBenchSize(ChainSpace):
    """32,768 networks; written like `8:16:24:32:64`, as in the official package.

    `enumerate` has the first layer change slowest, which is the order of the official file: 8:8:8:8:8, 8:8:8:8:16 ...

    Example:
        >>> from predictornas import get_space
        >>> space = get_space("natsbench-size")
        >>> len(space), space.describe(space.enumerate()[1])
        (32768, '8:8:8:8:16')
        >>> space.from_strings(["8:16:24:32:64"]).tolist()
        [[0, 1, 2, 3, 7]]
    """

    name = "natsbench-size"
    stages = (ChainStage({"width": WIDTHS}),) * 5
