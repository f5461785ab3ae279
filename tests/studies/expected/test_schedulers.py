"""What schedulers will save, from a table and from a pilot."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError, DataError
from predictornas.schedulers.nosh import NOSH
from predictornas.search.named import Named
from predictornas.search.scheduled import Scheduled
from predictornas.studies.expected.schedulers import Pilot, expected_savings, piloted_savings
from predictornas.studies.gain.study import Study
from tests.studies.expected.parts import search

STUDY = Study(benchmark="nasbench101-digits", methods=("nosh-50", "random", "asha-30"), budget=None)


@pytest.mark.usefixtures("store")
def test_a_table_tells_of_the_schedulers_alone() -> None:
    half, third = expected_savings(STUDY)
    assert (half.method, third.method) == ("nosh-50", "asha-30")
    assert (half.chosen, third.chosen) == (None, None)
    # 270 epochs at 1 + 2 / 2 + 6 / 4 each
    assert half.candidates == 77
    assert half.random.nominal == pytest.approx(9 / 3.5)
    table = open_benchmark("nasbench101-digits")
    first, second, last = (table.values(f"valid_accuracy_{epochs}_run0") for epochs in (1, 3, 9))
    best = np.argsort(-last, kind="stable")[: round(2 * 2532 / 77)]
    on = np.sort(np.argsort(-first, kind="stable")[:1266])
    on = on[np.argsort(-second[on], kind="stable")[:633]]
    assert half.random.survival == pytest.approx(np.isin(best, on).mean(), abs=0.03)  # of equal values any may go on
    assert half.random.low < half.random.survival < half.random.high


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_who_a_predictor_chose_is_halved_by_itself() -> None:
    ranked = Named("ranked", Scheduled(search(0.0), NOSH((1, 3, 9), Fraction(1, 2))))
    (found,) = expected_savings(replace(STUDY, methods=(ranked,), budget_epochs=36))
    assert found.candidates == 10  # 36 epochs at 3.5
    table = open_benchmark("nasbench101-digits")
    first, second, last = (table.values(f"valid_accuracy_{epochs}_run0") for epochs in (1, 3, 9))
    chosen = np.argsort(-last, kind="stable")[:10]  # of 2532 none of the best was learned from
    on = chosen[np.argsort(-first[chosen], kind="stable")[:5]]
    on = on[np.argsort(-second[on], kind="stable")[:2]]
    assert found.chosen is not None
    assert found.chosen.survival == np.isin(chosen[:2], on).mean()
    assert found.chosen.nominal == found.random.nominal


@pytest.mark.usefixtures("store")
def test_a_budget_beyond_the_table_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has 2532"):
        expected_savings(replace(STUDY, budget_epochs=10_000))


@pytest.mark.slow
def test_a_pilot_whose_levels_agree_saves_the_bound(tmp_path: Path) -> None:
    lines = [f"cell {k},{k / 100},{k / 50},{k / 40}" for k in range(1, 31)]
    (tmp_path / "pilot.csv").write_text("\n".join(["name,9,1,27", *lines]))
    pilot = Pilot.read(tmp_path / "pilot.csv")
    assert pilot.levels == (1, 9, 27)
    assert pilot.curves[1].tolist() == [0.04, 0.02, 0.05]
    (found,) = piloted_savings(replace(STUDY, methods=("nosh-50", "random"), budget_epochs=27 * 20), pilot)
    assert found.random.survival == pytest.approx(1.0, abs=0.01)
    assert found.random.low == pytest.approx(1.0, abs=0.01)
    assert found.candidates == 57  # 540 epochs at 1 + 8 / 2 + 18 / 4 each


@pytest.mark.parametrize(
    ("content", "message"), [("name,last\na,1", "no two levels"), ("1,3\n0.1,0.2\n0.3,", "Architecture 2 of")]
)
def test_files_without_curves_are_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "pilot.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        Pilot.read(tmp_path / "pilot.csv")
