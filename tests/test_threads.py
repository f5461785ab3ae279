from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 - its BLAS is counted from the beginning
import threadpoolctl
import torch
from threadpoolctl import threadpool_info

from predictornas.threads import is_pinned, one_blas_thread, one_thread


def threads() -> dict[str, int]:
    """Of every library by its file, and of torch."""
    found = {library["filepath"]: library["num_threads"] for library in threadpool_info()}
    return found | {"torch": torch.get_num_threads()}


def test_everything_is_pinned_inside_and_as_before_afterwards() -> None:
    torch.set_num_threads(2)
    before = threads()
    try:
        with one_thread():
            inside = threads()
            assert is_pinned()
            with one_thread():
                assert threads() == inside
            assert is_pinned()
            assert threads() == inside
        after = threads()
        assert not is_pinned()
    finally:
        torch.set_num_threads(1)
    assert set(inside.values()) == {1}
    assert {"openblas", "mkl"} & {library["internal_api"] for library in threadpool_info()}
    assert after == before
    assert after["torch"] == 2


def test_blas_alone_can_be_pinned() -> None:
    def of_blas() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        assert of_blas() == {2}
        with one_blas_thread():
            assert of_blas() == {1}
        assert of_blas() == {2}


def test_an_error_puts_the_numbers_back() -> None:
    before = threads()

    def work() -> None:
        with one_thread():
            raise ValueError(np.linalg.norm([3.0, 4.0]))

    with pytest.raises(ValueError, match=r"^5\.0$"):
        work()
    assert threads() == before


def test_libraries_are_looked_for_once_and_again_when_more_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    class Counted(threadpoolctl.ThreadpoolController):
        def __init__(self) -> None:
            looked.append(1)
            super().__init__()

    monkeypatch.setattr(threadpoolctl, "ThreadpoolController", Counted)
    monkeypatch.setitem(sys.modules, "one_more", module := ModuleType("one_more"))
    for _ in range(3):
        with one_thread():
            pass
    assert len(looked) == 1
    monkeypatch.setitem(sys.modules, "and_another", module)
    with one_thread():
        assert len(looked) == 2
