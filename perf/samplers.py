"""How long a pool takes to propose, on NAS-Bench-101 with 100 evaluated cells and on one thread.

    python perf/samplers.py

The least wall time of many pools of each sampler, in turn, so that other work on the machine counts little. Those that
follow a gradient follow that of the paper's GCN. Targets: 50 ms for 1000 proposals of the evolutionary sampler, 1 s for
100 of the likelihood sampler.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from measure import interleaved

from predictornas.history import History
from predictornas.predictors.base import Predictor
from predictornas.predictors.gcn import GCN
from predictornas.samplers.base import Sampler
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.likelihood import Likelihood
from predictornas.samplers.pvll import PVLL
from predictornas.samplers.uniform import Uniform
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space

SIZES: dict[Sampler, tuple[int, ...]] = {
    Uniform(): (100, 1000, 10_000),
    Evolutionary(): (100, 1000, 10_000),
    Likelihood(): (100, 1000),
    PVLL(): (100,),
}
EVALUATED = 100
ROUNDS = 15


def main() -> None:
    space = get_space("nasbench101")
    torch.set_num_threads(1)
    history = history_of(space)
    predictor = GCN(training_epochs=100).fit(space, history.genes, history.values, rng=np.random.default_rng(0))
    works = {
        f"{sampler.name}-{n}": work(sampler, space, n, history, predictor)
        for sampler, sizes in SIZES.items()
        for n in sizes
    }
    for name, seconds in interleaved(works, rounds=ROUNDS).items():
        print(f"{name:18} {1000 * seconds:7.1f} ms")


def work(sampler: Sampler, space: SearchSpace, n: int, history: History, predictor: Predictor) -> Callable[[], object]:
    return lambda: sampler.propose(space, n, history, predictor, np.random.default_rng(0))


def history_of(space: SearchSpace) -> History:
    rng = np.random.default_rng(7)
    genes = space.sample(EVALUATED, rng)
    return History.empty(space.num_genes).extended(
        keys=space.keys(genes), genes=genes, epochs=np.zeros(EVALUATED), values=rng.random(EVALUATED), iteration=0
    )


if __name__ == "__main__":
    main()
