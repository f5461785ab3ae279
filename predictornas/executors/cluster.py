"""Tasks on a Ray cluster: each runs on whatever machine has room, and what it writes comes home while it runs."""

from __future__ import annotations

import importlib
import os
import pickle
import socket
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from predictornas.errors import ConfigurationError, PredictorNASError, WorkerLostError
from predictornas.executors.base import (
    LIVES,
    Landed,
    ResultT,
    Task,
    Tell,
    WhatT,
    nothing,
    run_with,
)
from predictornas.executors.failures import loaded_failure, pickled_failure
from predictornas.executors.luggage import Luggage, unpickled
from predictornas.executors.node import Message, Order, perform
from predictornas.executors.transfer import Parcel, parcel_of
from predictornas.extras import extra

INTERVAL = 2.0
"""Seconds between two messages of a task that runs; more where very many run."""

PULSE = 5.0
"""Seconds after which the cluster is looked at again: whether its head answers, how many CPUs it has."""

MINUTE = 60.0
"""Seconds to wait for a machine that has what a task takes."""

NODE = "PREDICTORNAS_RAY_NODE"
"""Environment variable: the address of this machine within the cluster, where it has several."""

_AGAIN = "What came home is kept: start the same command again to continue."


@dataclass(frozen=True)
class Ray:
    """Runs tasks on a Ray cluster, about as many at once as it has CPUs.

    Machines need no common file system: what lies at a target is sent along, the function works in a scratch folder,
    and what it changes comes home, every two seconds at the most, when it tells of units of work; the new lines of a
    journal (`.jsonl`), other files whole. Tables are taken from the machine's own store where it holds the same, else
    they are sent to its cache once. Every machine needs the same versions of Python, Ray and this package installed;
    another version of this package is refused. A task whose process or machine is lost is begun anew from what came
    home.

    Attributes:
        address: "HOST:PORT" of the head, or "auto" for the cluster that runs on this machine; None for that, or the one
            in `$RAY_ADDRESS`, else for one of this machine alone that ends with this process. A connection that this
            process has already is used. `$PREDICTORNAS_RAY_NODE` says which of its addresses this machine has in the
            cluster where it has several.
        cpus: that each task takes.
        gpus: that each task takes; a share of one is allowed.

    Raises:
        ConfigurationError: no CPU, or fewer than no GPU.
    """

    address: str | None = None
    cpus: int | float = 1
    gpus: int | float = 0

    def __post_init__(self) -> None:
        if not self.cpus > 0 or not self.gpus >= 0:
            raise ConfigurationError(f"Each task takes more than no CPU, and 0 GPUs or more; got {self!r}.")

    def run(
        self,
        function: Callable[[WhatT, Path, Tell], ResultT],
        tasks: Iterable[Task[WhatT]],
        *,
        tell: Tell = nothing,
    ) -> Generator[tuple[Task[WhatT], ResultT], None, None]:
        """See `predictornas.executors.base.Executor`.

        Raises:
            MissingDependencyError: Ray is not installed.
            ConfigurationError: no machine has so many CPUs or GPUs, or one has another version of this package.
            PredictorNASError: there is no cluster at this address, or its head was lost, or a task lost its process
                three times without doing anything new.
        """
        waiting = iter(tasks)
        first = next(waiting, None)
        if first is None:
            return
        with self.crew(function, tell=tell) as crew:
            yield from run_with(crew, chain([first], waiting))

    @contextmanager
    def crew(
        self, function: Callable[[WhatT, Path, Tell], ResultT], *, tell: Tell = nothing, lives: int = LIVES
    ) -> Iterator[_Crew]:
        """See `predictornas.executors.base.Crewed`; raises as `run` does where no task is to blame."""
        crew = _Crew(connected(self.address), self, function, tell, lives)
        try:
            yield crew
        finally:
            crew.dismiss()


def connected(address: str | None) -> Any:
    """The module of Ray, once this process is part of a cluster.

    Raises:
        MissingDependencyError: Ray is not installed.
        PredictorNASError: there is no cluster at this address.
    """
    with extra("ray", "The executor 'ray'"):
        ray: Any = importlib.import_module("ray")
    if ray.is_initialized():
        return ray
    if address not in (None, "auto") and not _answers(address or "", 10.0):
        raise PredictorNASError(
            f"No Ray cluster answers at {address!r}. Start one with: ray start --head --port=PORT, and use HOST:PORT."
        )
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR", _node_ip_address=os.environ.get(NODE))
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        remedy = "Start one with: ray start --head, or give the address of one that runs."
        if "uthenticat" in "".join(traceback.format_exception(error)):
            remedy = "It asks for a token: set RAY_AUTH_MODE=token, and bring its token to this machine."
        raise PredictorNASError(
            f"Could not join the Ray cluster ({address or 'no address'}): {error}. {remedy}"
        ) from error
    _move_reports()
    return ray


