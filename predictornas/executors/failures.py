"""An error of a task on its way to the process that gave the task."""

from __future__ import annotations

import pickle
import traceback
from contextlib import suppress


class WorkerTraceback(Exception):  # noqa: N818 - the cause of an error, and none itself
    """Where in a worker an error was raised."""


def pickled_failure(error: BaseException) -> bytes:
    """The error that is being handled and where it was raised, as a pickled pair.

    An error that pickle cannot put together again becomes a RuntimeError that quotes it.
    """
    where = WorkerTraceback(traceback.format_exc())
    with suppress(Exception):
        failure = pickle.dumps((error, where))
        pickle.loads(failure)  # some errors can be taken apart but not put together again
        return failure
    return pickle.dumps((RuntimeError(f"{type(error).__name__}: {error}"), where))


def loaded_failure(pickled: bytes) -> BaseException:
    """The error that `pickled_failure` took apart, whose cause says where it was raised."""
    error: BaseException
    error, error.__cause__ = pickle.loads(pickled)
    return error
