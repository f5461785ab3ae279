"""What code in a hostile file calls if a reader runs it."""

from __future__ import annotations

fired = 0
"""How often it ran."""


def fire(*arguments: object) -> str:
    """Leaves a trace."""
    global fired
    fired += 1
    return "fired"


PICKLES = (
    b"ctests.fuzz.canary\nfire\n(tR",
    b"\x8c\x11tests.fuzz.canary\x8c\x04fire\x93)R",
    b"c__builtin__\neval\n(V__import__('tests.fuzz.canary').fuzz.canary.fire()\ntR",
    b"cbuiltins\nexec\n(Vimport tests.fuzz.canary as c; c.fire()\ntR",
)
"""Opcodes that call it, to be put anywhere into a pickle."""

TEXTS = (
    b"__import__('tests.fuzz.canary').fuzz.canary.fire()",
    b"{'descr': __import__('tests.fuzz.canary').fuzz.canary.fire(), 'fortran_order': False, 'shape': (2,), }",
)
"""Python that calls it, for whatever might be evaluated."""
