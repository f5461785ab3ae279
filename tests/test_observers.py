"""Observers hear everything once, in order, from every process; what they do or raise changes nothing."""

from __future__ import annotations

import io
import json
import math
import pickle
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError
from predictornas.executors import get_executor
from predictornas.extras import MissingDependencyError
from predictornas.live.images.loading import load_images
from predictornas.live.images.partition import partition
from predictornas.live.trainable_network import NetworkShape
from predictornas.live.training import Job, train
from predictornas.live.training_recipes import get_recipe
from predictornas.observers import (
    Announcer,
    JSONLines,
    Observer,
    ObserverWarning,
    ProgressLines,
    TensorBoard,
    several,
)
from predictornas.oracles.tabular import TabularOracle
from predictornas.search.loop import Search, run
from predictornas.search.methods import get_preset, get_strategy
from predictornas.search.strategies import RandomSearch
from predictornas.spaces.registry import get_space
from predictornas.studies.gain.execution import run_study
from predictornas.studies.gain.study import Study
from predictornas.studies.supernet_run import SuperNetworkRun, run_supernet
from tests.extras import needed
from tests.full_disk import file_size_limit


class Heard(Observer):
    """Keeps everything."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Mapping[str, Any]]] = []

    def told(self, kind: str, event: Mapping[str, Any]) -> None:
        self.events.append((kind, event))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [event for heard, event in self.events if heard == kind]


class Raising(Observer):
    def told(self, kind: str, event: Mapping[str, Any]) -> None:
        raise RuntimeError(f"no {kind} here")


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_search_that_is_asked_and_told() -> None:
    heard = Heard()
    space = get_space("nasbench201")
    search = Search(space, RandomSearch(initial=3, batch=2), seed=4, observers=[heard], name="mine")
    genes = search.ask().genes
    search.tell(genes[2:], [0.5])
    search.tell(genes[:2], [math.nan, 0.4], failed=["out of memory", None])
    search.close()
    assert heard.kinds == ["started", "proposed", "evaluated", "evaluated", "evaluated", "ended"]
    assert {event["run"] for _, event in heard.events} == {"mine"}
    assert json.loads(json.dumps(heard.events)) == [list(event) for event in heard.events]
    begin, proposed, first, failed, last, end = (event for _, event in heard.events)
    assert {name: begin[name] for name in ("kind", "done", "unit", "space", "seed")} == {
        "kind": "search", "done": 0, "unit": "evaluations", "space": "nasbench201", "seed": 4,
    }  # fmt: skip
    assert (proposed["iteration"], proposed["by"], proposed["genes"]) == (0, "initial", genes.tolist())
    assert proposed["architectures"] == [space.describe(row) for row in genes]
    assert (first["order"], first["genes"], first["value"], first["best"]) == (0, genes[2].tolist(), 0.5, 0.5)
    assert (failed["value"], failed["failure"], failed["best"]) == (None, "out of memory", 0.5)
    assert (last["value"], last["failure"], last["best"]) == (0.4, None, 0.5)
    assert (end["done"], end["recommended"]) == (3, space.describe(genes[2]))


def test_a_search_in_a_folder_goes_on_after_what_was_there(tmp_path: Path) -> None:
    space = get_space("nasbench201")
    for done in (0, 2):
        heard = Heard()
        search = Search.open(tmp_path / "mine", space, RandomSearch(initial=4, batch=2), seed=0, observers=[heard])
        search.tell(search.ask(2).genes, [0.1 * done, 0.2])
        search.close()
        assert heard.of("started")[0]["done"] == done
        assert [event["order"] for event in heard.of("evaluated")] == [done, done + 1]
        assert {event["run"] for _, event in heard.events} == {"mine"}


def test_nothing_to_recommend_is_no_fault() -> None:
    heard = Heard()
    search = Search(get_space("nasbench201"), RandomSearch(initial=1), seed=0, observers=[heard])
    search.tell(search.ask().genes, failed="no")
    search.close()
    assert (heard.of("ended")[0]["recommended"], heard.of("evaluated")[0]["best"]) == (None, None)


def test_a_raising_observer_is_reported_once_and_the_others_hear_everything() -> None:
    table = open_benchmark("nasbench101-digits")
    heard = Heard()
    plain = run(Search(table.space, RandomSearch(4, 2), seed=1), TabularOracle(table), 8)
    with pytest.warns(ObserverWarning, match=r"Raising\.started raised RuntimeError: no started here") as caught:
        watched = run(
            Search(table.space, RandomSearch(4, 2), seed=1, observers=[Raising(), heard]), TabularOracle(table), 8
        )
    assert len(caught) == 1
    assert (watched.keys == plain.keys).all()
    assert (watched.values == plain.values).all()
    assert Counter(heard.kinds) == {"started": 1, "proposed": 3, "evaluated": 8, "ended": 1}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_no_fault_of_an_observer(error: type[BaseException]) -> None:
    class Interrupted(Observer):
        def told(self, kind: str, event: Mapping[str, Any]) -> None:
            raise error

    with pytest.raises(error):
        Announcer("x", (Interrupted(),))("started")


def test_a_study_tells_from_its_processes_and_whole_lines_arrive(tmp_path: Path) -> None:
    study = Study(methods=("random", "local-search"), budget=20, seeds=(0, 1))
    told = [JSONLines(tmp_path / "logs" / "events.jsonl")]
    outcome = run_study(study, tmp_path / "study", executor=get_executor(workers=2), observers=told)
    events = lines_of(tmp_path / "logs" / "events.jsonl")
    runs = {f"{method}-seed-{seed}" for method in study.methods for seed in study.seeds}
    assert {event["run"] for event in events} == runs
    for name in runs:
        mine = [event for event in events if event["run"] == name]
        assert (mine[0]["event"], mine[-1]["event"]) == ("started", "ended")
        assert [event["order"] for event in mine if event["event"] == "evaluated"] == list(range(20))
        assert sum(len(event["genes"]) for event in mine if event["event"] == "proposed") == 20
    values = sorted(event["value"] for event in events if event["event"] == "evaluated")
    assert values == sorted(outcome.history["value"].to_list())
    run_study(replace(study, seeds=(0, 1, 2)), tmp_path / "study", observers=told)
    assert {event["run"] for event in lines_of(tmp_path / "logs" / "events.jsonl")[len(events) :]} == {
        "random-seed-2",
        "local-search-seed-2",
    }


def test_what_a_scheduler_trains_on_is_promoted() -> None:
    table = open_benchmark("nasbench101-digits")
    heard = Heard()
    strategy = get_strategy("rank-nosh-50", replace(get_preset("quick"), levels=TabularOracle(table).levels))
    run(Search(table.space, strategy, seed=0, observers=[heard]), TabularOracle(table), 40)
    seen: set[str] = set()
    for kind, event in heard.events:
        if kind in ("proposed", "promoted"):
            before = [name in seen for name in event["architectures"]]
            assert all(before) if kind == "promoted" else not any(before)
            seen.update(event["architectures"])
    assert heard.of("promoted")


@pytest.mark.slow
def test_super_networks_and_trainings_tell_their_epochs(tmp_path: Path) -> None:
    heard = Heard()
    asked = SuperNetworkRun(method="darts-1", space="nasbench201", small=True, channels=4, epochs=2, training_images=64)
    job, images = asked.prepared()
    outcome = run_supernet("darts-1", job, images, tmp_path / "cells", observers=[heard])
    assert heard.kinds == ["started", "evaluated", "evaluated", "ended"]
    assert [event["validation_accuracy"] for event in heard.of("evaluated")] == [
        record.validation_accuracy for record in outcome.records
    ]
    assert heard.of("ended")[0]["recommended"] == get_space("nasbench201").describe(np.array(outcome.genes, np.int8))
    again = Heard()
    run_supernet("darts-1", job, images, tmp_path / "cells", observers=[again])
    assert (again.kinds, again.of("started")[0]["done"]) == (["started", "ended"], 2)

    parts = partition(load_images("digits"), 64, 0)
    one = Job("nasbench201", (3, 1, 1, 3, 1, 1), NetworkShape(4, 1, 10, 1), get_recipe("small").with_lengths(2, 32), 0)
    for folder in (None, tmp_path / "one"):
        heard = Heard()
        curve = train(one, parts, folder=folder, announce=Announcer("one", (heard,)))
        assert heard.kinds == ["started", "evaluated", "evaluated", "ended"]
        assert heard.of("started")[0]["done"] == 0
        assert [event["train_loss"] for event in heard.of("evaluated")] == curve.train_loss.tolist()
    again = Heard()
    train(one, parts, folder=tmp_path / "one", announce=Announcer("one", (again,)))
    assert (again.kinds, again.of("started")[0]["done"]) == (["started", "ended"], 2)


def test_a_search_whose_values_are_all_0_ends_without_a_recommendation() -> None:
    """0 is the accuracy of a training that diverged: there is nothing to recommend, and nothing that stops the run."""
    heard = Heard()
    search = Search(get_space("nasbench201"), RandomSearch(initial=2), seed=0, observers=[heard])
    search.tell(search.ask().genes, [0.0, 0.0])
    search.close()
    assert heard.kinds[-1] == "ended"


def test_tensorboard_is_read_back_by_its_own_reader(tmp_path: Path) -> None:
    accumulator = needed("tensorboard.backend.event_processing.event_accumulator")
    board = pickle.loads(pickle.dumps(TensorBoard(tmp_path)))  # as a worker has it
    search = Search(get_space("nasbench201"), RandomSearch(initial=3), seed=0, observers=[board], name="mine")
    search.tell(search.ask().genes, [0.25, 0.75, 0.5], epochs=[1, 2, 3])
    search.close()
    announce = Announcer("net", (board,))
    for epoch, loss in ((1, 2.0), (2, 1.5)):
        announce("evaluated", epoch=epoch, loss=loss, phase="search", validation=None)
    announce("ended", done=2, unit="epochs")
    found = accumulator.EventAccumulator(str(tmp_path / "mine")).Reload()
    scalars = {name: [(e.step, e.value) for e in found.Scalars(name)] for name in found.Tags()["scalars"]}
    assert scalars == {
        "value": [(1, 0.25), (2, 0.75), (3, 0.5)],
        "best": [(1, 0.25), (2, 0.75), (3, 0.75)],
        "epochs": [(1, 1.0), (2, 2.0), (3, 3.0)],
    }
    (text,) = found.Tensors("recommended/text_summary")
    assert search.space.describe(search.recommend()[0]).encode() in text.tensor_proto.string_val[0]
    net = accumulator.EventAccumulator(str(tmp_path / "net")).Reload()
    assert [(e.step, e.value) for e in net.Scalars("loss")] == [(1, 2.0), (2, 1.5)]
    assert net.Tags()["scalars"] == ["loss"]


def test_tensorboard_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingDependencyError, match=r"predictornas\[tensorboard\]"):
        TensorBoard(tmp_path)


@dataclass
class Clock:
    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


def test_progress_is_a_line_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, stream = Clock(), io.StringIO()
    monkeypatch.setattr("predictornas.observers.time", clock)
    announce = Announcer("a", (ProgressLines(stream),))
    announce("started", done=7, unit="evaluations")
    for order, (now, best) in enumerate([(1.0, 0.5), (59.0, 0.5), (61.0, 0.625), (100.0, 0.7), (121.5, None)]):
        clock.now = now
        announce("evaluated", order=order, best=best)
    announce("evaluated", epoch=3, loss=0.5)
    clock.now = 200.0
    announce("evaluated", epoch=4, phase="search", loss=0.25, accuracy=0.5)
    announce("ended", done=9, unit="epochs")
    assert stream.getvalue().splitlines() == [
        "a: goes on after 7 evaluations",
        "a: 3 evaluations, the best 0.625",
        "a: 5 evaluations",
        "a: epoch 4, loss 0.25, accuracy 0.5",
        "a: ended after 9 epochs",
    ]


def test_a_log_that_cannot_be_written_does_not_stop_a_search(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    search = Search(get_space("nasbench201"), RandomSearch(initial=2), observers=[JSONLines(tmp_path / "file" / "x")])
    with pytest.warns(ObserverWarning, match=r"JSONLines\.started raised FileExistsError"):
        search.tell(search.ask().genes, [0.1, 0.2])
    assert len(search.history) == 2


def test_values_that_json_has_not() -> None:
    heard: list[Mapping[str, Any]] = []

    class Keeps(Observer):
        def evaluated(self, event: Mapping[str, Any]) -> None:
            heard.append(event)

    values: dict[str, Sequence[Any] | Any] = {"a": np.float32(0.5), "b": (1, math.inf), "c": {1: np.array([2])}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Announcer("x", (Keeps(),))("evaluated", **values, d=Path("p"))
    assert heard == [{"run": "x", "a": 0.5, "b": [1, None], "c": {"1": [2]}, "d": "p"}]


def test_what_an_observer_changes_the_next_does_not_see() -> None:
    seen: list[dict[str, Any]] = []

    class Clears(Observer):
        def told(self, kind: str, event: dict[str, Any]) -> None:
            event.clear()

    class Keeps(Observer):
        def told(self, kind: str, event: dict[str, Any]) -> None:
            seen.append(event)

    Announcer("run", (Clears(), Keeps()))("started", values=[1, 2])
    assert seen == [{"run": "run", "values": [1, 2]}]


def test_a_single_observer_is_refused_with_what_to_write(tmp_path: Path) -> None:
    single = JSONLines(tmp_path / "events.jsonl")
    assert several([single]) == several((single,)) == (single,)
    with pytest.raises(ConfigurationError, match=r"observers=\[JSONLines\(\.\.\.\)\]"):
        Search(get_space("nasbench201"), RandomSearch(initial=2), seed=0, observers=single)


def test_half_a_line_is_taken_back_where_the_disk_is_full(tmp_path: Path) -> None:
    log = JSONLines(tmp_path / "events.jsonl")
    log.told("evaluated", {"value": 0.5})
    before = (tmp_path / "events.jsonl").read_bytes()
    with file_size_limit(len(before) + 10), pytest.raises(OSError, match="No space left"):
        log.told("evaluated", {"value": 0.6})
    assert (tmp_path / "events.jsonl").read_bytes() == before
    log.told("ended", {})
    kinds = [json.loads(line)["event"] for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert kinds == ["evaluated", "ended"]


def test_files_are_those_of_the_folder_that_the_command_was_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed("tensorboard")
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for folder in (here, elsewhere):
        folder.mkdir()
    monkeypatch.chdir(here)
    log, board = JSONLines("events.jsonl"), TensorBoard("board")
    monkeypatch.chdir(elsewhere)  # as a worker of a cluster
    log.told("ended", {})
    assert (here / "events.jsonl").is_file()
    assert (Path(log.path), board.folder) == (here / "events.jsonl", here / "board")
