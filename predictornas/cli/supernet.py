"""The verb that searches with one super-network: supernet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from predictornas.cli.architecture import tables_as_json, tables_in_words
from predictornas.cli.console import Json, progress_bar, remark, say, say_where, show_json, show_rows, shown_in_browser
from predictornas.cli.listing import images_help, supernet_methods_help
from predictornas.cli.options import (
    SEEDS_HELP,
    Board,
    Devices,
    Formats,
    Log,
    Open,
    Style,
    Threads,
    Where,
    Workers,
    observers_of,
    parsed_seeds,
    pictures_as,
    training_processes,
)
from predictornas.cli.supernet_options import (
    Anchor,
    ArchitectureRate,
    BatchSize,
    Cells,
    Channels,
    Epochs,
    From,
    LearningRate,
    MixedWeight,
    Space,
    TrainingImages,
    WarmUp,
)
from predictornas.counting import counted
from predictornas.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Int8

    from predictornas.observers import Observer
    from predictornas.spaces.base import SearchSpace
    from predictornas.studies.pictures import Pictures
    from predictornas.studies.supernet_run import SuperNetworkRun

QUANTITIES = {
    "validation_accuracy": "validation accuracy, %",
    "entropy": "entropy, %",
    "skip_share": "skip connections, %",
    "table_accuracy": "accuracy in nasbench201-cifar10, %",
}
"""What is told of each seed: of the super-network, of its edges, of the cell, and of the cell in a table."""

MOBILE_SIZE = 224
"""Height and width of the images of ImageNet's mobile setting; smaller images say nothing about it."""


def supernet(
    *,
    method: Annotated[str, Parameter(help=supernet_methods_help())] = "darts-1",
    space: Space = None,
    data: Annotated[str, Parameter(help=images_help())] = "digits",
    training_images: TrainingImages = None,
    cells: Cells = None,
    channels: Channels = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    architecture_rate: ArchitectureRate = None,
    warm_up: WarmUp = None,
    lambda_: MixedWeight = None,
    anchor: Anchor = None,
    from_: From = None,
    size: int | None = None,
    seed: int = 0,
    seeds: Annotated[str | None, Parameter(help=f"{SEEDS_HELP} Instead of --seed.")] = None,
    preset: str = "paper",
    device: Devices = "cpu",
    threads: Threads = 1,
    workers: Workers = 1,
    curvature: bool = False,
    second_order_error: bool = False,
    small: bool = False,
    out: Path | None = None,
    log: Log = None,
    tensorboard: Board = None,
    format_: Formats = None,
    style: Style = "screen",
    open_report: Open = False,
    json: Json = False,
) -> None:
    """Train one network that holds every architecture of a space, and select one from it.

    Example: predictornas supernet --method drnas --space darts-s2 --data digits --small

    Writes the genotype, a picture of its cells, curves, tables and manifest.json. The same command resumes. With
    --seeds each search has a folder below OUT, and a table summarises them. For images of 224 x 224 it tells how large
    a DARTS network of that genotype is in the mobile setting of ImageNet.

    Parameters
    ----------
    size
        Height and width that images are brought to. Default: as they are.
    seed
        Seed of everything random.
    preset
        paper, or released: the settings of the method's released code.
    curvature
        Measure the largest eigenvalue of the Hessian of the validation loss in each epoch.
    second_order_error
        Measure in each epoch how far the finite difference of second-order methods is from the exact term: 0 is the
        same, 1 as far as the term is long. Where ReLUs switch between its two points, as in small networks on few
        images, it can be many times that, and then says nothing of the term.
    small
        Small enough to show in minutes that everything works: 256 images, 4 epochs, batches of 32, 3 cells (in
        nasbench201 one a stage) of 8 channels; other options still apply.
    out
        Folder of the results; supernet-METHOD by default.
    """
    from predictornas.studies.supernet_run import SuperNetworkRun

    run = SuperNetworkRun(
        method=method,
        space=space,
        data=data,
        preset=preset,
        cells=cells,
        channels=channels,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        architecture_rate=architecture_rate,
        warm_up=warm_up,
        lambda_=lambda_,
        anchor=anchor,
        training_images=training_images,
        from_=from_,
        size=size,
        seed=seed,
        device=device,
        threads=threads,
        curvature=curvature,
        second_order_error=second_order_error,
        small=small,
    )
    folder, pictures = out or Path(f"supernet-{method}"), pictures_as(format_, style)
    observers = observers_of(log, tensorboard)
    if seeds is None:
        _one(run, folder, pictures, observers, open_report=open_report, json=json)
        return
    if seed:
        raise ConfigurationError("--seed and --seeds were both given. Keep one of them.")
    processes = training_processes(workers if device == "cpu" else 0, device, threads)  # on each GPU one at a time
    where = Where(processes, observers=observers)
    _several(run, parsed_seeds(seeds), folder, where, pictures, json=json)


