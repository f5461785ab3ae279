"""A real cluster of two nodes on this machine; what it does is in `cluster_driver.py`.

Those that start it are thorough: two nodes of Ray take minutes to start where the cores have other work.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from predictornas.errors import ConfigurationError, MissingDependencyError, PredictorNASError
from predictornas.executors.base import Executor, Task, Tell
from predictornas.executors.cluster import Ray, _move_reports
from tests.executors.cluster_driver import COUNT
from tests.executors.ray_clusters import ROOT, Cluster, cluster, free_port
from tests.extras import needed
from tests.kills import contents, differences


def answer(what: int, target: Path, tell: Tell) -> int:
    return what


def test_it_is_an_executor_that_needs_no_cluster_for_no_tasks() -> None:
    assert isinstance(Ray(), Executor)
    assert list(Ray("127.0.0.2:1").run(answer, [])) == []


@pytest.mark.parametrize("taken", [{"cpus": 0}, {"cpus": -1}, {"gpus": -0.5}, {"cpus": float("nan")}])
def test_a_task_takes_something(taken: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="more than no CPU"):
        Ray(**taken)


def test_ray_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'predictornas\[ray\]'"):
        list(Ray().run(answer, [Task(1, tmp_path)]))


@pytest.mark.slow
def test_an_address_where_nobody_answers(tmp_path: Path) -> None:
    needed("ray")
    for address in (f"127.0.0.2:{free_port()}", "head", "head:http"):
        with pytest.raises(
            PredictorNASError, match=f"No Ray cluster answers at '{address}'. Start one with: ray start"
        ):
            list(Ray(address).run(answer, [Task(1, tmp_path)]))


class RayThatRefuses(ModuleType):
    """Stands in for Ray: joining fails."""

    exceptions = SimpleNamespace(RayError=RuntimeError)

    def is_initialized(self) -> bool:
        return False

    def init(self, *_: object, **__: object) -> None:
        try:
            raise RuntimeError("RPC error: InvalidAuthToken: Authentication token is missing or incorrect.")
        except RuntimeError as error:
            raise ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379") from error


def test_a_cluster_that_asks_for_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", RayThatRefuses("ray"))
    with pytest.raises(PredictorNASError, match=r"at 10\.0\.0\.1:6379\. It asks for a token: set RAY_AUTH_MODE=token"):
        list(Ray("auto").run(answer, [Task(1, tmp_path)]))


def test_what_ray_reports_goes_to_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[tuple[dict[str, Any], bool]] = []
    worker = ModuleType("ray._private.worker")
    worker.print_to_stdstream = lambda data, ignore_prefix: printed.append((data, ignore_prefix))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ray._private.worker", worker)
    _move_reports()
    worker.print_to_stdstream({"lines": ["A worker died."], "is_err": False}, ignore_prefix=True)
    assert printed == [({"lines": ["A worker died."], "is_err": True}, True)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def two_nodes(place: Path) -> Iterator[Cluster]:
    needed("ray")
    folders = {
        "PREDICTORNAS_DATA": place / "store",
        "PREDICTORNAS_CACHE": place / "cache",
        "TMPDIR": place / "temporary",
    }
    (place / "temporary").mkdir()
    with cluster(2, {name: str(folder) for name, folder in folders.items()}) as nodes:
        yield nodes


def ran(command: str, nodes: Cluster) -> None:
    """Runs a module of Python beside the head."""
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=ROOT,
        env=nodes.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def found(two_nodes: Cluster, place: Path) -> dict[str, Any]:
    ran(f"tests.executors.cluster_driver {two_nodes.address} {place}", two_nodes)
    read: dict[str, Any] = json.loads((place / "found.json").read_text(encoding="utf-8"))
    return read


@pytest.mark.thorough
def test_files_and_results_are_those_of_serial_bit_for_bit(found: dict[str, Any]) -> None:
    serial, ray = found["same"]["serial"], found["same"]["ray"]
    assert ray == serial
    assert serial["results"][0][0] == 1  # went on with the journal that was there
    assert serial["told"] == 2 * COUNT
    assert len(serial["files"]) == 2 + 2 + 2 * 2


@pytest.mark.thorough
def test_tasks_are_drawn_when_there_is_room_and_run_on_both_nodes(found: dict[str, Any]) -> None:
    assert found["drawn"]["machines"] == ["127.0.0.2", "127.0.0.3"]
    # as many as there are CPUs, one for each that is done, and one that is done and not handed out yet
    assert all(drawn <= done + 2 + 1 for done, drawn in enumerate(found["drawn"]["drawn"], start=1))


@pytest.mark.thorough
def test_what_is_written_comes_home_while_the_task_runs(found: dict[str, Any]) -> None:
    lengths = found["while_it_runs"]
    assert lengths == sorted(lengths)
    assert lengths[-1] == COUNT
    assert len({length for length in lengths if 0 < length < COUNT}) >= 3


@pytest.mark.thorough
def test_a_task_that_loses_its_process_goes_on_from_what_came_home(found: dict[str, Any]) -> None:
    lost = found["lost"]
    assert (lost["result"], lost["steps"], lost["told"]) == (COUNT, list(range(COUNT)), COUNT)
    assert lost["processes"] == 3  # of thirteen records each, and one of four
    kind, message, _ = lost["always"]
    assert kind == "PredictorNASError"
    assert "always.jsonl lost its process 3 times" in message
    assert "start the same command again" in message


@pytest.mark.thorough
def test_a_closed_generator_ends_what_runs_and_the_next_is_of_use(found: dict[str, Any]) -> None:
    assert not found["closed"]["grown"]
    assert len(found["closed"]["again"]) == 1


@pytest.mark.thorough
def test_what_cannot_work_says_so(found: dict[str, Any]) -> None:
    refused = found["refused"]
    assert refused["error"][0] == "UnknownNameError"
    assert "Did you mean 'known'?" in refused["error"][1]
    assert "in refuse" in refused["error"][2]
    assert refused["kept"] == "before"
    assert refused["large"][:1] == ["ConfigurationError"]
    assert "has 64 CPU, which each task takes" in refused["large"][1]
    assert refused["other"][0] == "ConfigurationError"
    assert "this machine 9.9" in refused["other"][1]
    assert refused["code"][0] == "PredictorNASError"
    assert "does not have the code of the tasks (No module named 'only_here')" in refused["code"][1]


@pytest.mark.thorough
def test_tables_are_opened_where_they_are_or_travel_to_the_cache(found: dict[str, Any], place: Path) -> None:
    tables = found["tables"]
    assert tables["right"] == [True, True]
    assert tables["folders"][0] == [tables["own"]]
    [travelled] = tables["folders"][1]
    assert [path.suffix for path in sorted((place / "cache" / "tables").iterdir())] == ["", ".lock"]
    assert Path(travelled).parent == place / "cache" / "tables"


@pytest.mark.thorough
def test_trainings_are_those_of_serial_bit_for_bit(found: dict[str, Any]) -> None:
    assert found["trainings"]["ray"] == found["trainings"]["serial"]
    assert found["trainings"]["ray"]["epochs"] == [[1, 2, 3, 4]] * 3


@pytest.mark.thorough
def test_gain_on_two_nodes_is_that_of_serial_bit_for_bit(two_nodes: Cluster, place: Path) -> None:
    methods = "random,local-search,uniform-50"
    study = f"--benchmark nasbench101-digits --preset quick --budget 30 --seeds 10 --methods {methods}"
    left = {}
    for executor in ("serial", f"ray --address {two_nodes.address}"):
        out = place / f"gain-{executor.split()[0]}"
        ran(f"predictornas gain {study} --executor {executor} --out {out}", two_nodes)
        left[executor] = contents(out)
    serial, ray = left.values()
    journals = [name for name in serial if name.endswith(".jsonl")]
    assert len(journals) == 3 * 10
    assert sum(len(serial[name]) for name in journals) > 3 * 10 * 30
    assert differences(serial, ray) == []


@pytest.mark.thorough
def test_no_scratch_folder_stays_but_of_killed_processes(found: dict[str, Any], place: Path) -> None:
    """Those are removed when the next task begins there."""
    assert list((place / "temporary" / f"predictornas-{os.getuid()}").iterdir()) == []


INTERRUPTED = """
from predictornas.executors import cluster

def interrupted(function):
    raise KeyboardInterrupt

cluster._loaded = interrupted
list(cluster.carried_out(None, b"", b""))
"""


@pytest.mark.slow
def test_a_process_that_is_interrupted_before_its_task_begins_ends() -> None:
    """What it was importing would be of no use to the next task: torch cannot be imported twice."""
    needed("ray")
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
