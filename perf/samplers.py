"""How long a pool takes to propose, on NAS-Bench-101 with 100 evaluated cells and on one thread.

    python perf/samplers.py

The least wall time of many pools of each sampler, in turn, so that other work on the machine counts little. The target
of the evolutionary sampler is 50 ms for 1000 proposals.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from measure import interleaved

from predictornas.history import History
from predictornas.samplers.base import Sampler
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.uniform import Uniform
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space

SAMPLERS: tuple[Sampler, ...] = (Uniform(), Evolutionary())
SIZES = (100, 1000, 10_000)
EVALUATED = 100
ROUNDS = 40


def main() -> None:
    space = get_space("nasbench101")
    history = history_of(space)
    works = {f"{sampler.name}-{n}": work(sampler, space, n, history) for sampler in SAMPLERS for n in SIZES}
    for name, seconds in interleaved(works, rounds=ROUNDS).items():
        print(f"{name:18} {1000 * seconds:7.1f} ms")


def work(sampler: Sampler, space: SearchSpace, n: int, history: History) -> Callable[[], object]:
    return lambda: sampler.propose(space, n, history, None, np.random.default_rng(0))


def history_of(space: SearchSpace) -> History:
    rng = np.random.default_rng(7)
    genes = space.sample(EVALUATED, rng)
    return History.empty(space.num_genes).extended(
        keys=space.keys(genes), genes=genes, epochs=np.zeros(EVALUATED), values=rng.random(EVALUATED), iteration=0
    )


if __name__ == "__main__":
    main()