def _one(
    run: SuperNetworkRun,
    folder: Path,
    pictures: Pictures,
    observers: tuple[Observer, ...],
    *,
    open_report: bool,
    json: bool,
) -> None:
    """One search, and what is said of it."""
    import numpy as np

    from predictornas.spaces.registry import get_space
    from predictornas.studies.one_architecture import accuracy_there
    from predictornas.studies.supernet_run import released_rule, run_supernet
    from predictornas.supernet import cautions

    job, images = run.prepared()
    for text in cautions.before(job):
        remark(text)
    with progress_bar(f"{run.method} in {job.space}, epochs") as started:
        outcome = run_supernet(
            run.method, job, images, folder, started=started, observers=observers, pictures=pictures, asked=run
        )
    searched, row = get_space(job.space), np.array(outcome.genes, dtype=np.int8)
    architecture = searched.describe(row)
    large = images.train.image_shape[-1] >= MOBILE_SIZE
    mobile = _mobile_size(searched, row) if large and job.topology.family == "darts" else {}
    released = released_rule(job, outcome)
    warned = cautions.after(job, outcome.records)
    there = accuracy_there(searched, row)
    shown_in_browser(folder, wanted=open_report)
    if json:
        last = outcome.records[-1]
        found = {"architecture": architecture, "genes": list(outcome.genes), "epochs": len(outcome.records), **mobile}
        found |= {} if released is None else {"released_rule": released}
        found |= {"tables": tables_as_json(there)} if there else {}
        warnings = [*cautions.before(job), *warned]
        show_json({**found, "validation_accuracy": last.validation_accuracy, "warnings": warnings})
        return
    say(architecture)
    if mobile:
        remark(
            f"On ImageNet, 14 cells of 48 channels: {mobile['mobile_parameters'] / 1e6:.1f}M parameters, "
            f"{mobile['mobile_multiply_adds'] / 1e6:.0f}M multiply-adds of the 600M that its mobile setting allows."
        )
    if released is not None:
        remark(_by_released_rule(**released))
    for text in [*tables_in_words(there), *warned]:
        remark(text)
    say_where(folder, remark)  # standard output is the genotype alone


def _several(
    run: SuperNetworkRun, seeds: Sequence[int], folder: Path, where: Where, pictures: Pictures, *, json: bool
) -> None:
    """The same search at several seeds, and a table of them with the means."""
    from predictornas.studies.supernet_seeds import run_seeds

    with progress_bar(f"{run.method}, {counted(len(seeds), 'seed')}, epochs") as started:
        found = run_seeds(run, seeds, folder, execution=where.execution(started), pictures=pictures)
    if json:
        rows = {name: table.to_dicts() for name, table in (("seeds", found.seeds), ("summary", found.summary))}
        for row in rows["seeds"]:
            row["duration"] = row.pop("seconds")
        show_json({**rows, "warnings": list(found.warnings)})
        return
    show_rows([_seed_row(row) for row in found.seeds.to_dicts()], "", as_json=False)
    for row in found.summary.to_dicts():
        interval = "" if row["low"] is None else f" [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
        say(f"{QUANTITIES[row['quantity']]}: {100 * row['mean']:.1f}{interval}, {counted(row['runs'], 'seed')}")
    for text in found.warnings:
        remark(text)
    say(f"Tables: {folder}/; each search in a folder below")


def _seed_row(row: Mapping[str, Any]) -> dict[str, str]:
    """A seed as a person reads it."""
    shares = {QUANTITIES[name]: f"{100 * row[name]:.1f}" for name in QUANTITIES if row.get(name) is not None}
    return {"seed": str(row["seed"]), **shares, "minutes": f"{row['seconds'] / 60:.1f}", "cell": row["architecture"]}


def _by_released_rule(kept: dict[str, list[str]], member: bool) -> str:
    """What is said of the rule of GDAS's released code."""
    cells = "; ".join(f"{name}: {', '.join(edges)}" for name, edges in kept.items())
    verdict = "a member of the space" if member else "no member of the space"
    return f"GDAS's released code would keep {verdict} ({cells}). The result is derived as in DARTS."


def _mobile_size(space: SearchSpace, row: Int8[np.ndarray, " g"]) -> dict[str, int]:
    """Parameters and multiply-adds as `train --recipe darts-imagenet --cells 14 --channels 48` counts them."""
    from predictornas.live.counting import count_multiply_adds, count_parameters
    from predictornas.live.trainable_network import NetworkShape, weightless_network

    network = weightless_network(space, row, NetworkShape(48, 14, 1000, stem="imagenet"))
    return {
        "mobile_parameters": count_parameters(network),
        "mobile_multiply_adds": count_multiply_adds(network, 3, MOBILE_SIZE),
    }
