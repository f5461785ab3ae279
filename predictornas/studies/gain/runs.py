"""One run of a study, as the executors call it: journaled, resumable, in any process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64

from predictornas.benchmarks.table import Benchmark
from predictornas.journal import Journal
from predictornas.oracles.tabular import TabularOracle
from predictornas.samplers.base import Pool
from predictornas.search.executors import Advance
from predictornas.search.journaled import run_journaled
from predictornas.search.loop import Search
from predictornas.spaces.base import Keys
from predictornas.studies.gain.study import Study, run_identity
from predictornas.studies.gain.study_targets import study_targets


@dataclass(frozen=True)
class Run:
    """A method and a seed of a study, and the folder of its journals."""

    study: Study
    method: str
    seed: int
    folder: Path


def journal_path(folder: Path, run_id: str) -> Path:
    """Where the journal of a run lies inside a study's folder."""
    return folder / "runs" / f"{run_id}.jsonl"


def execute(run: Run, advance: Advance) -> None:
    """Runs, or goes on with, one run to the end of its budget."""
    opened = _opened(run.study)
    strategy = run.study.strategy(run.method)
    identity = run_identity(run.study.identity(opened.benchmark), run.method, strategy, run.seed)
    with Journal(journal_path(run.folder, identity["run_id"])) as journal:
        run_journaled(
            Search(opened.benchmark.space, strategy, seed=run.seed),
            TabularOracle(opened.benchmark),
            run.study.limits,
            journal,
            identity=identity,
            pool_hits=opened.pool_hits,
            advance=advance,
        )


@cache
def _opened(study: Study) -> _Opened:
    """The benchmark of a study and what counting needs of it, once a process."""
    return _Opened(study.open())


class _Opened:
    """A benchmark with its errors, its targets, and the errors of the whole space in ascending order."""

    def __init__(self, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        self._errors = benchmark.errors(benchmark.signal)
        self._whole = np.sort(self._errors[np.isfinite(self._errors)])
        self._targets = study_targets(self._whole)["target_error"].to_numpy()

    def pool_hits(self, pool: Pool) -> list[int]:
        """M'_t: for each target the members of the pool, evaluated ones left out, with signal error <= target."""
        whole = pool.keys is self.benchmark.space.enumerated_keys()
        inside = self._whole if whole else self._sorted_errors(pool.keys)
        counts = self._at_or_below(inside) - self._at_or_below(self._sorted_errors(pool.excluded))
        return [int(count) for count in counts]

    def _sorted_errors(self, keys: Keys) -> Float[np.ndarray, " k"]:
        return np.sort(self._errors[self.benchmark.rows(keys)])

    def _at_or_below(self, ascending: Float[np.ndarray, " k"]) -> Int64[np.ndarray, " t"]:
        return np.searchsorted(ascending, self._targets, side="right")
