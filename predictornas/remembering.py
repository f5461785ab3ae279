"""What functions of a search space remember: a space of one's own may be one that cannot be hashed."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Result = TypeVar("Result")


def remembered(most: int) -> Callable[[Callable[Asked, Result]], Callable[Asked, Result]]:
    """`functools.lru_cache` that works out anew what it is asked with an argument that cannot be hashed.

    A space is known by its identity, but one that is a dataclass compares by its fields, which may change, and has no
    hash.

    Example:
        >>> from predictornas.remembering import remembered
        >>> @remembered(8)
        ... def total(numbers):
        ...     print("counting")
        ...     return sum(numbers)
        >>> total((1, 2)), total((1, 2)), total([1, 2])
        counting
        counting
        (3, 3, 3)

    Args:
        most: results that are kept, those that were asked for last.
    """

    def decorated(function: Callable[Asked, Result]) -> Callable[Asked, Result]:
        cached = lru_cache(most)(function)

        @wraps(function)
        def ask(*arguments: Asked.args, **named: Asked.kwargs) -> Result:
            try:
                hash((arguments, tuple(named.values())))
            except TypeError:
                return function(*arguments, **named)
            return cached(*arguments, **named)  # type: ignore[arg-type]  # hashed above

        return ask

    return decorated
