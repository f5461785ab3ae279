"""One training epoch of the paper's GCN with all pairs: the index against dense tensors with an N x N autograd loss.

An epoch is scores, loss gradient, backward pass and update. For the GCN also against its matrix products alone, which
no way of training on the index can do without. `python perf/training.py [threads]`: two threads by default, a minute
or two.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from measure import interleaved, report, threads

from predictornas.predictors.engine.dense import dense_batch
from predictornas.predictors.engine.graph_index import build_index
from predictornas.predictors.engine.index_tables import IndexTables
from predictornas.predictors.fitting import train
from predictornas.predictors.flow import Flow
from predictornas.predictors.gcn import GCN
from predictornas.predictors.graph_predictor import GraphPredictor
from predictornas.predictors.losses import PairwiseCrossEntropy
from predictornas.spaces.registry import get_space

EPOCHS = 5
ROUNDS = 9


def epochs_of(predictor: GraphPredictor, size: int) -> dict[str, Callable[[], object]]:
    """`EPOCHS` epochs by each way of training, ready to run."""
    space = get_space("nasbench101")
    rng = np.random.default_rng(0)
    graphs = space.graphs(space.sample(size, rng))
    messages = predictor.message_passing(graphs)
    values = torch.from_numpy(rng.random(size))
    better = values[:, None] > values[None, :]

    def network():
        return predictor.new_network(graphs.num_codes, torch.Generator().manual_seed(0))

    tables = IndexTables.of(build_index(messages, predictor.depth))
    gradient = PairwiseCrossEntropy().gradient_for(values)
    indexed = network()
    weights = list(indexed.parameters())

    def index() -> None:
        train(weights, lambda: indexed.indexed(tables), gradient, optimiser=predictor.optimiser, epochs=EPOCHS)

    batch = dense_batch(messages, slice(None))
    dense = network()
    optimiser = torch.optim.SGD(dense.parameters(), lr=0.01, momentum=0.9)

    def square() -> None:
        for _ in range(EPOCHS):
            optimiser.zero_grad()
            scores = dense(batch)
            pairs = torch.nn.functional.softplus(scores[None, :] - scores[:, None])
            ((pairs * better).sum() / better.sum()).backward()
            optimiser.step()

    return {"index": index, "dense and N x N autograd": square}


def products_alone(predictor: GCN, size: int) -> Callable[[], object]:
    """The matrix products of `EPOCHS` epochs on the index by themselves: three a layer but the first, ready to run."""
    space = get_space("nasbench101")
    graphs = space.graphs(space.sample(size, np.random.default_rng(0)))
    index = build_index(predictor.message_passing(graphs), predictor.depth)
    weights = torch.eye(predictor.width)  # so that numbers stay numbers, however often they are multiplied
    layers = [(torch.rand(len(layer.parts[0]), predictor.width), torch.empty_like(weights)) for layer in index.layers]
    made = [torch.empty_like(features) for features, _ in layers]

    def products() -> None:
        for _ in range(EPOCHS):
            for (features, slopes), result in zip(layers[:-1], made, strict=False):
                torch.mm(features, weights, out=result)
                torch.mm(features.t(), result, out=slopes)
                torch.mm(result, weights.t(), out=features)

    return products


def loss_alone(size: int) -> dict[str, Callable[[], object]]:
    """The gradient of the pairwise loss by itself."""
    generator = torch.Generator().manual_seed(0)
    scores, values = torch.randn(2, size, generator=generator, dtype=torch.float64)
    scores = scores.float()
    gradient = PairwiseCrossEntropy().gradient_for(values)
    better = values[:, None] > values[None, :]

    def square() -> None:
        leaf = scores.clone().requires_grad_()
        pairs = torch.nn.functional.softplus(leaf[None, :] - leaf[:, None])
        ((pairs * better).sum() / better.sum()).backward()

    return {"index": lambda: gradient(scores), "dense": square}


def profile(predictor: GraphPredictor, size: int) -> None:
    """Where the time of an indexed epoch goes."""
    work = epochs_of(predictor, size)["index"]
    work()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as recorded:
        work()
    print(f"\nprofile of {EPOCHS} epochs, {size} architectures")
    print(recorded.key_averages().table(sort_by="self_cpu_time_total", row_limit=12, max_name_column_width=40))


def main() -> None:
    torch.set_num_threads(threads())
    predictors = {"gcn 3 x 256": GCN(), "flow 5 x 128": Flow(), "both ways 3 x 128": GCN(width=128, bidirectional=True)}
    lines = []
    for name, predictor in predictors.items():
        one_way = isinstance(predictor, GCN) and not predictor.bidirectional
        for size in (100, 300, 700, 1400) if one_way else (100, 1400):
            works = epochs_of(predictor, size)
            if one_way:
                works["its matrix products alone"] = products_alone(predictor, size)
            seconds = interleaved(works, rounds=ROUNDS)
            ours = 1e3 * seconds.pop("index") / EPOCHS
            for baseline, theirs in seconds.items():
                lines.append((f"{name}, an epoch of {size}, {baseline}", ours, 1e3 * theirs / EPOCHS, "ms"))
    seconds = interleaved(loss_alone(1400), rounds=ROUNDS)
    lines.append(("pairwise gradient of 1400, N x N autograd", 1e3 * seconds["index"], 1e3 * seconds["dense"], "ms"))
    profile(predictors["gcn 3 x 256"], 1400)
    report(lines)


if __name__ == "__main__":
    main()
