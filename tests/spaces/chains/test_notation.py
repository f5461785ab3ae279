from __future__ import annotations

import numpy as np
import pytest

from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.chains.notation import read_chains, write_chain
from predictornas.spaces.chains.stages import ChainLayout, ChainStage

LAYOUT = ChainLayout(
    (
        ChainStage({"kernel": (3, 5), "expansion": (2, 4)}, depth=(0, 1, 2)),
        ChainStage({"width": (16, 32)}, depth=(1, 3), alike=True),
        ChainStage({}, depth=(0, 2)),
        ChainStage({"pool": ("max", "mean")}),
    )
)

WRITTEN = {
    "3/4,5/2:3*32:2*:mean": [2, 0, 1, 1, 0, 1, 1, 1, 1],
    ":1*16::max": [0, 0, 0, 0, 0, 0, 0, 0, 0],
    "5/4:1*32::max": [1, 1, 1, 0, 0, 0, 1, 0, 0],
}


@pytest.mark.parametrize("text", WRITTEN)
def test_chains_are_written_and_read(text: str) -> None:
    assert write_chain(LAYOUT, np.array(WRITTEN[text], np.int8)) == text
    assert read_chains(LAYOUT, [text], "mine").tolist() == [WRITTEN[text]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("3/4:1*16:", "3 stages, not 4"),
        ("3/4,3/4,3/4:1*16::max", "stage 0: 3 layers, not one of 0, 1, 2"),
        ("3:1*16::max", "stage 0: '3' has 1 choices, not 2"),
        ("7/4:1*16::max", "stage 0: '7' is no kernel, known: 3, 5"),
        ("3/4:2*16::max", "stage 1: 2 layers, not one of 1, 3"),
        ("3/4:16::max", r"stage 1: '16' does not begin with a number of layers and \*"),
        ("3/4:²*16::max", "stage 1: .* does not begin with a number"),
        ("3/4:1*16::", "stage 3: 0 layers, not one of 1"),
        ("3/4:1*16:0*:max", "stage 2: '0.' is written as nothing"),
    ],
)
def test_another_text_is_refused_with_its_entry_and_stage(text: str, reason: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=rf"Entry 1, .* is no architecture of 'mine' \({reason}"):
        read_chains(LAYOUT, [":1*16::max", text], "mine")
