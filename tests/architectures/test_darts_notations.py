from __future__ import annotations

import ast
import json

from predictornas.architectures.darts_notations import GENOTYPE, OTHERS, genotype_text
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.registry import get_space

DARTS = get_space("darts")
GENOTYPE_V2 = NAMED_GENOTYPES["DARTS-V2"]
ROW = DARTS.genes_of(GENOTYPE_V2)  # type: ignore[attr-defined]


def test_the_usual_forms_of_a_released_cell() -> None:
    """The first node of DARTS-V2 has separable convolutions of 3 x 3, operation 3, on both inputs."""
    name, naslib, as_json, nasbench301 = (notation.write(DARTS, ROW) or "" for notation in OTHERS)
    assert GENOTYPE.write(DARTS, ROW) == DARTS.describe(ROW)
    assert name == "DARTS-V2"
    assert ast.literal_eval(naslib)[0][:2] == ((0, 3), (1, 3))
    assert json.loads(as_json)["normal"][:2] == [["sep_conv_3x3", 0], ["sep_conv_3x3", 1]]
    assert json.loads(nasbench301)["edge_normal_0"] == "sep_conv_3x3"


def test_the_part_of_a_text_that_prints_one() -> None:
    assert genotype_text("no cell here") is None
    assert genotype_text(f"genotype = {GENOTYPE_V2}, epoch 3") == str(GENOTYPE_V2)
