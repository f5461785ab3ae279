"""Derives the tables and figures of the result folders again from what was measured.

python docs/results/regenerate.py                   all folders
python docs/results/regenerate.py search nosh       those below search and nosh
python docs/results/regenerate.py runs              the runs that ship with the package
python docs/results/regenerate.py --peers FILE      and search/peers.csv from a parquet of the peers' runs

What was measured: `history.parquet` and `pools.parquet` of a study, `fits.csv` of predictors, `scores.csv` of proxies,
the tables of super-network figures, and those in the store. A folder keeps the files that it has: only those are
written again.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asynchronous_tables
import expected_gain
import fresh_searches
import matplotlib
import nosh_comparisons
import numpy as np
import polars as pl
import published_runs
import supernet_figures
import torch
from scipy.stats import kendalltau

from predictornas.analysis.equal_epochs import differences_at
from predictornas.analysis.ordering import Claim, ordering_table
from predictornas.analysis.phases import phases_table, runs_table
from predictornas.analysis.readings import readings_table
from predictornas.analysis.regret import incumbent_curves, oracle_errors
from predictornas.analysis.statistics import over_seeds, paired_difference
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import DataError
from predictornas.papers.figure import FigureRequest, write_figure
from predictornas.papers.named_figures import find_figures
from predictornas.papers.near_pools import near_pools
from predictornas.predictors.engine.message_passing import Normalisation, propagation
from predictornas.predictors.gcn import GCN
from predictornas.spaces.registry import get_space
from predictornas.studies.comparison import compare_folders
from predictornas.studies.comparison_report import write_comparison
from predictornas.studies.gain.epoch_report import nominal_savings, report_on_epochs, write_epoch_report
from predictornas.studies.gain.manifest import read_manifest, study_in
from predictornas.studies.gain.opened import OpenedStudy
from predictornas.studies.gain.report import report_on, write_report
from predictornas.studies.gain.study import Study, data_fingerprint
from predictornas.studies.gain.study_targets import named_errors, study_targets
from predictornas.studies.objectives.report import report_on as report_on_objectives
from predictornas.studies.objectives.report import write_report as write_objectives
from predictornas.studies.objectives.study import objectives_in
from predictornas.studies.pictures import Pictures, write_figures
from predictornas.studies.predictor_study import rewrite_summary
from predictornas.studies.proxy_study import correlations
from predictornas.studies.robustness_study import FAILURES, RUNS, failure_table
from predictornas.studies.table_agreement import write_agreement
from predictornas.studies.tidy_tables import write_table

RESULTS = Path(__file__).resolve().parent

GAINS = RESULTS / "expected-gain" / "pilots"

PUBLISHED = RESULTS.parents[1] / "predictornas" / "runs.npz"
"""The runs of all studies, as they ship with the package."""

FIGURES = {"efficient-sampling": ("mauch-fig*", "efficient-sampling/nasbench101")}
"""Figures by name that are views of a study's folder."""

AT_EQUAL_TRAINING = {
    "exhaustive": "whole space; 500 steps at 0.01",
    "evolutionary-100": "evolutionary 100; 500 steps at 0.01",
}
"""What the searches of `efficient-sampling/nasbench101` are called where pools are compared at equal training."""

SEARCHES = tuple(f"search/{name}" for name in ("nasbench101", "nasbench201-cifar10", "nasbench201-cifar100"))
SEARCHES = (*SEARCHES, "search/nasbench201-imagenet16-120")

GRAPH_SETS = ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv", "proteins")
EVERY_TABLE = (
    "nasbench101",
    "nasbench101-digits",
    *(f"nasbench201-full-{name}" for name in ("cifar10", "cifar100", "imagenet16-120")),
    *(f"nasbench-graph-{name}" for name in GRAPH_SETS),
)

