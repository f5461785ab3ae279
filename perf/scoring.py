"""Scores all 423,624 NAS-Bench-101 cells: the shared sub-graph index against dense batches and torch-geometric.

Baselines score evenly spread batches of 256 that were prepared beforehand, and their time is scaled to the space. For
the network with signals, whose inputs cost more, there is one that makes its batches on the way, as it did once.
`python perf/scoring.py [threads]`: two threads by default, about three minutes.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import torch
from measure import interleaved, machine_limits, report, threads

from predictornas.predictors.boosted_trees import SignalTrees
from predictornas.predictors.engine.dense import dense_batch
from predictornas.predictors.ensemble import Ensemble
from predictornas.predictors.flow import Flow
from predictornas.predictors.gaussian_process import SignalProcess, SparseSignalProcess
from predictornas.predictors.gcn import GCN
from predictornas.predictors.graph_predictor import GraphPredictor
from predictornas.predictors.process.description import structure_of
from predictornas.predictors.process.graph_views import signals_of
from predictornas.predictors.pyg import data_list
from predictornas.predictors.signal_network import SignalNetwork, _messages
from predictornas.predictors.studied import shallow_signal_network
from predictornas.spaces.registry import get_space
from predictornas.threads import one_thread

BATCH = 256
ROUNDS = 3
MEMBERS = 424
"""Cells that a process is fitted on."""
MANY = 4236
"""The same where thousands were trained."""
PREDICTORS: dict[str, GraphPredictor | SignalNetwork] = {
    "gcn 3 x 256": GCN(),
    "flow 5 x 128": Flow(),
    "both ways 3 x 128": GCN(width=128, bidirectional=True),
    "network with signals 4 x 96": SignalNetwork(),
    "shallow network with signals 3 x 96": shallow_signal_network(),
}


def untrained(predictor: GraphPredictor | SignalNetwork) -> GraphPredictor | SignalNetwork:
    """Random weights score as slowly as trained ones; of so many cells that counts differ."""
    space = get_space("nasbench101")
    return predictor.fit(space, space.enumerate()[::4000], np.zeros(106), rng=np.random.default_rng(0))


def dense_inputs(predictor: GraphPredictor | SignalNetwork, genes: np.ndarray) -> tuple:
    """What the plain network reads."""
    space = get_space("nasbench101")
    graphs = space.graphs(genes)
    if isinstance(predictor, SignalNetwork):
        counts = np.concatenate([structure_of(space, genes), signals_of(space, genes)], axis=1)
        return dense_batch(_messages(graphs), slice(None)), predictor._known(counts)
    return (dense_batch(predictor.message_passing(graphs), slice(None)),)


def dense_baseline(predictor: GraphPredictor | SignalNetwork, share: int, *, prepared: bool = True):
    """Every `share`-th batch of 256 as dense tensors, scored one after the other; and which cells these are."""
    genes = get_space("nasbench101").enumerate()
    starts = range(0, len(genes), BATCH * share)
    parts = [genes[start : start + BATCH] for start in starts]
    batches = [dense_inputs(predictor, part) for part in parts] if prepared else []
    rows = np.concatenate([np.arange(start, start + len(part)) for start, part in zip(starts, parts, strict=True)])

    def score() -> np.ndarray:
        with torch.inference_mode():
            made = batches or (dense_inputs(predictor, part) for part in parts)
            return torch.cat([predictor.network_(*inputs) for inputs in made]).numpy()

    return score, rows


def geometric_baseline(predictor: GCN, share: int):
    """The same network in torch-geometric, fed by its DataLoader."""
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    from torch_geometric.loader import DataLoader
    from torch_geometric.nn import MessagePassing, global_mean_pool
    from torch_geometric.utils import add_self_loops, degree

    class Left(MessagePassing):
        def __init__(self) -> None:
            super().__init__(aggr="add", flow="target_to_source")

        def forward(self, x, edges):
            return degree(edges[0], len(x)).rsqrt()[:, None] * self.propagate(edges, x=x)

    space = get_space("nasbench101")
    genes = space.enumerate()
    rows = np.concatenate(
        [np.arange(start, min(start + BATCH, len(genes))) for start in range(0, len(genes), BATCH * share)]
    )
    loader = DataLoader(data_list(space, genes[rows]), batch_size=BATCH)
    network, layer = predictor.network_, Left()

    def score() -> np.ndarray:
        scores = []
        with torch.inference_mode():
            for batch in loader:
                edges = add_self_loops(batch.edge_index, num_nodes=batch.num_nodes)[0]
                features = batch.x
                for weights in network.convolutions:
                    features = layer(features @ weights, edges).relu()
                scores.append(global_mean_pool(features, batch.batch) @ network.output + network.bias)
        return torch.cat(scores).numpy()

    return score, rows


def measure(name: str, predictor: GraphPredictor | SignalNetwork) -> list[tuple[str, float, float, str]]:
    """The figures of one predictor: seconds for the whole space, and of each baseline, scaled to it."""
    genes = get_space("nasbench101").enumerate()
    untrained(predictor)
    baselines = {"dense batches": dense_baseline(predictor, share=16)}
    if isinstance(predictor, GCN) and not predictor.bidirectional:
        baselines["torch-geometric DataLoader"] = geometric_baseline(predictor, share=64)
    if isinstance(predictor, SignalNetwork):  # its inputs take a third of the time
        baselines["dense batches made on the way"] = dense_baseline(predictor, share=16, prepared=False)
    scores = predictor.predict(genes)
    for label, (score, rows) in baselines.items():
        print(f"{name}: {np.abs(score() - scores[rows]).max():.1e} largest difference to {label}, {len(rows)} cells")
    works = {label: score for label, (score, _) in baselines.items()} | {"index": lambda: predictor.predict(genes)}
    seconds = interleaved(works, rounds=ROUNDS)
    return [
        (f"{name}, all cells, {label}", seconds["index"], seconds[label] * len(genes) / len(rows), "s")
        for label, (_, rows) in baselines.items()
    ]


def measure_ensemble() -> list[tuple[str, float, float, str]]:
    """A process of `MEMBERS` cells and two networks with signals; in the baseline dense batches for these."""
    space = get_space("nasbench101")
    genes = space.enumerate()
    rows = np.random.default_rng(0).choice(len(genes), MEMBERS, replace=False)
    # scores take as long, however long it was trained
    network = SignalNetwork(most_updates=1)
    ensemble = Ensemble((SignalProcess(), Ensemble((network, network))))
    ensemble.fit(space, genes[rows], np.random.default_rng(1).normal(size=MEMBERS), rng=np.random.default_rng(2))
    process, networks = ensemble.fitted_
    score, scored = dense_baseline(networks.fitted_[0], share=16, prepared=False)
    works = {"ours": lambda: ensemble.predict(genes), "process": lambda: process.predict(genes), "dense": score}
    seconds = interleaved(works, rounds=ROUNDS)
    baseline = seconds["process"] + 2 * seconds["dense"] * len(genes) / len(scored)
    name = f"process of {MEMBERS} and two of these, all cells, dense batches made on the way"
    return [(name, seconds["ours"], baseline, "s")]


def measure_trees() -> list[tuple[str, float, float, str]]:
    """A process of `MEMBERS` cells and boosted trees, both with signals; in the baseline all of it on one thread."""
    space = get_space("nasbench101")
    genes = space.enumerate()
    rows = np.random.default_rng(0).choice(len(genes), MEMBERS, replace=False)
    ensemble = Ensemble((SignalProcess(), SignalTrees()))
    ensemble.fit(space, genes[rows], np.random.default_rng(1).normal(size=MEMBERS), rng=np.random.default_rng(2))

    def pinned() -> None:
        with one_thread():
            ensemble.predict(genes)

    seconds = interleaved({"ours": lambda: ensemble.predict(genes), "one thread": pinned}, rounds=2)
    name = f"process of {MEMBERS} and boosted trees, all cells, one thread"
    return [(name, seconds["ours"], seconds["one thread"], "s")]


def measure_sparse() -> list[tuple[str, float, float, str]]:
    """A sparse process of `MANY` cells and two shallow networks; in the baseline the whole process and deeper ones."""
    space = get_space("nasbench101")
    genes = space.enumerate()
    rows = np.random.default_rng(0).choice(len(genes), MANY, replace=False)
    shallow = replace(shallow_signal_network(), most_updates=1)
    deep = replace(SignalNetwork(), most_updates=1)
    sparse, whole = (
        Ensemble((process, Ensemble((network, network)))).fit(
            space, genes[rows], np.random.default_rng(1).normal(size=MANY), rng=np.random.default_rng(2)
        )
        for process, network in ((SparseSignalProcess(), shallow), (SignalProcess(), deep))
    )
    seconds = interleaved({"ours": lambda: sparse.predict(genes), "whole": lambda: whole.predict(genes)}, rounds=2)
    name = f"sparse process of {MANY} and two shallow networks, all cells, process and two networks"
    return [(name, seconds["ours"], seconds["whole"], "s")]


def limits(predictor: GraphPredictor) -> None:
    """Where the GCN's time goes, and how near its two large pieces of work come to the machine's limits."""
    genes = get_space("nasbench101").enumerate()
    (tables,) = predictor._tables(genes)
    print("distinct vertices by depth:", [len(tables.labels), *(len(layer.sums[0]) for layer in tables.layers)])
    last = tables.layers[-1].sums[0]
    features = torch.rand(last.columns, predictor.width)
    weights, vector = torch.rand(predictor.width, predictor.width), torch.rand(predictor.width)
    entries = sum(len(block.indices) for block in last._blocks)
    copy, product, copied, multiplied = machine_limits()
    with torch.inference_mode():
        seconds = interleaved(
            {
                "all": lambda: predictor.predict(genes),
                "product": lambda: features @ weights,
                "gather": lambda: last.rectified_dot(features, vector),
                "read-out": lambda: tables.read_out(torch.rand(len(last))),
                "machine copy": copy,
                "machine product": product,
            },
            rounds=ROUNDS,
        )
    print({name: f"{1e3 * value:.1f} ms" for name, value in seconds.items()})
    gathered = entries * predictor.width * 4 / seconds["gather"] / 1e9
    flops = 2 * features.shape[0] * predictor.width**2 / seconds["product"] / 1e9
    copied, multiplied = copied / seconds["machine copy"] / 1e9, multiplied / seconds["machine product"] / 1e9
    print(f"gather: {gathered:.1f} GB/s of table rows; copying memory moves {copied:.1f} GB/s")
    print(f"product: {flops:.0f} GFLOP/s; a product of two 2048 x 2048 matrices reaches {multiplied:.0f} GFLOP/s")


def memory(name: str) -> float:
    """MiB that scoring adds to the peak of a process that has imported, opened and fitted everything."""
    code = (
        "import scoring; from measure import memory_mebibytes as memory\n"
        f"predictor = scoring.untrained(scoring.PREDICTORS[{name!r}])\n"
        "genes = scoring.get_space('nasbench101').enumerate(); genes.sum(); before = memory('VmRSS')\n"
        "predictor.predict(genes); print(memory('VmHWM') - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=sys.path[0], encoding="utf-8"
    )
    return float(done.stdout)


def main() -> None:
    torch.set_num_threads(threads())
    lines = [line for name, predictor in PREDICTORS.items() for line in measure(name, predictor)]
    lines += measure_ensemble() + measure_trees() + measure_sparse()
    limits(PREDICTORS["gcn 3 x 256"])
    for name in PREDICTORS:
        print(f"{name}: {memory(name):.0f} MiB above the process before scoring (index already in the cache folder)")
    report(lines)


if __name__ == "__main__":
    main()
