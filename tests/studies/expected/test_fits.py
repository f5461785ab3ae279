from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.spaces.base import Genes
from predictornas.studies.expected.fits import Fitted, Rehearsed, fitted_on
from tests.studies.expected.parts import opened

REFERENCE = np.arange(100, 200)


@dataclass
class Memory:
    """Scores by row on a scale of its own, and knows what it learned: 1000."""

    scale: float = 1.0
    asked: list[int] = field(default_factory=list)

    def fit(self, space: Any, genes: Genes, values: Any, *, epochs: Any = None, rng: Any = None) -> Memory:
        self.learned_ = rows_of(genes)
        return self

    def predict(self, genes: Genes) -> np.ndarray:
        rows = rows_of(genes)
        self.asked.append(len(rows))
        return np.where(np.isin(rows, self.learned_), 1000.0, self.scale * rows)


def rows_of(genes: Genes) -> np.ndarray:
    table = opened()
    return table.rows(table.space.keys(genes))


def fit_of(scale: float, rows: list[int]) -> Fitted:
    table = opened()
    values = table.values(table.signal)
    return fitted_on(Memory(scale), table, values, np.array(rows), REFERENCE, np.random.default_rng(0))


def test_what_was_learned_has_the_score_of_another_fit_on_the_scale_of_this_one() -> None:
    one, other = fit_of(1.0, [3, 4]), fit_of(5.0, [4, 5])
    one.others = [other]
    genes = opened().genes[[2, 3, 4, 150]]
    # row 3 as the other fit has it, 15 on a scale that is five times as wide; row 4 is known to both
    assert one.predict(genes) == pytest.approx([2.0, 3.0, 1000.0, 150.0])


def test_every_architecture_is_asked_for_once() -> None:
    fit = fit_of(1.0, [3])
    genes = opened().genes
    first = fit.predict(genes[[7, 8]])
    calls = len(fit.predictor.asked)  # type: ignore[attr-defined]
    assert fit.predict(genes[[8, 7]]).tolist() == first[::-1].tolist()
    fit.predict(genes)
    assert len(fit.predictor.asked) == calls  # type: ignore[attr-defined]


def test_the_fit_on_the_nearest_number_of_architectures_answers() -> None:
    small, large = fit_of(1.0, [1, 2]), fit_of(1.0, list(range(8)))
    rehearsed = Rehearsed((small, large))
    table, rng = opened(), np.random.default_rng(0)

    def asked(count: int) -> Fitted:
        return rehearsed.fit(table.space, table.genes[:count], np.zeros(count), rng=rng)

    assert [asked(count) is small for count in (1, 3, 5, 20)] == [True, True, False, False]  # 4 is halfway


def test_who_knows_no_uncertainty_says_so() -> None:
    with pytest.raises(ConfigurationError, match="Memory does not know how unsure"):
        fit_of(1.0, [1]).predict_std(opened().genes[:1])