COMPARISONS = {
    "tables/comparison": tuple(f"tables/{name}" for name in EVERY_TABLE),
    "search/comparison": SEARCHES,
    "search/comparison-nasbench101": SEARCHES[:1],
    "speed/comparison-warm": ("nasbench201-quick", "nasbench201-warm"),
}
"""Folders that `predictornas compare` was given."""

TABLES = (
    "nasbench101",
    "nasbench101-digits",
    "nasbench101-val30k",
    "nasbench201-cifar10",
    "nasbench201-cifar100",
    "nasbench201-imagenet16-120",
    "nasbench201-full-cifar10",
)

PAIRED = ("difference", "low", "high", "pairs", "nonzero")
"""What is kept of a paired comparison."""

PHASES = ((1, 5), (6, 15), (16, 29))
"""Iterations of 10 proposals: early, in between, late."""

EPOCHS = {
    "nosh/nasbench201": (2500, 4000, 6000, 8000, 10000, 12000),
    "nosh/nasbench201-100": (2500, 4000, 6000, 10000, 20000),
    "nosh/digits": (90, 180, 270),
    "nosh/digits-2": (80, 160, 320),
    "nosh/val30k": (250, 600, 1080, 2000),
    "nosh/val30k-100": (1080, 2160, 5400, 10800),
}
"""Numbers of epochs after which methods are compared with full trainings."""

BOUNDS = {
    "test_loss": (0.0, float("inf")),
    "relative_loss": (0.0, float("inf")),
    "tau": (-1.0, 1.0),
    **dict.fromkeys(("incumbent", "derived", "minimum", "late"), (0.0, 1.0)),
    **dict.fromkeys(("clamp_rate", "effective_share", "descent_share"), (0.0, 1.0)),
}
"""Of the quantities of PVLL-NAS."""

PEER_EVALUATIONS = (50, 100, 150, 300)


def main(*asked: str) -> None:
    """Renews the folders at or below the given paths; all where none is given."""
    os.environ["SOURCE_DATE_EPOCH"] = "0"  # an SVG that shows the same is the same
    matplotlib.rcParams["svg.hashsalt"] = "predictornas"
    peers = asked[asked.index("--peers") + 1] if "--peers" in asked else None
    wanted = [part for part in asked if part not in ("--peers", peers)]
    for name, renew in work():
        if not wanted or any(name == part or name.startswith(f"{part}/") for part in wanted):
            sys.stdout.write(f"{name}\n")
            sys.stdout.flush()
            renew()
    if peers is not None:
        best = facts_of(open_benchmark("nasbench101"))["evaluation_on_evaluation"]
        write_table(RESULTS / "search" / "peers.csv", peers_table(pl.read_parquet(peers), best))


def work() -> Iterator[tuple[str, Callable[[], None]]]:
    """Every folder with what renews it."""
    yield "tables.csv", write_facts
    for path in sorted(RESULTS.rglob("manifest.json")):
        folder, name = path.parent, str(path.parent.relative_to(RESULTS))
        if name == "efficient-sampling/near-pools":
            yield name, lambda folder=folder: renew_near_pools(folder)
        elif (folder / "history.parquet").exists() and (folder / "front.csv").exists():
            yield name, lambda folder=folder: renew_objectives(folder)
        elif (folder / "history.parquet").exists():
            yield name, lambda folder=folder: renew_study(folder)
        elif (folder / "fits.csv").exists():
            yield name, lambda folder=folder: renewed(folder, lambda out: rewrite_summary(folder, out))
        elif (folder / "scores.csv").exists():
            yield name, lambda folder=folder: renew_proxies(folder)
        elif (folder / "agreement.csv").exists():
            yield name, lambda folder=folder: renewed(folder, lambda out: renew_agreement(folder, out))
    yield "predictors/protocols.csv", write_protocols
    yield "robustness", count_failures
    yield "efficient-sampling/normalisation.csv", compare_normalisations
    yield "speed/engines.csv", compare_engines
    yield "pvll", summarise_estimators
    yield "pvll/searches.csv", compare_settings
    for name, members in COMPARISONS.items():
        yield name, lambda name=name, members=members: renew_comparison(name, members)
    yield "tables/gains.csv", compare_gains
    yield "search/found.png", lambda: fresh_searches.draw_found(RESULTS / "search")
    yield "asynchronous", lambda: asynchronous_tables.renew(RESULTS / "asynchronous")
    yield "nosh/comparisons", lambda: nosh_comparisons.renew(RESULTS / "nosh")
    yield "expected-gain/pilots", lambda: renewed(GAINS, lambda out: expected_gain.renew(GAINS, out))
    yield "supernet", lambda: supernet_figures.renew(RESULTS / "supernet")
    yield "efficient-sampling/mauch-smoothness", renew_smoothness
    yield "runs", lambda: published_runs.renew(RESULTS, PUBLISHED)
    for name, (pattern, study) in FIGURES.items():
        yield f"{name}/figures", lambda name=name, pattern=pattern, study=study: renew_figures(name, pattern, study)


