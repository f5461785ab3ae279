from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import ModuleType

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 - its BLAS is counted from the beginning
import threadpoolctl
import torch
from threadpoolctl import threadpool_info

from predictornas.threads import one_blas_thread, one_thread, side_by_side


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
            with one_thread():
                assert threads() == inside
            assert threads() == inside
        after = threads()
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


@pytest.mark.parametrize("first", [one_thread, one_blas_thread])
@pytest.mark.parametrize("second", [one_thread, one_blas_thread])
def test_of_blocks_that_overlap_the_last_one_out_lets_blas_go(
    first: Callable[[], AbstractContextManager[None]], second: Callable[[], AbstractContextManager[None]]
) -> None:
    def of_blas() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    def work() -> None:
        torch.set_num_threads(3)
        assert torch.get_num_threads() == 3  # once it was asked, the number is this thread's own
        ready.set()
        assert begun.wait(9)
        with second():
            seen.append((of_blas(), torch.get_num_threads()))
            inside.set()
            assert outside.wait(9)
            seen.append((of_blas(), torch.get_num_threads()))
        seen.append((of_blas(), torch.get_num_threads()))

    ready, begun, inside, outside = (threading.Event() for _ in range(4))
    seen = list[tuple[set[int], int]]()
    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(9)
    torch.set_num_threads(2)
    assert torch.get_num_threads() == 2
    try:
        with threadpoolctl.threadpool_limits(2, user_api="blas"):
            with first():
                begun.set()
                assert inside.wait(9)
            assert torch.get_num_threads() == 2
            assert of_blas() == {1}
            outside.set()
            thread.join(9)
            assert of_blas() == {2}
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    pinned = 1 if second is one_thread else 3
    assert seen == [({1}, pinned), ({1}, pinned), ({2}, 3)]


def test_a_thread_that_torch_sees_for_the_first_time_in_another_s_block_is_not_left_on_one() -> None:
    def work() -> None:
        with one_thread():
            pass
        seen.append(torch.get_num_threads())

    seen = list[int]()
    torch.set_num_threads(3)
    try:
        with one_thread():
            thread = threading.Thread(target=work)
            thread.start()
            thread.join(9)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(1)
    assert seen == [3] or os.environ.get("OMP_NUM_THREADS") == "1"  # then nobody can tell what it has inherited


def test_blas_that_is_loaded_in_a_block_is_limited_by_the_next() -> None:
    script = (
        "from predictornas.threads import one_blas_thread, one_thread\n"
        "from threadpoolctl import threadpool_info\n"
        "with one_blas_thread():\n"
        "    with one_thread():\n"
        "        print({library['num_threads'] for library in threadpool_info()})\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert ran.stdout.strip() == "{1}"


def test_work_is_shared_by_threads_but_where_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {4, 5}, raising=False)

    def threads_of_six() -> int:
        """How many threads do six pieces of work, each of which waits until as many as there should be are at one."""
        done, by = list[int](), set[int]()

        def work(item: int) -> None:
            together.wait(9)
            done.append(item)
            by.add(threading.get_ident())

        side_by_side(work, range(6))
        assert sorted(done) == [*range(6)]
        return len(by)

    for said, most in (("3", 3), ("1", 1), ("", 2), ("many", 2), ("0", 2)):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        together = threading.Barrier(most)
        assert threads_of_six() == most
    together = threading.Barrier(1)
    with one_thread():
        assert threads_of_six() == 1
    side_by_side(lambda _: pytest.fail("there is nothing to do"), [])


def test_what_work_raises_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")

    def work(item: int) -> None:
        if item == 3:
            raise ValueError("three")

    with pytest.raises(ValueError, match="three"):
        side_by_side(work, range(6))


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


def test_torch_computes_on_one_thread_in_each_piece_of_work_and_as_before_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    seen = list[int]()

    def work(_: int) -> None:
        seen.append(torch.get_num_threads())

    torch.set_num_threads(2)
    try:
        side_by_side(work, range(4))
        after = torch.get_num_threads()
        thread = threading.Thread(target=side_by_side, args=(lambda _: None, range(4)))
        thread.start()
        thread.join(9)
        assert torch.get_num_threads() == 2, "two that overlap would leave it at one"
    finally:
        torch.set_num_threads(1)
    assert (seen, after) == ([1] * 4, 2)
