from __future__ import annotations

from pathlib import Path

import numpy as np

from predictornas.journal import read_records
from predictornas.studies.gain.runs import Run, execute, journal_path
from predictornas.studies.gain.study import Study, run_identity
from predictornas.studies.gain.study_targets import study_targets


def test_pool_hits_leave_out_what_was_evaluated(store: Path, tmp_path: Path) -> None:
    study = Study(methods=("exhaustive",), budget=20, seeds=(0,))
    execute(Run(study, "exhaustive", 0, tmp_path), lambda _: None)
    benchmark = study.open()
    identity = run_identity(study.identity(benchmark), "exhaustive", study.strategy("exhaustive"), 0)
    records = read_records(journal_path(tmp_path, identity["run_id"]))
    pool = next(record for record in records if record.get("pool_hits"))
    assert pool["pool_size"] == 15_625 - 10
    errors = benchmark.errors(benchmark.signal)
    targets = study_targets(errors)["target_error"].to_numpy()
    initial = 1 - np.array(
        [record["value"] for record in records if record.get("iteration") == 0 and "value" in record]
    )
    expected = [(errors <= target).sum() - (initial <= target).sum() for target in targets]
    assert pool["pool_hits"] == expected