def renewed(folder: Path, write: Callable[[Path], Any]) -> None:
    """Lets `write` fill an empty folder, and takes from it the files that the folder has, manifests excepted."""
    with tempfile.TemporaryDirectory() as place:
        write(Path(place))
        for path in Path(place).iterdir():
            if (folder / path.name).exists() and path.suffix != ".json":
                shutil.copyfile(path, folder / path.name)


def opened(folder: Path) -> tuple[Study, Benchmark, pl.DataFrame]:
    """The study of a folder, its table and its history.

    Raises:
        DataError: the store holds other data under the table's name.
    """
    manifest = read_manifest(folder) or {}
    study = study_in(manifest)
    benchmark = study.open()
    if data_fingerprint(benchmark) != manifest["study"]["data_sha256"]:
        raise DataError(f"{folder} was measured on another {benchmark.name!r} than the store holds. Import that one.")
    return study, benchmark, pl.read_parquet(folder / "history.parquet")


def renew_study(folder: Path) -> None:
    """The report of a study, and the tables that only some documents need."""
    study, benchmark, history = opened(folder)
    if study.budget_epochs is not None:
        nominal = nominal_savings(OpenedStudy(study, benchmark), history["method"].unique())
        report = report_on_epochs(history, benchmark, nominal)
        renewed(folder, lambda out: write_epoch_report(out, report))
        at = EPOCHS.get(str(folder.relative_to(RESULTS)))
        if at is not None:
            full = min(method for method in history["method"].unique() if method.startswith("rank-full"))
            write_table(folder / "equal-epochs.csv", differences_at(incumbent_curves(history), full, at=at))
        return
    pools = folder / "pools.parquet"
    errors = finite_errors(benchmark)
    kept = pl.read_parquet(pools) if pools.exists() else pl.DataFrame()
    renewed(folder, lambda out: write_report(out, report_on(history, kept, benchmark, study_targets(errors))))
    target, oracle = named_errors(errors)["top 0.1 %"], float(errors.min())
    extra = {
        "runs.csv": lambda: runs_table(history, errors, target=target, signal_oracle=oracle, bad=0.1),
        "phases.csv": lambda: phases_table(history, errors, PHASES, target=target, bad=0.1),
    }
    for name, make in extra.items():
        if (folder / name).exists():
            write_table(folder / name, make())


def renew_objectives(folder: Path) -> None:
    """The report of a study of several objectives."""
    opened = objectives_in(read_manifest(folder, "objectives") or {}).open()
    history = pl.read_parquet(folder / "history.parquet")
    renewed(folder, lambda out: write_objectives(out, report_on_objectives(history, opened)))


def finite_errors(benchmark: Benchmark) -> np.ndarray:
    """1 - signal of every architecture that was measured."""
    errors = benchmark.costs(benchmark.signal)
    return np.asarray(errors[np.isfinite(errors)])


