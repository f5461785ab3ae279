"""Architectures as people have them: one line a text or value, and the architecture that it stands for."""

from __future__ import annotations

import json
from collections import namedtuple
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import torch

from predictornas.compat.nasbench_spec import ModelSpec
from predictornas.spaces.genotypes import NAMED_GENOTYPES

CELL = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|nor_conv_3x3~0|none~1|skip_connect~2|"
"""Genes 3, 0, 4, 3, 0, 1."""

FIRST = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
"""Index 0 of the official file."""

NODES_OF_CELL = (
    (("nor_conv_3x3", 0),),
    (("none", 0), ("avg_pool_3x3", 1)),
    (("nor_conv_3x3", 0), ("none", 1), ("skip_connect", 2)),
)

ROWS = [
    [0, 1, 1, 1, 0, 1, 0],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 1, 0, 0],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0],
]
"""The cell like Inception in the readme of google-research/nasbench."""

NAMES = ["input", "conv1x1-bn-relu", *["conv3x3-bn-relu"] * 3, "maxpool3x3", "output"]
INCEPTION = (
    "0111010/0000001/0000001/0000100/0000001/0000001/0000000 "
    "input,conv1x1-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,maxpool3x3,output"
)
POOL = "010/001/000 input,maxpool3x3,output"
UNPRUNED = [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]]  # vertex 2 leads nowhere

V1, V2 = (str(NAMED_GENOTYPES[name]) for name in ("DARTS-V1", "DARTS-V2"))
V1_AS_PUBLISHED = """DARTS_V1 = Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0),
('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)],
normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0),
('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=[2, 3, 4, 5])"""
_PAIRS = [NAMED_GENOTYPES["DARTS-V2"].normal, NAMED_GENOTYPES["DARTS-V2"].reduce]
_NODES = [[tuple(cell[start : start + 2]) for start in range(0, 8, 2)] for cell in _PAIRS]
_WEIGHED = [[(name, source, 0.125) for name, source in cell] for cell in _PAIRS]
_SWAPPED = [[(source, name) for name, source in cell] for cell in _PAIRS]
_NUMBERS = {"max_pool_3x3": 0, "avg_pool_3x3": 1, "skip_connect": 2, "sep_conv_3x3": 3, "sep_conv_5x5": 4}
_NUMBERS |= {"dil_conv_3x3": 5, "dil_conv_5x5": 6}
_COMPACT = tuple(tuple((source, _NUMBERS[name]) for name, source in cell) for cell in _PAIRS)
_EDGES = {
    **{0: "sep_conv_3x3", 1: "sep_conv_3x3", 2: "sep_conv_3x3", 3: "sep_conv_3x3"},
    **{5: "skip_connect", 6: "sep_conv_3x3", 9: "skip_connect", 11: "dil_conv_3x3"},
}
_EDGES_OF_REDUCTION = {
    **{0: "max_pool_3x3", 1: "max_pool_3x3", 3: "max_pool_3x3", 4: "skip_connect"},
    **{5: "max_pool_3x3", 7: "skip_connect", 10: "max_pool_3x3", 11: "skip_connect"},
}
CONFIGURATION = {
    **{f"NetworkSelectorDatasetInfo:darts:edge_normal_{edge}": name for edge, name in _EDGES.items()},
    **{f"NetworkSelectorDatasetInfo:darts:edge_reduce_{edge}": name for edge, name in _EDGES_OF_REDUCTION.items()},
    "NetworkSelectorDatasetInfo:darts:inputs_node_normal_3": "0_1",
}
LOG = f"""2026-11-28 10:00:01,250 args = Namespace(arch='DARTS_V2', save='EXP')
2026-11-28 10:00:02,100 genotype = {V1}
tensor([[0.1250, 0.1249]], device='cuda:0', grad_fn=<SoftmaxBackward>)
2026-11-28 12:41:13,900 epoch 49 lr 1.0e-03
2026-11-28 12:41:13,901 genotype = {V2}
2026-11-28 12:42:00,000 valid_acc 88.123 (last"""


class Example(NamedTuple):
    """A text or value, what it stands for as the space describes it, and what has to be said for it to be read."""

    what: str
    value: Any
    means: str
    space: str | None = None
    operations: Any = None


def _printed(cells: list[Any], concat: str = "range(2, 6)") -> str:
    return f"Genotype(normal={cells[0]}, normal_concat={concat}, reduce={cells[1]}, reduce_concat={concat})"


_FIELDS = namedtuple("_FIELDS", "normal normal_concat reduce reduce_concat")

