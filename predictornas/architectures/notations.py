"""All notations of the field, in the order in which they are tried."""

from __future__ import annotations

from predictornas.architectures.any_space import GENES, KEY, STRING
from predictornas.architectures.darts_notations import GENOTYPE, OTHERS
from predictornas.architectures.nasbench_notations import NASBENCH
from predictornas.architectures.writing import Writing
from predictornas.spaces.base import SearchSpace

NOTATIONS = (STRING, GENOTYPE, GENES, *NASBENCH, *OTHERS, KEY)
"""A notation that takes the form of another stands behind it."""


def notations_of(space: SearchSpace) -> list[Writing]:
    """Those in which architectures of a space are written, the usual one first."""
    return [notation for notation in NOTATIONS if notation.fits(space)]