def renew_proxies(folder: Path) -> None:
    """Correlations of zero-cost proxies from their scores."""
    write_table(folder / "proxies.csv", correlations(pl.read_csv(folder / "scores.csv")))


def renew_agreement(folder: Path, out: Path) -> None:
    """Agreement of the columns of one table or two."""
    write_agreement(
        *[*json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["tables_sha256"], None][:2], out
    )


def write_protocols() -> None:
    """What the predictors of each folder learned from and were judged on, from the manifests."""
    rows = []
    for path in sorted((RESULTS / "predictors").glob("*/manifest.json")):
        study = json.loads(path.read_text(encoding="utf-8"))["study"]
        judged = study.get("judge_on") or study["train_on"]
        facts = {"folder": path.parent.name, "trained_on": study["train_on"], "judged_on": judged}
        facts |= {"table": study["benchmark"], "protocol": study.get("protocol")}
        rows.append({**facts, "judged": study.get("judged"), "draws": study["draws"]})
    kinds = {"judged": pl.Int64, "protocol": pl.String}
    write_table(RESULTS / "predictors" / "protocols.csv", pl.DataFrame(rows, schema_overrides=kinds))


def count_failures() -> None:
    """How many runs failed on the generated tables, from what each run ended with."""
    folder = RESULTS / "robustness"
    write_table(folder / FAILURES, failure_table(pl.read_csv(folder / RUNS)))


SYMMETRIC = "predictornas.predictors.studied:symmetric_gcn"


def compare_normalisations() -> None:
    """The paper's normalisation less the symmetric one, paired by draw, and the variance of features by layer."""
    fits = pl.read_csv(RESULTS / "predictors" / "normalisation" / "fits.csv")
    rows: list[dict[str, Any]] = []
    for size in fits["size"].unique(maintain_order=True):
        for quantity in ("tau", "hits", "regret"):
            own = fits.filter(size=size).sort("draw")
            pair = (own.filter(predictor=name)[quantity].to_numpy() for name in ("gcn", SYMMETRIC))
            rows.append({"quantity": quantity, "at": size, **vars(paired_difference(*pair))})
    for normalisation in ("left", "symmetric"):
        for layer, variance in enumerate(variances(normalisation), start=1):
            rows.append({"quantity": f"variance, {normalisation}", "at": layer, "mean": variance})
    write_table(RESULTS / "efficient-sampling" / "normalisation.csv", pl.DataFrame(rows, infer_schema_length=None))


def variances(normalisation: Normalisation, *, cells: int = 2000, networks: int = 10) -> list[float]:
    """Variance of the features of each layer of an untrained GCN over random cells, their vertices and networks."""
    space, rng = get_space("nasbench101"), np.random.default_rng(0)
    graphs = space.graphs(space.sample(cells, rng))
    spread = propagation(graphs, normalisation=normalisation).dense(slice(None))
    real = graphs.operations >= 0
    found: list[list[float]] = []
    for number in range(networks):
        network = GCN(normalisation=normalisation).new_network(graphs.num_codes, torch.Generator().manual_seed(number))
        x = np.eye(graphs.num_codes, dtype=np.float32)[graphs.operations]
        found.append([])
        for weights in network.convolutions:
            x = np.maximum(spread @ (x @ weights.detach().numpy()), 0)
            found[-1].append(float(x[real].var()))
    return [float(layer) for layer in np.mean(found, axis=0)]


def compare_gains() -> None:
    """On every table the gain of the default search less that of Bayesian optimisation, dB, paired by seed."""
    claims = (Claim("climbing-bayesian-optimisation", "not worse", "bayesian-optimisation", about=("gain",)),)
    parts = []
    for name in EVERY_TABLE:
        _, table, history = opened(RESULTS / "tables" / name)
        errors = table.costs(table.signal)
        errors = errors[np.isfinite(errors)]
        found = ordering_table(history, errors, named_errors(errors), claims=claims)
        parts.append(found.select(pl.lit(name).alias("table"), pl.col("of").alias("target"), *PAIRED))
    write_table(RESULTS / "tables" / "gains.csv", pl.concat(parts))


