from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet.collapse_design import (
    COMPARED,
    LONGER,
    SIZES,
    scale_of,
    searches_from,
    trained_weights,
)
from predictornas.papers.supernet.searches import SearchTrace


def request(**changes: object) -> FigureRequest:
    return replace(FigureRequest(Path("out"), size="small", data="digits"), **changes)


def test_the_sizes_of_the_study() -> None:
    small, full = SIZES["small"], SIZES["full"]
    assert (small.searches.images, small.searches.pixels, small.searches.batch_size) == (6_000, 16, 64)
    assert (small.warm_up, small.searches.epochs, small.snapshots) == (16, 12, (0, 3, 6, 12))
    assert (small.searches.seeds, full.searches.seeds) == (3, 10)
    assert replace(full, searches=replace(full.searches, seeds=3)) == small
    assert scale_of(request(seeds=5)).searches.seeds == 5


def many(seeds: int) -> list[SearchTrace]:
    """What the trained weights left, at so many seeds."""
    searches = trained_weights(request(size="full"), SIZES["full"])
    return [SearchTrace(each, (), (), (), Path(each.label)) for each in searches if each.seed < seeds]


def test_alpha_rests_while_weights_are_trained_and_moves_at_thirty_times_the_rate_after() -> None:
    asked = request(seeds=2)
    scale = scale_of(asked)
    weights = trained_weights(asked, scale)
    assert {(search.setting, search.seed) for search in weights} == {
        (name, seed) for name in ("weights softmax", "weights dirichlet") for seed in (0, 1)
    }
    assert all(search.method.warm_up == search.method.epochs == 16 for search in weights)
    traces = [SearchTrace(search, (), (), (), Path(search.label)) for search in weights]
    forks = searches_from(asked, scale, traces)
    assert [search.setting for search in forks if search.seed == 0] == [*COMPARED, LONGER]
    assert {(search.setting, str(search.start)) for search in forks if search.seed == 1} == {
        ("darts-1", "weights-softmax-seed-1"),
        ("sdarts-rs", "weights-softmax-seed-1"),
        ("drnas", "weights-dirichlet-seed-1"),
        ("drnas weight decay", "weights-dirichlet-seed-1"),
        (LONGER, "weights-softmax-seed-1"),
    }
    assert len([s for s in searches_from(request(size="full"), SIZES["full"], many(10)) if s.setting == LONGER]) == 3
    longer = forks[-1]
    assert (longer.setting, longer.method.epochs, longer.keeps) == (LONGER, 36, ())
    for search in forks[:-2]:
        assert (search.method.epochs, search.method.warm_up, search.keeps) == (12, 0, (3, 6, 12))
        assert search.method.architecture.learning_rate == pytest.approx(1e-2)
        assert search.method.weights.learning_rate == weights[0].method.weights.final_learning_rate
    anchors = [search.method.update.anchor.distance for search in forks[4:8]]  # type: ignore[union-attr]
    assert anchors == ["l2", "l2", "weight-decay", "weight-decay"]


def test_what_is_not_known() -> None:
    with pytest.raises(UnknownNameError, match="'smoke'"):
        scale_of(request(size="smok"))
    with pytest.raises(ConfigurationError, match="Leave out --study"):
        scale_of(request(budget=3))
