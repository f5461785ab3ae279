from __future__ import annotations

import polars as pl

from predictornas.analysis.whereabouts import BAD_THERE, HITS, PLACES
from predictornas.plots.near_pools import draw_near_pools


def test_trainings_differ_by_line_and_only_the_first_has_distances() -> None:
    rows = [
        {"pool": pool, "training": training, "quantity": quantity, "at": at, "value": 0.1 * at, "low": 0.0, "high": 1.0}
        for training in ("long", "short")
        for pool in ("whole space", "near")
        for quantity in (HITS, PLACES, BAD_THERE)
        for at in (1, 2)
    ]
    figure = draw_near_pools(pl.DataFrame(rows), title="Pools", caption="What it shows.")
    left, middle, right = figure.axes
    assert [(line.get_label(), line.get_linestyle()) for line in left.lines] == [
        ("whole space, long", "-"),
        ("near, long", "-"),
        ("whole space, short", "--"),
        ("near, short", "--"),
    ]
    assert len(middle.lines) == len(right.lines) == 2
    assert right.lines[0].get_ydata().tolist() == [0.1, 0.2]
