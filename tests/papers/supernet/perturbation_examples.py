"""Searches of two epochs of two steps in NAS-Bench-201, for the studies of DARTS-PT."""

from __future__ import annotations

from pathlib import Path

import pytest

from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet import searches as supernet_study
from predictornas.papers.supernet.perturbation_settings import darts_searches
from predictornas.papers.supernet.searches import Scale, SearchTrace, traces

TINY = Scale("nasbench201", images=60, pixels=8, batch_size=15, epochs=2, cells=1, channels=2, seeds=1)


def tiny_request(folder: Path, monkeypatch: pytest.MonkeyPatch, *, seeds: int = 1) -> FigureRequest:
    """A request at that scale."""
    monkeypatch.setitem(supernet_study.SCALES, "small", TINY)
    return FigureRequest(folder, data="digits", seeds=seeds)


def tiny_traces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[SearchTrace]:
    """The search of its one seed."""
    request = tiny_request(folder, monkeypatch)
    return traces(request, darts_searches(request))