def compare_engines() -> None:
    """How many runs of the dense engine are those of the indexed one, evaluation by evaluation."""
    runs = [
        pl.read_parquet(RESULTS / name / "history.parquet")
        .sort("order")
        .group_by("method", "seed", maintain_order=True)
        .agg("key")
        for name in ("nasbench201-quick", "nasbench201-dense")
    ]
    both = runs[0].join(runs[1], on=["method", "seed"])
    same = both.filter(pl.col("key") == pl.col("key_right"))
    write_table(RESULTS / "speed" / "engines.csv", pl.DataFrame({"runs": [len(both)], "identical": [len(same)]}))


def summarise_estimators() -> None:
    """Means over the seeds of the tables of PVLL-NAS, whose rows are single runs."""
    parts = []
    for name in ("pvll-table3", "pvll-table5"):
        values = pl.read_csv(RESULTS / "pvll" / f"{name}.csv", infer_schema_length=None)
        for (quantity,), rows in values.group_by("quantity", maintain_order=True):
            limits = BOUNDS.get(str(quantity))
            summary = over_seeds(rows.drop_nulls("value"), ["setting", "quantity"], "value", bounds=limits)
            parts.append(summary.select(table=pl.lit(name), **{column: column for column in summary.columns}))
    write_table(RESULTS / "pvll" / "summary.csv", pl.concat(parts))


def compare_settings() -> None:
    """PVLL-NAS with the default and with the printed settings, each less random search, paired by seed."""
    rows = []
    for folder in sorted(path.parent for path in (RESULTS / "pvll").glob("*/history.parquet")):
        study = (read_manifest(folder) or {})["study"]
        runs = ends_of_runs(pl.read_parquet(folder / "history.parquet"))
        for quantity in ("chosen", "best", "late"):
            both = [runs.filter(method=method).sort("seed")[quantity].to_numpy() for method in ("pvll", "random")]
            difference = paired_difference(*both)
            facts = {"table": study["benchmark"], "preset": study["preset"], "quantity": quantity}
            rows.append({**facts, "pvll": both[0].mean(), "random": both[1].mean(), **vars(difference)})
    write_table(RESULTS / "pvll" / "searches.csv", pl.DataFrame(rows))


def ends_of_runs(history: pl.DataFrame, late: int = 50) -> pl.DataFrame:
    """Evaluation errors of each run: of the best by the signal, of the best, the median of the last proposals."""
    runs = history.sort("order").with_columns(error=1 - pl.col("evaluation")).group_by("method", "seed")
    return runs.agg(
        chosen=pl.col("error").sort_by("value", descending=True, maintain_order=True).first(),
        best=pl.col("error").min(),
        late=pl.col("error").tail(late).median(),
    )


def renew_comparison(name: str, members: tuple[str, ...]) -> None:
    """A comparison of result folders."""
    os.chdir(RESULTS)  # the tables name folders as they are given
    renewed(RESULTS / name, lambda out: write_comparison(out, compare_folders([Path(member) for member in members])))


def renew_figures(name: str, pattern: str, study: str) -> None:
    """Figures by name from the history of a study."""
    for figure in find_figures([pattern]):
        renewed(RESULTS / name, lambda out, f=figure: write_figure(f, FigureRequest(out, study=RESULTS / study)))


def renew_smoothness() -> None:
    """The correlations of neighbours, drawn from their table: distances to all of NAS-Bench-101 take minutes."""
    (figure,) = find_figures(["mauch-smoothness"])
    folder = RESULTS / "efficient-sampling"
    found = pl.read_csv(folder / "mauch-smoothness.csv", infer_schema_length=None)
    renewed(folder, lambda out: write_figure(figure, FigureRequest(out, size="full", found=found)))


