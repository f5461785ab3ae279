"""One thread for what is computed: with more, sums differ in their last bits, and small ones take longer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

_pinned = False


@contextmanager
def one_thread() -> Iterator[None]:
    """Computes on one thread inside the block, and as before after it: BLAS of numpy and SciPy, OpenMP, torch."""
    global _pinned
    if _pinned:
        yield
        return
    # what is not loaded cannot be limited, and SciPy's BLAS is another library than numpy's
    import scipy.linalg  # noqa: F401
    import torch

    before = torch.get_num_threads()
    with _libraries(len(sys.modules)).limit(limits=1):
        torch.set_num_threads(1)
        _pinned = True
        try:
            yield
        finally:
            _pinned = False
            torch.set_num_threads(before)


def is_pinned() -> bool:
    """Whether this is inside `one_thread`: what takes a number of threads as an argument has to take one."""
    return _pinned


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS of numpy and SciPy on one thread inside the block: many small products take longer on several."""
    with _libraries(len(sys.modules)).limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """Looks what is loaded, which takes milliseconds: again only when more modules are, for with them libraries come.

    Args:
        modules: how many are loaded.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