EXAMPLES = [
    # NAS-Bench-201
    Example("official string", CELL, CELL),
    Example("string with spaces", CELL.replace("+", " + "), CELL),
    Example("genes with commas", "3,0,4,3,0,1", CELL),
    Example("genes with spaces", "3 0 4 3 0 1", CELL),
    Example("a printed list", "[3, 0, 4, 3, 0, 1]", CELL),
    Example("a printed tuple", "(3, 0, 4, 3, 0, 1)", CELL),
    Example("a printed array", "array([3, 0, 4, 3, 0, 1], dtype=int8)", CELL),
    Example("a printed tensor", "tensor([3, 0, 4, 3, 0, 1])", CELL),
    Example("a tensor", torch.tensor([3, 0, 4, 3, 0, 1]), CELL),
    Example("what numpy prints", "[3 0 4 3 0 1]", CELL),
    Example("a list", [3, 0, 4, 3, 0, 1], CELL),
    Example("a tuple", (3, 0, 4, 3, 0, 1), CELL),
    Example("an array of 64 bits", np.array([3, 0, 4, 3, 0, 1], np.int64), CELL),
    Example("a batch of one without signs", np.array([[3, 0, 4, 3, 0, 1]], np.uint16), CELL),
    Example("names edge by edge", "nor_conv_3x3,none,avg_pool_3x3,nor_conv_3x3,none,skip_connect", CELL),
    Example("NASLib's names", ["ReLUConvBN3x3", "Zero", "AvgPool1x1", "ReLUConvBN3x3", "Zero", "Identity"], CELL),
    Example("NASLib's numbers by prefix", "naslib: (2, 1, 2, 4, 1, 0)", CELL),
    Example("NASLib's numbers by option", (2, 1, 2, 4, 1, 0), CELL, operations="naslib"),
    Example("naszilla's numbers", "2,3,0,2,3,4", CELL, operations="naszilla"),
    Example("operations in an order of one's own", "1,0,2,1,0,4", CELL, "nasbench201",
            "none,nor_conv_3x3,avg_pool_3x3,nor_conv_1x1,skip_connect"),
    Example("Structure", f"Structure(4 nodes with {CELL})", CELL),
    Example("a log of a search", f"[2021-03-04] <<<--->>> The 099-th epoch : {FIRST}\n[2021-03-05] best: {CELL} 73.2",
            CELL),
    Example("edges into each node", NODES_OF_CELL, CELL),
    Example("printed edges into each node", str(NODES_OF_CELL), CELL),
    Example("in quotes", f"'{CELL}'", CELL),
    Example("with the mark of Windows", f"\ufeff{CELL}\n", CELL),
    Example("capitals in the prefix", "NASLib: (2, 1, 2, 4, 1, 0)", CELL),
    Example("official index", "0", FIRST, "nasbench201"),
    Example("official index by prefix", "index: 0", FIRST, "nasbench201"),
    Example("official index as a number", np.int64(0), FIRST, "nasbench201"),
    # NAS-Bench-101
    Example("our notation", INCEPTION, INCEPTION),
    Example("matrix and operations", (ROWS, NAMES), INCEPTION),
    Example("ModelSpec as code", f"api.ModelSpec(matrix={ROWS}, ops={NAMES})", INCEPTION),
    Example("ModelSpec without names", f"ModelSpec({ROWS}, {NAMES})", INCEPTION),
    Example("ModelSpec itself", ModelSpec(ROWS, NAMES), INCEPTION),
    Example("an array and a list", (np.array(ROWS), NAMES), INCEPTION),
    Example("an array and a text", (np.array(ROWS), ",".join(NAMES)), INCEPTION),
    Example("JSON of the fixed statistics", json.dumps({"module_adjacency": ROWS, "module_operations": NAMES}),
            INCEPTION),
    Example("an object of the package", {"module_adjacency": np.array(ROWS), "module_operations": NAMES}, INCEPTION),
    Example("two printed values", f"{ROWS} {NAMES}", INCEPTION),
    Example("what numpy prints, then names", f"{np.array(ROWS)}\n{','.join(NAMES)}", INCEPTION),
    Example("characters of tables", f"{''.join(str(bit) for row in ROWS for bit in row)} {','.join(NAMES)}", INCEPTION),
    Example("short names", (ROWS, [name.removesuffix("-bn-relu") for name in NAMES]), INCEPTION),
    Example("official numbers", (ROWS, [-1, 1, 0, 0, 0, 2, -2]), INCEPTION),
    Example("only the inner operations", (ROWS, NAMES[1:-1]), INCEPTION),
    Example("numbers of another list", (ROWS, [0, 1, 2, 2, 2, 3, 4]), INCEPTION, None,
            ("input", "conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3", "output")),
    Example("not pruned", (UNPRUNED, ["input", "maxpool3x3", "conv3x3-bn-relu", "output"]), POOL),
    Example("the smallest", "[[0, 1], [0, 0]] ['input', 'output']", "01/00 input,output"),
    Example("module hash", "28cfc7874f6d200472e1a9dcd8650aa0", INCEPTION),
    Example("module hash in capitals", "28CFC7874F6D200472E1A9DCD8650AA0", INCEPTION),
    # the size space, and graph networks
    Example("widths", "8:16:24:32:64", "8:16:24:32:64"),
    Example("genes of widths", [0, 1, 2, 3, 7], "8:16:24:32:64", "natsbench-size"),
    Example("index of widths", 671, "8:16:24:32:64", "natsbench-size"),
    Example("graph network", "0,1,1,2|gcn,cheb,gin,fc", "0,1,1,2|gcn,cheb,gin,fc"),
    Example("graph network, official key", "61327", "0,1,1,2|gcn,cheb,gin,fc", "nasbench-graph"),
    Example("Arch of NAS-Bench-Graph", "Arch([0, 1, 1, 2], ['gcn', 'cheb', 'gin', 'fc'])", "0,1,1,2|gcn,cheb,gin,fc"),
    Example("its two lists", ([0, 1, 1, 2], ["gcn", "cheb", "gin", "fc"]), "0,1,1,2|gcn,cheb,gin,fc"),
    Example("an object with them", SimpleNamespace(link=[0, 1, 1, 2], ops=["gcn", "cheb", "gin", "fc"]),
            "0,1,1,2|gcn,cheb,gin,fc"),
    # the DARTS space
    Example("name", "DARTS-V2", V2),
    Example("name in small letters", "darts-v2", V2),
    Example("printed", V2, V2),
    Example("itself", NAMED_GENOTYPES["DARTS-V2"], V2),
    Example("two spaces in the range", V2.replace("range(2, 6)", "range(2,  6)"), V2),
    Example("spaces within brackets", V2.replace("range(2, 6)", "range( 2, 6 )"), V2),
    Example("list of a range", V2.replace("range(2, 6)", "list(range(2,6))"), V2),
    Example("range with a step", V2.replace("range(2, 6)", "range(2, 6, 1)"), V2),
    Example("a set", V2.replace("range(2, 6)", "{2, 3, 4, 5}"), V2),
    Example("numpy's range", V2.replace("range(2, 6)", "np.arange(2, 6)"), V2),
    Example("a range spread out", V2.replace("range(2, 6)", "[*range(2, 6)]"), V2),
    Example("lists", V2.replace("range(2, 6)", "[2, 3, 4, 5]"), V2),
    Example("numbers of numpy", V2.replace(", 0)", ", np.int64(0))").replace(", 1)", ", np.int64(1))"), V2),
    Example("wrapped after commas", V2.replace(", ", ",\n    "), V2),
    Example("wrapped by a terminal", "\n".join(V2[start : start + 80] for start in range(0, len(V2), 80)), V2),
    Example("a module before it", f"genotypes.{V2}", V2),
    Example("with a name", f"MY_CELL = {V2}", V2),
    Example("without names of fields", f"Genotype({_PAIRS[0]}, range(2, 6), {_PAIRS[1]}, range(2, 6))", V2),
    Example("nodes nested by two", _printed(_NODES), V2),
    Example("triples with a weight", _printed(_WEIGHED), V2),
    Example("triples whose weights are nan", _printed(_WEIGHED).replace("0.125", "nan"), V2),
    Example("fields of GDAS that are empty", V2[:-1] + ", connectN=None, connects=None)", V2),
    Example("input before operation", _printed(_SWAPPED), V2),
    Example("a whole log", LOG, V2),
    Example("as published, pairs in another order", V1_AS_PUBLISHED, V1),
    Example("JSON", json.dumps(NAMED_GENOTYPES["DARTS-V2"]), V2),
    Example("a namedtuple with sets", _FIELDS(_PAIRS[0], {2, 3, 4, 5}, _PAIRS[1], {2, 3, 4, 5}), V2),
    Example("a printed OrderedDict", f"OrderedDict([('normal', {_PAIRS[0]}), ('reduce', {_PAIRS[1]})])", V2),
    Example("in a dictionary", {"epoch": 3, "genotype": NAMED_GENOTYPES["DARTS-V2"]}, V2),
    Example("as a text in a dictionary", {"arch": V2}, V2),
    Example("before code that makes one", f"{V2}\n    return Genotype(normal=gene, reduce=gene)\n", V2),
    Example("JSON with names", json.dumps(NAMED_GENOTYPES["DARTS-V2"]._asdict()), V2),
    Example("a dictionary without concatenation", {"normal": _PAIRS[0], "reduce": _PAIRS[1]}, V2),
    Example("NASLib's pairs", f"{_COMPACT}", V2, "darts"),
    Example("a configuration of NAS-Bench-301", json.dumps(CONFIGURATION), V2),
]  # fmt: skip
