"""The DARTS spaces by name: with and without `none`, and the four of Zela et al. 2020 on which DARTS fails."""

from __future__ import annotations

from collections.abc import Callable

from predictornas.spaces.darts import DARTS, DARTS_OPERATIONS

_SKIP, _MAX, _AVERAGE = "skip_connect", "max_pool_3x3", "avg_pool_3x3"
_SEPARABLE, _DILATED3, _DILATED5 = "sep_conv_3x3", "dil_conv_3x3", "dil_conv_5x5"

_S1_NORMAL = (
    (_SKIP, _DILATED3),
    (_SKIP, _DILATED5),
    (_SKIP, _DILATED5),
    (_SKIP, _SEPARABLE),
    (_SKIP, _DILATED3),
    (_MAX, _SKIP),
    (_SKIP, _SEPARABLE),
    (_SKIP, _SEPARABLE),
    (_SKIP, _DILATED3),
    (_SKIP, _SEPARABLE),
    (_MAX, _SKIP),
    (_SKIP, _DILATED3),
    (_DILATED3, _DILATED5),
    (_DILATED3, _DILATED5),
)

_S1_REDUCTION = (
    (_MAX, _AVERAGE),
    (_MAX, _DILATED3),
    (_MAX, _AVERAGE),
    (_MAX, _AVERAGE),
    (_SKIP, _DILATED5),
    (_MAX, _AVERAGE),
    (_MAX, _SEPARABLE),
    (_SKIP, _DILATED3),
    (_SKIP, _DILATED5),
    (_MAX, _AVERAGE),
    (_MAX, _AVERAGE),
    (_SKIP, _DILATED5),
    (_SKIP, _DILATED5),
    (_SKIP, _DILATED5),
)

_S1_OPERATIONS = (_MAX, _AVERAGE, _SKIP, _SEPARABLE, _DILATED3, _DILATED5)

DARTS_SPACES: dict[str, Callable[[], DARTS]] = {
    "darts": lambda: DARTS(DARTS_OPERATIONS[1:], "darts"),
    "darts-8": lambda: DARTS(DARTS_OPERATIONS, "darts-8"),
    "darts-s1": lambda: DARTS(_S1_OPERATIONS, "darts-s1", (_S1_NORMAL, _S1_REDUCTION)),
    "darts-s2": lambda: DARTS((_SKIP, _SEPARABLE), "darts-s2"),
    "darts-s3": lambda: DARTS(("none", _SKIP, _SEPARABLE), "darts-s3"),
    "darts-s4": lambda: DARTS(("noise", _SEPARABLE), "darts-s4"),
}
"""What makes each space. Those of Zela et al. 2020 (section 4) as in their released code, S1 edge by edge."""


def darts_space(name: str) -> DARTS:
    """The space of this name in `DARTS_SPACES`."""
    return DARTS_SPACES[name]()
