"""Limits of the process that are too low to work in: a sentence before the work instead of a crash in its midst."""

from __future__ import annotations

import errno
import resource
from pathlib import Path

from predictornas.errors import PredictorNASError

LEAST_ADDRESS_SPACE = 4 << 30
"""Bytes of address space that torch, polars and their threads reserve, most of which they never touch."""

LEAST_DESCRIPTORS = 64
"""Open files that a command with a few workers needs."""


_UNUSABLE = {
    *(errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC),
}


class LimitError(PredictorNASError):
    """The process may use too little of something."""


def check_limits() -> None:
    """Refuses to begin where libraries would abort the process for want of memory, or no file could be opened.

    Raises:
        LimitError: says which limit, and how to raise it.
    """
    space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if space != resource.RLIM_INFINITY and space < LEAST_ADDRESS_SPACE:
        raise LimitError(
            f"This process may use {space / 2**30:.1f} GiB of address space, and needs {LEAST_ADDRESS_SPACE >> 30}. "
            f"Raise the limit, e.g.: ulimit -v {LEAST_ADDRESS_SPACE >> 10}"
        )
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors != resource.RLIM_INFINITY and descriptors < LEAST_DESCRIPTORS:
        raise LimitError(
            f"This process may open {descriptors} files, and needs {LEAST_DESCRIPTORS} or more. Raise the limit, e.g.: "
            "ulimit -n 1024"
        )


def available_memory() -> int | None:
    """Bytes of memory that new work may take without pushing out other programs; None where the system does not say."""
    return _memory("MemAvailable:")


def total_memory() -> int | None:
    """Bytes of memory of this machine; None where the system does not say."""
    return _memory("MemTotal:")


def _memory(field: str) -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith(field)]
    return found[0] if found else None


def explained(error: MemoryError | OSError) -> str | None:
    """What to say and do where a limit was met in the midst of the work, or a path of the user's cannot be used.

    None for errors of other kinds: they are faults of this package.
    """
    kept = "What was recorded is kept: the same command continues from there."
    if isinstance(error, MemoryError) or error.errno == errno.ENOMEM:
        return f"Out of memory ({error}). Free some, or take fewer --workers. {kept}"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"Too many open files ({error}). Raise the limit (ulimit -n 1024), or take fewer --workers. {kept}"
    if error.errno in _UNUSABLE and error.filename is not None:
        return f"{str(error.filename)[:300]}: {error.strerror}. Give another path."
    return None
