from __future__ import annotations

import polars as pl

from predictornas.report.page import rendered
from predictornas.report.supernet_page import supernet_page
from tests.report.studies import SPACE

SETTINGS = {"method": "<darts>", "images": "digits", "cells": 1, "channels": 8, "seed": 0}


def page(skip: float, *, validation: bool = True, options: dict[str, object] | None = None) -> str:
    known = [0.25, 0.5] if validation else [None, None]
    epochs = pl.DataFrame(
        {
            "epoch": [1, 2], "phase": ["warm-up", "search"], "learning_rate": [0.1, 0.05], "train_loss": [2.0, 1.5],
            "train_accuracy": [0.2, 0.4], "validation_loss": known, "validation_accuracy": known,
            "eigenvalue": [None, None], "seconds": [1.0, 1.25],
        },
        schema_overrides={"validation_loss": pl.Float64, "validation_accuracy": pl.Float64, "eigenvalue": pl.Float64},
    )  # fmt: skip
    cells = pl.DataFrame({"epoch": [1, 2], "cell": "normal", "entropy": [1.0, 0.5], "skip_share": [0.0, skip]})
    settings = SETTINGS | {"options": options, "start": "the weights of elsewhere"}
    return rendered(supernet_page(epochs, cells, settings, SPACE, SPACE.enumerate()[7], {}, ["It is noise."]))


def test_the_page_says_how_the_super_network_ended_and_leaves_out_what_was_not_measured() -> None:
    text = page(0.25)
    assert "<strong>50.00 % validation accuracy</strong> after 2 epochs" in text
    assert "2 epochs in the phases warm-up, search." in text
    assert text.count('<figure class="chart"') == 3
    assert "eigenvalue" not in text[text.index("<main") : text.index("<footer")]
    assert "&lt;darts&gt; in nasbench201" in text
    assert "collapsed" not in text
    assert "selected the architecture below." in page(0.25, validation=False)


def test_a_cell_of_skip_connections_is_warned_of() -> None:
    text = page(0.8)
    assert "80% of the edges of the selected normal are skip connections" in text
    assert text.index("<li>It is noise.</li>") < text.index("80% of the edges")
    assert "It starts from the weights of elsewhere." in text


def test_the_page_gives_papers_and_the_command_where_it_is_known() -> None:
    text = page(0.25)
    assert "How to cite" in text
    assert "predictornas supernet" not in text
    options = {"method": "drnas", "space": "nasbench201", "epochs": 4, "cells": None, "small": True, "curvature": False}
    text = page(0.25, options=options)
    assert "predictornas supernet --method drnas --space nasbench201 --epochs 4 --small --out .<" in text
