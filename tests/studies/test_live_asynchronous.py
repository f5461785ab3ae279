from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from predictornas.errors import ConfigurationError, PredictorNASError
from predictornas.executors.serial import Serial
from predictornas.journal import iterate_records, read_records
from predictornas.live.training import EPOCH_LOG
from predictornas.search.folder import JOURNAL
from predictornas.studies.folder import MANIFEST
from predictornas.studies.live_study import LiveStudy, run_live_study
from tests.crews import Killed, Played
from tests.executors.ray_clusters import ROOT, cluster
from tests.extras import needed

STUDY = LiveStudy(
    space="nasbench201",
    images="digits",
    method="nosh",
    budget_epochs=17,
    levels=(1, 2),
    channels=2,
    cells=1,
    batch_size=20,
    training_images=40,
    asynchronous=True,
)


def trained_epochs(folder: Path) -> list[tuple[str, int]]:
    """Every epoch that was really trained, with the architecture it belongs to."""
    logs = sorted((folder / "trainings").glob(f"*/{EPOCH_LOG}"))
    return [(log.parent.name, record["epoch"]) for log in logs for record in read_records(log)]


def asked_and_told(folder: Path) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Key and epochs of everything that the journal has asked for, and been told."""
    found: dict[str, list[tuple[int, int]]] = {"ask": [], "tell": []}
    for event in iterate_records(folder / JOURNAL):
        if event["kind"] in found:
            epochs = event["epochs"] if event["kind"] == "tell" else [event["epochs"]] * len(event["keys"])
            found[event["kind"]] += zip(event["keys"], epochs, strict=True)
    return found["ask"], found["tell"]


@pytest.mark.slow
def test_killed_again_and_again_it_arrives_where_it_would_have(tmp_path: Path) -> None:
    """What was begun first ends first here; each time, one training ends before the process does."""
    whole = run_live_study(STUDY, tmp_path / "alone", executor=Played(workers=3))
    for kill in range(2):
        with pytest.raises(Killed):
            run_live_study(STUDY, tmp_path / "killed", executor=Played(workers=3, lives=2 + kill))
    told: list[int] = []
    outcome = run_live_study(STUDY, tmp_path / "killed", executor=Played(workers=3), started=lambda _: told.append)
    assert sum(told) == 17
    same = ["iteration", "order", "key", "epochs", "value", "evaluation", "cost_epochs", "proposed_by", "recommended"]
    assert outcome.history.select(same).equals(whole.history.select(same))
    assert outcome.history["cost_epochs"].sum() == 17
    assert set(outcome.history["proposed_by"]) == {"initial", "promotion", "random"}
    for folder in (tmp_path / "alone", tmp_path / "killed"):
        asked, done = asked_and_told(folder)
        assert len(set(asked)) == len(asked)
        assert set(asked) == set(done)
        assert set(Counter(trained_epochs(folder)).values()) == {1}
    page = (tmp_path / "killed" / "report.html").read_text(encoding="utf-8")
    assert "each worker got the next training as soon as it was free" in page
    assert "This command asks for the same search" in page


@pytest.mark.slow
def test_a_larger_budget_goes_on_and_another_search_is_refused(tmp_path: Path) -> None:
    study = replace(STUDY, budget_epochs=None, budget_evaluations=3)
    first = run_live_study(study, tmp_path, executor=Played())
    assert len(first.history) == 3
    more = run_live_study(replace(study, budget_evaluations=5), tmp_path, executor=Played())
    assert more.history["key"].to_list()[:3] == first.history["key"].to_list()
    assert len(more.history) == 5
    assert json.loads((tmp_path / MANIFEST).read_text())["study"]["budget_evaluations"] == 5
    for other in (replace(study, seed=1), replace(study, asynchronous=False)):
        with pytest.raises(ConfigurationError, match="another search"):
            run_live_study(other, tmp_path, executor=Played())


class Failing(Played):
    """Every third training fails, after it was trained."""

    def crew(self, function: Any, *, tell: Any = None, lives: int = 1) -> Any:
        calls = iter(range(1000))

        def flaky(what: Any, target: Path, told: Any) -> Any:
            if next(calls) % 3 == 1:
                raise RuntimeError("CUDA error: device-side assert triggered")
            return function(what, target, told)

        return super().crew(flaky, tell=tell, lives=lives)


@pytest.mark.slow
def test_trainings_that_fail_are_in_the_history_and_cost_nothing_else(tmp_path: Path) -> None:
    study = replace(STUDY, budget_evaluations=9, budget_epochs=None)
    outcome = run_live_study(study, tmp_path, executor=Failing(workers=3))
    failed = outcome.history.filter(pl.col("value").is_null())
    assert failed["order"].to_list() == [1, 4, 7]
    assert failed["evaluation"].null_count() == failed["cost_epochs"].null_count() == 3
    assert outcome.history.drop_nulls("value")["evaluation"].null_count() == 0
    assert np.isfinite(outcome.test_accuracy)
    assert set(outcome.curves["key"]) == set(outcome.history.drop_nulls("value")["key"])
    assert "3 trainings failed" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("study", "options", "message"),
    [
        (replace(STUDY, method="successive-halving"), {}, "Use asha, nosh or rank-nosh"),
        (replace(STUDY, asynchronous=False), {"hours": 1.0}, "Hours limit an asynchronous search"),
        (STUDY, {"executor": Serial()}, "Serial takes only tasks that are all known beforehand"),
        (STUDY, {"hours": 0.0, "executor": Played()}, "above 0"),
        (replace(STUDY, budget_epochs=None), {"executor": Played()}, "evaluations, epochs or hours"),
    ],
)
def test_what_cannot_work(study: LiveStudy, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(PredictorNASError, match=message):
        run_live_study(study, tmp_path, **options)


def test_hours_in_which_nothing_ended(tmp_path: Path) -> None:
    waiting = Played(workers=2, seconds=float("inf"))
    with pytest.raises(ConfigurationError, match="No training ended within 1e-07 hours"):
        run_live_study(STUDY, tmp_path, executor=waiting, hours=1e-7)
    assert len(asked_and_told(tmp_path)[0]) == 10  # T0 is in flight, and is trained by the next call


KILLS = 5


@pytest.mark.thorough
def test_darts_cells_through_ray_killed_five_times_and_read_back_from_tensorboard(tmp_path: Path) -> None:
    """The command line on a cluster of two CPUs; its process is killed each time that another result was told."""
    needed("ray")
    accumulator = needed("tensorboard.backend.event_processing.event_accumulator")
    out, board = tmp_path / "live", tmp_path / "board"
    options = (
        "live-search --space darts --images digits --method rank-nosh --levels 1,2 --channels 2 --cells 1 "
        "--batch-size 20 --training-images 40 --asynchronous --budget-epochs 24 --executor ray --format svg"
    )
    with cluster(1, cpus=2) as nodes:
        command = [sys.executable, "-m", "predictornas", *options.split(), "--address", nodes.address]
        command += ["--out", str(out), "--tensorboard", str(board)]

        def told() -> int:
            return len(asked_and_told(out)[1]) if (out / JOURNAL).exists() else 0

        for kill in range(KILLS + 1):
            before = told()
            with (tmp_path / f"log-{kill}").open("wb") as log:
                driver = subprocess.Popen(
                    command, cwd=ROOT, env=nodes.environment, stdout=log, stderr=log, start_new_session=True
                )
                while kill < KILLS and driver.poll() is None and told() < before + 2:
                    time.sleep(0.1)
                if kill < KILLS:
                    assert driver.poll() is None, (tmp_path / f"log-{kill}").read_text(encoding="utf-8")
                    os.kill(driver.pid, signal.SIGKILL)
                code = driver.wait(600)
            assert code == (-signal.SIGKILL if kill < KILLS else 0), (tmp_path / f"log-{kill}").read_text()
    asked, done = asked_and_told(out)
    assert len(set(asked)) == len(asked)  # nothing was proposed a second time
    assert sorted(done) == sorted(asked)  # and nothing was lost
    history = pl.read_parquet(out / "history.parquet")
    assert list(zip(history["key"], history["epochs"], strict=True)) == done
    assert history["cost_epochs"].sum() == 24
    epochs = Counter(trained_epochs(out))
    assert len(epochs) == 24
    # of each of two trainings in flight a kill may cost the epoch that had not come home
    assert sum(epochs.values()) - len(epochs) <= 2 * KILLS
    found = accumulator.EventAccumulator(str(board / "live")).Reload()
    values = [(event.step, event.value) for event in found.Scalars("value")]
    assert [step for step, _ in values] == list(range(1, len(done) + 1))
    np.testing.assert_allclose([value for _, value in values], history["value"], rtol=1e-6)
