from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.nasbench201 import EDGES, OPERATIONS
from predictornas.spaces.registry import get_space
from predictornas.studies.supernet_tables import cells_table, epochs_table, operations_of, operations_table
from predictornas.supernet.records import EpochRecord

SPACE = get_space("nasbench201")
EVEN = dict.fromkeys(OPERATIONS, 0.2)
DECIDED = {**dict.fromkeys(OPERATIONS, 0.0), "skip_connect": 1.0}
HALVES = {**dict.fromkeys(OPERATIONS, 0.0), "none": 0.5, "nor_conv_1x1": 0.5}
RECORD = EpochRecord(
    epoch=1,
    phase="search",
    learning_rate=0.025,
    train_loss=None,
    train_accuracy=None,
    validation_loss=2.0,
    validation_accuracy=0.25,
    seconds=0.1,
    genes=(1, 0, 1, 3, 1, 2),
    alpha={"cell": [EVEN] * 6},
    importance={"cell": [EVEN, EVEN, DECIDED, DECIDED, HALVES, HALVES]},
    decided={"cell": 2},
)


def test_one_row_an_epoch_with_gaps_where_nothing_was_measured() -> None:
    table = epochs_table(SPACE, [RECORD, replace(RECORD, epoch=2, eigenvalue=0.5)])
    assert table["epoch"].to_list() == [1, 2]
    assert table["train_loss"].to_list() == [None, None]
    assert table["eigenvalue"].to_list() == [None, 0.5]
    assert (
        table["architecture"][0]
        == "|skip_connect~0|+|none~0|skip_connect~1|+|nor_conv_3x3~0|skip_connect~1|nor_conv_1x1~2|"
    )


def test_entropy_and_skip_connections_by_hand() -> None:
    (row,) = cells_table(SPACE, [RECORD]).to_dicts()
    # two even edges, two decided ones, and two of two operations: ln 2 / ln 5 each
    assert row["entropy"] == pytest.approx((2 + 0 + 2 * np.log(2) / np.log(5)) / 6)
    assert row["skip_share"] == 3 / 6
    assert (row["cell"], row["decided"]) == ("cell", 2)


def test_every_operation_of_every_edge() -> None:
    table = operations_table(SPACE, [RECORD])
    assert len(table) == 6 * 5
    assert list(dict.fromkeys(table.select("source", "target").rows())) == list(EDGES)
    kept = table.filter((table["source"] == 0) & (table["target"] == 3) & (table["operation"] == "skip_connect"))
    assert kept["importance"].to_list() == [1.0]


def test_removed_operations_have_no_rows() -> None:
    short = {"nor_conv_1x1": 1.0}
    later = replace(RECORD, epoch=2, alpha={"cell": [short] * 6}, importance={"cell": [short] * 6})
    table = operations_table(SPACE, [RECORD, later])
    assert table.filter(table["epoch"] == 2)["operation"].unique().to_list() == ["nor_conv_1x1"]
    assert cells_table(SPACE, [later])["entropy"].to_list() == [0.0]


def test_operations_of_a_published_genotype() -> None:
    """DARTS-V2's normal cell has five separable convolutions, two skip connections and one dilated convolution."""
    space = get_space("darts")
    cells = operations_of(space, space.genes_of(NAMED_GENOTYPES["DARTS-V2"]))
    counts = {name: cells["normal"].count(name) for name in set(cells["normal"])}
    assert counts == {"sep_conv_3x3": 5, "skip_connect": 2, "dil_conv_3x3": 1}
    assert len(cells["reduction"]) == 8
