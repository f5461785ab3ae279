from __future__ import annotations

import numpy as np

from predictornas.oracles import Evaluations, Oracle
from predictornas.spaces.base import Genes


class Constant:
    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        n = len(genes)
        return Evaluations(np.full(n, 0.5), np.full(n, epochs or 1), np.zeros(n), np.ones(n))


def test_anything_that_evaluates_is_an_oracle(rng: np.random.Generator) -> None:
    assert isinstance(Constant(), Oracle)
    assert not isinstance(object(), Oracle)
    assert len(Constant().evaluate(np.zeros((3, 6), np.int8), None, rng)) == 3
