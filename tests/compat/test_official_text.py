from __future__ import annotations

from typing import Any

import pytest

from predictornas.compat.official_results import ArchResults
from predictornas.compat.official_store import OfficialQueryError
from predictornas.compat.official_text import information, str2lists, str2matrix

CELL = "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|avg_pool_3x3~1|skip_connect~2|"


def test_a_text_becomes_the_inputs_of_its_nodes() -> None:
    assert str2lists(CELL) == [
        (("nor_conv_1x1", 0),),
        (("none", 0), ("none", 1)),
        (("none", 0), ("avg_pool_3x3", 1), ("skip_connect", 2)),
    ]


def test_a_text_becomes_a_matrix_of_places() -> None:
    assert str2matrix(CELL).tolist() == [[0, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, 4, 1, 0]]


def test_what_is_no_cell_is_refused() -> None:
    with pytest.raises(OfficialQueryError, match="'none~0~1' is no input of a node"):
        str2lists("|none~0~1|")
    with pytest.raises(OfficialQueryError, match="'none~x' is no input"):
        str2lists("|none~x|")
    with pytest.raises(OfficialQueryError, match="'max' is not one of none, skip_connect"):
        str2matrix("|max~0|")


class Results(ArchResults):
    """Told instead of read."""

    def __init__(self) -> None:
        self.arch_str = "cell"

    def get_dataset_names(self) -> list[str]:
        return ["cifar10", "cifar100"]

    def get_compute_costs(self, dataset: str) -> dict[str, Any]:
        return {"flops": 117.88, "params": 1.0744, "latency": None if dataset == "cifar10" else 0.0144}

    def get_metrics(
        self, dataset: str, setname: str, iepoch: int | None = None, is_random: bool | int = False
    ) -> dict[str, Any]:
        return {"loss": len(setname) / 8, "accuracy": 90.0}


def test_the_lines_of_an_architecture() -> None:
    assert information(Results(), None, joint=", ", tests_valid=False) == [
        "cell",
        "datasets : ['cifar10', 'cifar100'], extra-info : None",
        "cifar10        FLOP=117.88 M, Params=1.074 MB, latency=None ms.",
        "cifar10        train : [loss = 0.625, top1 = 90.00%], test  : [loss = 1.000, top1 = 90.00%]",
        "cifar100       FLOP=117.88 M, Params=1.074 MB, latency=14.40 ms.",
        "cifar100       train : [loss = 0.625, top1 = 90.00%], valid : [loss = 0.875, top1 = 90.00%], "
        "test : [loss = 0.750, top1 = 90.00%]",
    ]
