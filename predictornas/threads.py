"""One thread for what is computed: with more, sums differ in their last bits, and small ones take longer."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import LibController, ThreadpoolController

Item = TypeVar("Item")

_lock = threading.Lock()
_here = threading.local()
_pins: list[_Before] = []
"""What there was before the first of the threads came that are pinned now, once for each of them."""


@dataclass
class _Before:
    blas: list[tuple[LibController, int]]
    torch: int | None = None


@contextmanager
def one_thread() -> Iterator[None]:
    """Computes on one thread inside the block, and as before after it: BLAS of numpy and SciPy, OpenMP, torch.

    The number of BLAS is the process's: of threads whose blocks overlap, the last one out puts it back. Those of OpenMP
    and of torch are each thread's own.
    """
    if _is_pinned():
        yield
        return
    # what is not loaded cannot be limited, and SciPy's BLAS is another library than numpy's
    import scipy.linalg  # noqa: F401
    import torch

    libraries = _libraries(len(sys.modules)).lib_controllers
    openmp = [library for library in libraries if library.user_api == "openmp"]
    with _lock:
        numbers = [library.num_threads for library in openmp]
        own = torch.get_num_threads()
        # a thread that never asked torch before begins with the number that torch was told last, in a pinned thread
        inherited = bool(_pins) and numbers != [library.num_threads for library in openmp]
        before = _pinned(libraries)
        before.torch = before.torch or own
        torch.set_num_threads(1)
        for library in openmp:
            library.set_num_threads(1)
    _here.pinned = True
    try:
        yield
    finally:
        _here.pinned = False
        with _lock:
            _released()
            for library, number in zip(openmp, numbers, strict=True):
                library.set_num_threads(number)
            torch.set_num_threads(before.torch if inherited else own)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS of numpy and SciPy on one thread inside the block: many small products take longer on several."""
    libraries = _libraries(len(sys.modules)).lib_controllers
    with _lock:
        _pinned(libraries)
    try:
        yield
    finally:
        with _lock:
            _released()


def _is_pinned() -> bool:
    """Whether this thread is in `one_thread`."""
    return getattr(_here, "pinned", False)


def _pinned(libraries: Sequence[LibController]) -> _Before:
    """Limits every BLAS for one more thread that wants it, also one that was loaded meanwhile."""
    before = _pins[0] if _pins else _Before([])
    limited = {library.filepath for library, _ in before.blas}
    for library in libraries:
        if library.user_api == "blas" and library.filepath not in limited:
            before.blas.append((library, library.num_threads))
            _set(library, 1)
    _pins.append(before)
    return before


def _released() -> None:
    """One thread less that wants it; puts everything back where it was the last."""
    before = _pins.pop()
    if not _pins:
        for library, number in before.blas:
            _set(library, number)


def _set(library: LibController, number: int) -> None:
    """Sets its number of threads; later versions of threadpoolctl let nobody do so but who did it first."""
    release = getattr(library, "clear_controlling_thread", lambda force: None)
    release(force=True)
    library.set_num_threads(number)
    release(force=True)


def side_by_side(work: Callable[[Item], None], items: Sequence[Item]) -> None:
    """Does some work for each item, on as many threads as this process may use; on one inside `one_thread`.

    For work that leaves the interpreter alone most of the time and computes on one thread, as torch does meanwhile
    where the main thread asks: several pieces of work on one thread each are faster than one on several. The threads
    end with the call: what keeps some of its own, as OpenMP does, hangs in a process that was forked later.

    Args:
        work: touches nothing that it does for another item.
        items: what it is done for.

    Raises:
        Exception: what the work raises.
    """
    count = 1 if _is_pinned() else min(len(items), _available())
    if count <= 1:
        for item in items:
            work(item)
        return
    with _one_torch_thread(), ThreadPoolExecutor(count) as pool:
        for _ in pool.map(work, items):
            pass


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Torch on one thread inside the block, where it is loaded; in the main thread alone, see `one_blas_thread`."""
    if "torch" not in sys.modules or threading.current_thread() is not threading.main_thread():
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _available() -> int:
    """Threads that this process may use: as many as `OMP_NUM_THREADS` says, else as many as it has processors."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdecimal() and int(said):
        return int(said)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """Looks what is loaded, which takes milliseconds: again only when more modules are, for with them libraries come.

    Args:
        modules: how many are loaded.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