def _move_reports() -> None:
    """What Ray prints about its machines goes to standard error: on standard output `--json` writes."""
    worker: Any = importlib.import_module("ray._private.worker")
    printed = getattr(worker, "print_to_stdstream", None)
    if printed is not None:  # it is no public part of Ray
        worker.print_to_stdstream = lambda data, **options: printed({**data, "is_err": True}, **options)


def _answers(address: str, seconds: float) -> bool:
    host, _, port = address.rpartition(":")
    with suppress(OSError, ValueError, OverflowError), socket.create_connection((host, int(port)), seconds):
        return True
    return False


@dataclass
class _Flight:
    """A task that is on its way.

    Attributes:
        task: the task.
        told: units of work that this attempt has told.
        shown: the most that any attempt has told.
        lost: processes that it lost since something new was told.
    """

    task: Task[Any]
    told: int = 0
    shown: int = 0
    lost: int = 0


class _Crew:
    """The tasks that run, each with the stream of its messages."""

    def __init__(self, ray: Any, executor: Ray, function: Any, tell: Tell, lives: int) -> None:
        self._ray, self._tell, self._lives = ray, tell, lives
        self._luggage = Luggage(ray.cloudpickle.Pickler, ray.put)
        self._function = ray.put(np.frombuffer(self._luggage.pickled(function), np.uint8))
        self._remote = ray.remote(_carrier(_version())).options(
            num_returns="streaming", max_retries=0, num_cpus=executor.cpus, num_gpus=executor.gpus
        )
        self._need = {name: amount for name, amount in (("CPU", executor.cpus), ("GPU", executor.gpus)) if amount}
        self._head = ray.get_runtime_context().gcs_address
        self._room, self._looked = 1, 0.0
        self._flights: dict[Any, _Flight] = {}
        self._require_machine()
        self._look()

    @property
    def running(self) -> int:
        """Tasks on their way."""
        return len(self._flights)

    def has_room(self) -> bool:
        """Whether a further task would find a CPU, by the size of the cluster."""
        return self.running < self._room

    def send(self, task: Task[Any], flight: _Flight | None = None) -> None:
        """Begins a task, or begins it anew from what came home."""
        interval = max(INTERVAL, self.running / 100)
        order = Order(task.target.name or "target", parcel_of(task.target), interval)
        what = self._luggage.pickled(task.what)
        stream = self._remote.remote([self._function], what, pickle.dumps(order))
        self._flights[stream] = flight or _Flight(task)

    def landed(self, seconds: float | None = None) -> list[Landed]:
        """Waits until something happens, or until it is time to look at the cluster again; the tasks that ended."""
        ready, _ = self._ray.wait(list(self._flights), num_returns=self.running, timeout=0)
        if not ready:
            patience = PULSE if seconds is None else min(PULSE, seconds)
            ready, _ = self._ray.wait(list(self._flights), num_returns=1, timeout=patience)
        self._look()
        return [ended for stream in ready if (ended := self._heard(stream)) is not None]

    def dismiss(self) -> None:
        """Ends what still runs. Not by force: Ray breaks off the whole process if a task ends at that moment."""
        for stream in self._flights:
            with suppress(Exception):
                self._ray.cancel(stream, force=False)
        self._flights.clear()

    def _heard(self, stream: Any) -> Landed | None:
        flight = self._flights[stream]
        try:
            said = pickle.loads(self._ray.get(next(stream)))
        except self._ray.exceptions.RayTaskError as error:
            raise PredictorNASError(f"A machine of the cluster could not begin a task: {error}.") from error
        except (StopIteration, self._ray.exceptions.RayError) as error:
            del self._flights[stream]
            return self._begun_anew(flight, error)
        if not isinstance(said, Message):
            there, host = said
            raise ConfigurationError(
                f"{host} has predictornas {there}, this machine {_version()}. Install the same version on all of them."
            )
        said.target.unpack(flight.task.target)
        self._count(flight, said.count)
        if said.kind == "progress":
            return None
        del self._flights[stream]
        if said.kind == "failed":
            return Landed(flight.task, error=loaded_failure(said.content))
        return Landed(flight.task, pickle.loads(said.content))

    def _count(self, flight: _Flight, count: int) -> None:
        """Tells what was not told before: what is begun anew goes over old ground, or skips it."""
        flight.told += count
        if flight.told > flight.shown:
            self._tell(flight.told - flight.shown)
            flight.shown, flight.lost = flight.told, 0

    def _begun_anew(self, flight: _Flight, error: BaseException) -> Landed | None:
        self._require_head()
        flight.told, flight.lost = 0, flight.lost + 1
        if flight.lost < self._lives:
            self.send(flight.task, flight)
            return None
        lost = WorkerLostError(
            f"The task of {flight.task.target} lost its process {self._lives} times on the cluster (out of memory, or "
            f"killed; {type(error).__name__}). {_AGAIN}"
        )
        lost.__cause__ = error
        return Landed(flight.task, error=lost)

    def _look(self) -> None:
        """Every few seconds: the head, and how many tasks the cluster has room for."""
        if time.monotonic() - self._looked < PULSE:
            return
        self._require_head()
        have, need = self._ray.cluster_resources(), self._need
        self._room = max(1, int(min(have.get(name, 0) // amount for name, amount in need.items())))
        self._looked = time.monotonic()

    def _require_head(self) -> None:
        if not (_answers(self._head, 2.0) or _answers(self._head, 5.0)):
            raise PredictorNASError(
                f"The head of the Ray cluster, {self._head}, does not answer any more. Start the cluster anew (ray "
                f"start --head, and the other machines). {_AGAIN}"
            )

    def _require_machine(self) -> None:
        """Waits a minute for one with what a task takes: on many clusters the machines join one after the other."""
        deadline = time.monotonic() + MINUTE
        while not any(
            all(node["Resources"].get(name, 0) >= amount for name, amount in self._need.items())
            for node in self._ray.nodes()
            if node["Alive"]
        ):
            if time.monotonic() > deadline:
                asked = " and ".join(f"{amount:g} {name}" for name, amount in self._need.items())
                raise ConfigurationError(
                    f"No machine of the Ray cluster has {asked}, which each task takes. Start one that has, or ask "
                    "for less."
                )
            time.sleep(0.2)


def _version() -> str:
    import predictornas

    return predictornas.__version__


def _carrier(here: str) -> Callable[[list[Any], bytes, bytes], Iterator[bytes]]:
    """What runs on the machines. Functions within functions travel by value: this one needs nothing installed."""

    def carry(function: list[Any], what: bytes, order: bytes) -> Iterator[bytes]:
        import os
        import pickle
        import socket

        # before anything is imported that reads them
        os.environ.update(dict.fromkeys(("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1"))
        try:
            import predictornas
        except ModuleNotFoundError:
            there = "no version"
        else:
            there = predictornas.__version__
        if there != here:
            yield pickle.dumps((there, socket.gethostname()))
            return
        from predictornas.executors.cluster import carried_out

        yield from carried_out(function[0], what, order)

    return carry


def carried_out(function: Any, what: bytes, order: bytes) -> Iterator[bytes]:
    """The messages of a task, on the machine that runs it.

    Args:
        function: Ray's reference to the pickled function.
        what: pickled.
        order: pickled.
    """
    import ray

    try:
        with _as_missing_code():
            call, with_what = _loaded(function), unpickled(what, ray.get)
    except Exception as error:
        yield pickle.dumps(Message(0, Parcel(), "failed", pickled_failure(error)))
        return
    except BaseException:
        os._exit(1)  # not wanted any more: an interrupted import of torch leaves a process of no use to the next task
    for message in perform(call, with_what, pickle.loads(order), ray.cloudpickle.dumps):
        yield pickle.dumps(message)


@contextmanager
def _as_missing_code() -> Iterator[None]:
    try:
        yield
    except (ImportError, AttributeError) as error:
        raise PredictorNASError(
            f"{socket.gethostname()} does not have the code of the tasks ({error}). Install it on every machine of the "
            "cluster, in the same version, or put its folder into PYTHONPATH before ray start."
        ) from error


@lru_cache(maxsize=1)
def _loaded(function: Any) -> Any:
    """The function, put together once in a process: it may carry the images of a data set."""
    import ray

    return unpickled(memoryview(ray.get(function)), ray.get)
