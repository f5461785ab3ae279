"""What the scripts of this folder share: timing that is fair under load, the machine's limits, the last lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch

from predictornas.live import darts_cell, nasbench101_cell
from predictornas.live.joining import join_channels
from predictornas.live.separable import DepthwiseConv2d, PointwiseConv2d

Network = TypeVar("Network", bound=torch.nn.Module)


def interleaved(
    works: Mapping[str, Callable[[], object]], *, rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Best time in seconds of each piece of work, all run in turn in each round so that all meet the same load.

    Args:
        works: by name.
        rounds: how often each is timed, after a first time that is not.
        clock: wall time, or `time.process_time` where one thread on a busy machine is measured.
    """
    best = dict.fromkeys(works, float("inf"))
    for work in works.values():
        work()
    for _ in range(rounds):
        for name, work in works.items():
            start = clock()
            work()
            best[name] = min(best[name], clock() - start)
    return best


def plain(network: Network) -> Network:
    """The same network with torch's own convolutions in place of ours, as a baseline; changed in place."""
    for module in network.modules():
        # of few channels, torch 2.13 writes past its memory in strided ones of 1 x 1 with the channels last
        kept = isinstance(module, PointwiseConv2d) and module.stride[0] > 1 and module.in_channels <= 4
        if isinstance(module, (DepthwiseConv2d, PointwiseConv2d)) and not kept:
            module.__class__ = torch.nn.Conv2d
    return network


@contextmanager
def plain_joins() -> Iterator[None]:
    """Cells join their nodes by `torch.cat` meanwhile, as a plain network does."""
    cells = (darts_cell, nasbench101_cell)
    try:
        for module in cells:
            module.join_channels = lambda parts: torch.cat(list(parts), dim=1)  # type: ignore[attr-defined]
        yield
    finally:
        for module in cells:
            module.join_channels = join_channels  # type: ignore[attr-defined]


def memory_mebibytes(field: str) -> float:
    """This process's memory as Linux counts it: `VmRSS` now, `VmHWM` the most so far."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise OSError(f"/proc/self/status has no {field}: memory is measured on Linux only")


def threads() -> int:
    """The first argument of the script, else 2; on a machine with other work, 1 is measured more reliably."""
    return int(sys.argv[1]) if len(sys.argv) > 1 else 2


def machine_limits() -> tuple[Callable[[], object], Callable[[], object], float, float]:
    """Work that shows this machine's limits: a copy and a matrix product, with their bytes and operations."""
    source = torch.ones(1 << 26)
    target = torch.empty_like(source)
    square = torch.rand(2048, 2048)
    product = torch.empty_like(square)
    return (
        lambda: target.copy_(source),
        lambda: torch.mm(square, square, out=product),
        2.0 * source.numel() * 4,
        2.0 * 2048**3,
    )


def report(lines: list[tuple[str, float, float, str]]) -> None:
    """One line a figure: name, value, baseline, ratio."""
    width = max(len(name) for name, *_ in lines)
    print(f"\n{'figure':{width}}  {'value':>12}  {'baseline':>12}  ratio")
    for name, value, baseline, unit in lines:
        print(f"{name:{width}}  {value:>9.4g} {unit:>2}  {baseline:>9.4g} {unit:>2}  {baseline / value:.1f}x")
