"""One thread for all that is computed: with more, sums differ in their last bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    with threadpool_limits(limits=1):
        torch.set_num_threads(1)
        _pinned = True
        try:
            yield
        finally:
            _pinned = False
            torch.set_num_threads(before)
