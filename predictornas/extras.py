"""Optional dependencies: whatever needs one that is missing says which command brings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from predictornas.errors import MissingDependencyError


@contextmanager
def extra(name: str, purpose: str) -> Iterator[None]:
    """Imports inside the block belong to an extra of this package.

    Args:
        name: the extra, as in `pip install 'predictornas[name]'`.
        purpose: what needs it, the singular subject of a sentence ("Drawing a figure").

    Raises:
        MissingDependencyError: a package that the block imports is not installed.

    Example:
        >>> from predictornas.extras import extra
        >>> with extra("plots", "Drawing a figure"):
        ...     from matplotlib.figure import Figure
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "predictornas").partition(".")[0] == "predictornas":
            raise  # a fault of this package, which no installation mends
        raise MissingDependencyError(
            f"{purpose} needs {error.name}, which is not installed. Run: pip install 'predictornas[{name}]'"
        ) from error