def renew_near_pools(folder: Path) -> None:
    """Whole space and near pools at equal training, from the runs of this folder and of the one beside it."""
    mine, others = (pl.read_parquet(folder.parent / name / "history.parquet") for name in (folder.name, "nasbench101"))
    kept = others.filter(pl.col("method").is_in(list(AT_EQUAL_TRAINING)) & (pl.col("order") < mine["order"].max() + 1))
    kept = kept.with_columns(pl.col("method").replace(AT_EQUAL_TRAINING))
    columns = [name for name in mine.columns if name in kept.columns]
    runs = pl.concat([mine.select(columns), kept.select(columns)])
    made = near_pools(runs, open_benchmark("nasbench101"), title="Ranking the whole space, and pools near the best")

    def write(out: Path) -> None:
        write_table(out / "mauch-near-pools.csv", made.table)
        write_table(out / "mauch-near-pools-paper.csv", made.paper)
        write_figures(out, {"mauch-near-pools": made.figure}, Pictures(("png",)))

    renewed(folder.parent, write)


def write_facts() -> None:
    """What the tables themselves say, and how high each reading of the gain could reach."""
    write_table(RESULTS / "tables.csv", pl.DataFrame([facts_of(open_benchmark(name)) for name in TABLES]))
    write_table(RESULTS / "readings.csv", readings_table(423_624, (4, 290, 1396), (1, 10)))


def facts_of(benchmark: Benchmark) -> dict[str, Any]:
    """Errors of the best cells of a table by signal and by evaluation, and how far the two agree."""
    signal, evaluation = (benchmark.costs(name) for name in (benchmark.signal, benchmark.evaluation))
    both = np.isfinite(signal) & np.isfinite(evaluation)
    judged = np.sort(evaluation[both])
    errors = signal[both]
    return {
        "table": benchmark.name,
        "signal": benchmark.signal,
        "evaluation": benchmark.evaluation,
        "architectures": int(both.sum()),
        **vars(oracle_errors(signal, evaluation)),
        "second_best": float(judged[1]),
        "median": float(np.median(judged)),
        "bad_share": float((errors > 0.1).mean()),
        "tau": float(kendalltau(signal[both], evaluation[both]).statistic),
    }


def peers_table(peers: pl.DataFrame, best_possible: float) -> pl.DataFrame:
    """What searches by others' code had after some evaluations, and their mean regret over the first 150.

    Args:
        peers: `method`, `source`, `note`, `run`, `evaluation` (1, 2, ...), `signal_error`, `evaluation_error`.
        best_possible: the lowest error of the table.
    """
    keys = ["method", "source", "note"]
    rows = peers.with_columns(pl.col(keys).cast(pl.String), pl.col("evaluation_error").cast(pl.Float64))
    curves = rows.sort("evaluation", maintain_order=True).with_columns(
        best=pl.col("evaluation_error").cum_min().over("method", "run")
    )
    at = curves.filter(pl.col("evaluation").is_in(PEER_EVALUATIONS)).with_columns(quantity=pl.lit("best"))
    first = curves.filter(pl.col("evaluation") <= 150)
    mean = first.group_by(*keys, "run", maintain_order=True).agg(pl.col("best").mean())
    mean = mean.with_columns(quantity=pl.lit("mean of the best"), evaluation=pl.lit(150, at["evaluation"].dtype))
    wanted = [*keys, "quantity", "evaluation", "run", "best"]
    both = pl.concat([at.select(wanted), mean.select(wanted)]).sort("method", "quantity", "evaluation", "run")
    lowest = float(rows["evaluation_error"].min())  # type: ignore[arg-type]  # nobody found the best cell
    table = over_seeds(both, [*keys, "quantity", "evaluation"], "best", bounds=(min(lowest, best_possible), 1.0))
    return table.rename({"evaluation": "evaluations"})


if __name__ == "__main__":
    main(*sys.argv[1:])
