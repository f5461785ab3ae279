"""How well zero-cost proxies of untrained networks rank the architectures of a table."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import kendalltau

from predictornas.analysis.statistics import bootstrap_interval
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError
from predictornas.executors import Task, Tell
from predictornas.live.proxies import PROXIES, get_proxy
from predictornas.seeding import check_seed, rng_for
from predictornas.studies.folder import take, write_manifest
from predictornas.studies.gain.study import data_fingerprint
from predictornas.studies.provenance import surroundings
from predictornas.studies.sealed import kept, write_sealed
from predictornas.studies.tasks import Execution, Started, run_all, silently
from predictornas.studies.tidy_tables import write_table

KIND = "proxies"

IMAGES = 16
"""Images that every proxy looks at."""


@dataclass(frozen=True)
class ProxyStudy:
    """What is scored.

    Attributes:
        benchmark: a table of a space whose networks can be built.
        sample: random architectures.
        images: see `predictornas.live.images.loading.load_images`; a few of the training images are looked at.
        channels: of the networks.
        cells: as in `predictornas.live.trainable_network.NetworkShape`.
        image_size: height and width that images are brought to; None for as they are.
        seed: of the sample, the images and the weights.
        proxies: names in `predictornas.live.proxies.PROXIES`, or `module:attribute`.
    """

    benchmark: str = "nasbench201-cifar10"
    sample: int = 100
    images: str = "hard-digits"
    channels: int = 8
    cells: int = 1
    image_size: int | None = None
    seed: int = 0
    proxies: tuple[str, ...] = tuple(PROXIES)


def run_proxy_study(
    study: ProxyStudy,
    folder: Path,
    *,
    started: Started = silently,
    told: Callable[[str], None] = lambda _: None,
) -> pl.DataFrame:
    """Scores a random sample of a table's architectures and compares the orders.

    Writes `scores.csv`, `proxies.csv` and `manifest.json`; scores of the same study are not computed again.

    Args:
        study: what to score.
        folder: where everything goes.
        started: told the number of architectures, gives back what is told about progress.
        told: given how many architectures are left out of a proxy's order, because they have no score or no value.

    Returns:
        `proxy`, `tau` (Kendall's, against the table's evaluation), `low`, `high` (95 % bootstrap over architectures)
        and `milliseconds` of one core a network.

    Raises:
        AtWorkError: another command scores in the folder.
        ConfigurationError: fewer than three architectures, no proxies, a negative seed, or channels or cells that some
            network of the space cannot have.
    """
    from predictornas.live.trainable_network import NetworkShape, check_shape

    check_seed(study.seed)
    if not study.proxies:
        raise ConfigurationError("No proxies were named. Name at least one, such as synflow, or leave the names out.")
    for name in study.proxies:
        get_proxy(name)  # an unknown one is refused before anything is opened
    benchmark = open_benchmark(study.benchmark)
    if study.sample < 3:
        raise ConfigurationError(f"A proxy study needs at least 3 architectures, not {study.sample}.")
    check_shape(benchmark.space, NetworkShape(study.channels, study.cells, classes=2))
    facts = {**asdict(study), "proxies": list(study.proxies), "data_sha256": data_fingerprint(benchmark)}
    take(folder, KIND)
    task = Task(study, folder / "scores.json")
    run_all(
        ScoreNetworks(benchmark, facts),
        [task],
        is_done=lambda task: kept(task.target, "study") == facts and _scores(task.target) is not None,
        units=lambda task: task.what.sample,
        execution=Execution(started=started),
    )
    scores = _scores(task.target)
    assert scores is not None
    for name, known in scores.group_by("proxy", maintain_order=True).agg(_KNOWN.sum()).iter_rows():
        if known < study.sample:
            told(
                f"{name}: {study.sample - known} of {study.sample} architectures without a score or value are left out."
            )
    table = correlations(scores)
    write_table(folder / "scores.csv", scores)
    write_table(folder / "proxies.csv", table)
    write_manifest(folder, KIND, {"study": facts, "made_with": surroundings()})
    return table


@dataclass(frozen=True)
class ScoreNetworks:
    """Scores a sample of a table's architectures; one random stream goes through all of them.

    Attributes:
        benchmark: the table, with an evaluation column.
        facts: of the study, kept with its scores.
    """

    benchmark: Benchmark
    facts: dict[str, Any]

    def __call__(self, study: ProxyStudy, path: Path, tell: Tell) -> None:
        """Keeps the scores, one row for each architecture and proxy."""
        import torch

        from predictornas.live.augmentation import normalised
        from predictornas.live.images.loading import load_images, split
        from predictornas.live.trainable_network import NetworkShape, build_network

        proxies = {name: get_proxy(name) for name in study.proxies}
        space = self.benchmark.space
        genes = space.sample(study.sample, rng_for(study.seed, 0, "sample"))
        judge = self.benchmark.column(self.benchmark.evaluation)
        values = judge.worth(self.benchmark.lookup(genes, judge.name))
        data = load_images(study.images, size=study.image_size)
        (shown,) = split(data.train, (IMAGES,), study.seed)
        pixels, labels = normalised(shown.in_memory().pixels, data.mean, data.std), shown.labels
        shape = NetworkShape(study.channels, study.cells, data.classes, int(pixels.shape[1]))
        generator = torch.Generator().manual_seed(study.seed)
        rows = []
        for row, value in zip(genes, values.tolist(), strict=True):
            network = build_network(space, row, shape, generator=generator)
            network.path_generator = generator
            for name, proxy in proxies.items():
                begin = time.process_time()  # of this process alone, whatever else the machine does
                score = proxy(network, pixels, labels, generator)
                seconds = time.process_time() - begin
                rows.append({"proxy": name, "score": _plain(score), "value": _plain(value), "seconds": seconds})
            tell(1)
        write_sealed(path, {"study": self.facts, "rows": rows})


_KNOWN = pl.all_horizontal(pl.col("score", "value").is_not_nan())
"""Whether an architecture has both a score and a value; infinite ones count, for a singular kernel is the worst."""


def _plain(number: float) -> float | str:
    """A number as JSON has it, which lacks NaN and infinities."""
    return number if math.isfinite(number) else str(number)


def _scores(path: Path) -> pl.DataFrame | None:
    """The rows that were kept; None where an older version kept infinities as unknown."""
    rows = kept(path, "rows")
    if any(None in row.values() for row in rows):
        return None
    return pl.DataFrame([{**row, **{name: float(row[name]) for name in ("score", "value")}} for row in rows])


def correlations(scores: pl.DataFrame) -> pl.DataFrame:
    """Kendall's tau of every proxy with the table's values, as in `run_proxy_study`.

    Args:
        scores: `proxy`, `score`, `value`, `seconds`, one row for each architecture and proxy.
    """
    rows = []
    for (name,), part in scores.partition_by("proxy", as_dict=True, maintain_order=True).items():
        pairs = part.filter(_KNOWN).select("score", "value").to_numpy()
        low, high = bootstrap_interval(pairs, statistic=_tau, rng=rng_for(0, 0, "proxies"))
        milliseconds = 1000 * float(part["seconds"].mean())  # type: ignore[arg-type]
        rows.append({"proxy": name, "tau": _tau(pairs), "low": low, "high": high, "milliseconds": milliseconds})
    return pl.DataFrame(rows).sort("tau", descending=True)


def _tau(pairs: np.ndarray) -> float:
    """Kendall's tau; 0 where a resample holds no order at all."""
    tau = float(kendalltau(pairs[:, 0], pairs[:, 1]).statistic)
    return 0.0 if np.isnan(tau) else tau
