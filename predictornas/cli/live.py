"""The verbs that train networks: live-search, train, build-table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from predictornas.cli.console import Json, progress_bar, remark, say, say_where, show_json, show_rows, shown_in_browser
from predictornas.cli.listing import TO_THE_END, images_help, methods_help, proxies_help, spaces_help
from predictornas.cli.options import (
    Address,
    Board,
    Devices,
    ExecutorName,
    Formats,
    Log,
    Open,
    Part,
    Style,
    Threads,
    Where,
    Workers,
    observers_of,
    pictures_as,
    training_processes,
)
from predictornas.counting import counted
from predictornas.errors import ConfigurationError


def live_search(
    *,
    space: Annotated[str, Parameter(help=spaces_help())] = "darts",
    images: Annotated[str, Parameter(help=images_help())] = "hard-digits",
    method: Annotated[str, Parameter(help=f"{methods_help()} {TO_THE_END}")] = "rank-nosh",
    budget_epochs: int | None = None,
    budget_evaluations: int | None = None,
    hours: float | None = None,
    asynchronous: Annotated[bool, Parameter(negative="")] = False,
    seed: int = 0,
    levels: str = "1,3,9",
    channels: int = 8,
    cells: int = 3,
    recipe: str = "small",
    batch_size: int | None = None,
    image_size: int | None = None,
    training_images: int | None = None,
    preset: str = "quick",
    device: Devices = "cpu",
    threads: Threads = 1,
    workers: Workers = 0,
    executor: ExecutorName = None,
    address: Address = None,
    out: Path | None = None,
    log: Log = None,
    tensorboard: Board = None,
    format_: Formats = None,
    style: Style = "screen",
    open_report: Open = False,
    json: Json = False,
) -> None:
    """Search on networks that are trained here, within a budget of epochs.

    Example: predictornas live-search --space darts --images digits --budget-epochs 60 --out my-search

    Every epoch is checkpointed: the same command continues where a killed one stopped.

    Parameters
    ----------
    budget_epochs
        Epochs trained in all; 90 unless evaluations are limited.
    budget_evaluations
        Evaluations in all, one for each training and level that it reaches.
    hours
        Hours after which an asynchronous search stops; the same command continues it for as many again.
    asynchronous
        Workers never wait for each other: whoever is free gets the next training. What is found then depends on which
        of them ends first. May be continued with a larger budget.
    seed
        Seed of the search and of every training.
    levels
        Epochs after which a training may be stopped, separated by commas; the last is the whole training.
    channels
        Channels of the first cells.
    cells
        Cells of a DARTS network, or of each stack or stage of the others.
    recipe
        A training recipe; its length is the last level.
    batch_size
        Images in a batch; the recipe's by default.
    image_size
        Height and width that images are brought to; as they are by default.
    training_images
        Images to train with, half as many to validate and to test with; by default half of all training images each,
        or all of them where a folder has its own to validate with (val/).
    preset
        quick, default or paper.
    out
        Folder of the results; live-SPACE-METHOD by default.
    """
    from predictornas.studies.live_study import LiveStudy, run_live_study

    study = LiveStudy(
        space=space,
        images=images,
        method=method,
        budget_epochs=90 if budget_epochs is None and budget_evaluations is None else budget_epochs,
        budget_evaluations=budget_evaluations,
        asynchronous=asynchronous,
        seed=seed,
        levels=_numbers(levels),
        channels=channels,
        cells=cells,
        recipe=recipe,
        batch_size=batch_size,
        image_size=image_size,
        training_images=training_images,
        preset=preset,
        device=device,
        threads=threads,
    )
    folder = out or Path(f"live-{space}-{method}")
    processes = training_processes(workers, device, threads)
    if asynchronous and not (executor or address):
        executor = "processes"  # one worker alone would be this process, which cannot be told what comes next
    where, pictures = Where(processes, executor, address).get_executor(), pictures_as(format_, style)
    unit = "epochs" if study.budget_epochs is not None else "evaluations"
    with progress_bar(f"{method} on {space}, {unit}") as started:
        outcome = run_live_study(
            study,
            folder,
            workers=processes,
            executor=where,
            started=started,
            observers=observers_of(log, tensorboard),
            pictures=pictures,
            hours=hours,
        )
    longest = outcome.history["epochs"].max()
    failed = outcome.history["value"].null_count()
    row = {
        "method": method,
        "architectures": outcome.history["key"].n_unique(),
        "trained_to_the_end": outcome.history.filter(epochs=longest).drop_nulls("value")["key"].n_unique(),
        "epochs": round(float(outcome.history["cost_epochs"].sum())),
        "test_error": 1 - outcome.test_accuracy,
        "recommended": {"genes": outcome.recommended.tolist(), "notation": outcome.description},
    }
    shown_in_browser(folder, wanted=open_report)
    if failed:
        remark(f"{counted(failed, 'training')} failed; {folder}/search.jsonl says why.")
    if json:
        show_json([row])
        return
    show_rows([_shown({name: value for name, value in row.items() if name != "recommended"})], "", as_json=False)
    say(f"Recommended: {outcome.description}")
    say_where(folder)


def build_table(
    name: str = "nasbench101-digits",
    *,
    workers: Workers = 0,
    executor: ExecutorName = None,
    address: Address = None,
    part: Part = None,
    at_most: int | None = None,
    out: Path | None = None,
    json: Json = False,
) -> None:
    """Train every architecture of a table that this project measures itself.

    Example: predictornas build-table nasbench101-digits --out table

    Every architecture is on disk as soon as it is trained; the same command continues, on this or another machine.

    Parameters
    ----------
    name
        The table; an unknown name lists all.
    at_most
        Architectures to train now; all by default.
    out
        Folder of the journals and of the table; table-NAME by default.
    """
    from predictornas.studies.measured_table import build_table as build
    from predictornas.studies.measured_table import get_table_recipe

    recipe, folder = get_table_recipe(name), out or Path(f"table-{name}")
    where = Where(workers, executor, address, part)
    with progress_bar(name) as started:
        table = build(recipe, folder, at_most=at_most, execution=where.execution(started))
    if json:
        complete = table is not None
        show_json({"name": name, "complete": complete, "rows": len(table) if table else None, "folder": str(folder)})
    elif table is None:
        remark(f"Not complete yet. The same command continues: {folder}/")
    else:
        say(f"{name}: {counted(len(table), 'row')} in {table.folder}")


def train(
    architecture: str,
    *,
    space: Annotated[
        str | None, Parameter(help=f"The space of the architecture, by default that of its notation: {spaces_help()}")
    ] = None,
    images: Annotated[str, Parameter(help=images_help())] = "hard-digits",
    recipe: str | None = None,
    epochs: int | None = None,
    channels: int = 36,
    cells: int = 20,
    batch_size: int | None = None,
    image_size: int | None = None,
    validation: float = 0.1,
    limit_multiply_adds: float | None = None,
    on_the_fly: bool | None = None,
    decoders: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    threads: Threads = 1,
    out: Path | None = None,
    log: Log = None,
    tensorboard: Board = None,
    format_: Formats = None,
    style: Style = "screen",
    json: Json = False,
) -> None:
    """Train one architecture from its genotype, as the papers retrain what their searches find.

    Example: predictornas train DARTS-V2 --images cifar-10-batches-py --device cuda

    Checkpointed every epoch: the same command continues. Prints parameters, multiply-adds and accuracies.

    Parameters
    ----------
    architecture
        A named genotype (DARTS-V2, DrNAS-CIFAR10, ...), a printed Genotype(...), a file that holds one, or genes
        separated by commas.
    recipe
        darts-cifar10, milenas-cifar10, drnas-cifar10, darts-imagenet, drnas-imagenet, nasbench101, nasbench201, small;
        by default darts-cifar10 in the DARTS spaces, in NAS-Bench-101 and -201 that of their name. These two and small
        are for any space.
    epochs
        Length of the training; the recipe's by default.
    channels
        Channels of the first cells.
    cells
        Cells of a DARTS network, or of each stack or stage of the others.
    batch_size
        Images in a batch; the recipe's by default.
    image_size
        Height and width that the network sees; those of the images by default, or with ImageNet's recipes 7/8 of them.
    validation
        What is set aside of the training images to validate with: a share below 1, or so many images; 0 for none, as
        the papers retrain. A folder's own images to validate with (val/) are taken instead, unless it is 0.
    limit_multiply_adds
        Millions of multiply-adds for one image above which nothing is trained; no limit by default, but a warning where
        the ImageNet mobile setting's 600 are exceeded.
    on_the_fly
        Decode a folder's images whenever they are wanted; by default where they would take more than a third of the
        machine's memory.
    decoders
        Processes that decode on the fly, 0 for none but the training; by default one for each core but one, at most 16.
        Results do not depend on it.
    seed
        Seed of weights, order and augmentation.
    device
        cpu, cuda or cuda:N.
    out
        Folder of checkpoint, curve and figure; train-ARCHITECTURE by default.
    """
    from predictornas.studies.retraining import Retraining, retrain, space_of

    space = space or space_of(architecture)
    request = Retraining(
        architecture=architecture,
        space=space,
        images=images,
        recipe=recipe,
        epochs=epochs,
        channels=channels,
        cells=cells,
        batch_size=batch_size,
        image_size=image_size,
        validation=validation,
        seed=seed,
        device=device,
        threads=threads,
        limit_multiply_adds=limit_multiply_adds,
        on_the_fly=on_the_fly,
        decoders=decoders,
    )
    folder = out or Path(f"train-{architecture if len(architecture) < 40 else space}".replace("/", "-"))
    pictures = pictures_as(format_, style)
    with progress_bar(f"{architecture[:40]}, epochs") as started:
        observers = observers_of(log, tensorboard)
        result = retrain(request, folder, started=started, told=remark, observers=observers, pictures=pictures)
    if json:
        show_json([{"duration" if name == "seconds" else name: value for name, value in result.items()}])
    else:
        show_rows([_shown(result)], "", as_json=False)
        say(f"Curve and figure: {folder}/")


def export(folder: Path, *, program: bool = False, out: Path | None = None, json: Json = False) -> None:
    """Write the network that `train` left in a folder so that plain torch can read it.

    Example: predictornas export train-DARTS-V2

    Beside the weights stand the architecture, how images are normalised, the names of the classes and how to use it.

    Parameters
    ----------
    folder
        Folder of `predictornas train`.
    program
        Write the whole computation too (torch.export, network.pt2), for use without this package.
    out
        Folder of the files; FOLDER/exported by default.
    """
    from predictornas.live.exported import EXPORTED
    from predictornas.studies.retraining import export_training

    files = export_training(folder, out or folder / EXPORTED, program=program)
    if json:
        show_json([str(file) for file in files])
        return
    for file in files:
        say(f"{file}  {file.stat().st_size / 1e6:.2f} MB")


def proxies(
    *,
    benchmark: str = "nasbench201-cifar10",
    names: Annotated[str | None, Parameter(help=proxies_help())] = None,
    sample: int = 100,
    images: Annotated[str, Parameter(help=images_help())] = "hard-digits",
    channels: int = 8,
    cells: int = 1,
    image_size: int | None = None,
    seed: int = 0,
    out: Path | None = None,
    json: Json = False,
) -> None:
    """Measure how well zero-cost proxies of untrained networks rank a table.

    Example: predictornas proxies --benchmark nasbench201-cifar100 --sample 50

    Parameters
    ----------
    benchmark
        A table of NAS-Bench-101 or NAS-Bench-201.
    sample
        Random architectures to score.
    channels
        Channels of the first cells.
    cells
        Cells of each stack or stage.
    image_size
        Height and width that images are brought to; as they are by default.
    seed
        Seed of the sample, the images and the weights.
    out
        Folder of the results; proxies-BENCHMARK by default.
    """
    from predictornas.studies.proxy_study import ProxyStudy, run_proxy_study

    chosen = {} if names is None else {"proxies": tuple(name.strip() for name in names.split(",") if name.strip())}
    study = ProxyStudy(benchmark, sample, images, channels, cells, image_size, seed, **chosen)
    folder = out or Path(f"proxies-{benchmark}")
    with progress_bar(f"proxies on {benchmark}") as started:
        table = run_proxy_study(study, folder, started=started, told=remark)
    rows = [
        {
            "proxy": row["proxy"],
            "Kendall's tau": f"{row['tau']:.2f} [{row['low']:.2f}, {row['high']:.2f}]",
            "ms a network": f"{row['milliseconds']:.0f}",
        }
        for row in table.to_dicts()
    ]
    if json:
        show_json([row | {"duration": row.pop("milliseconds") / 1000} for row in table.to_dicts()])
    else:
        show_rows(rows, f"{counted(sample, 'architecture')} of {benchmark}", as_json=False)


def _shown(row: dict[str, Any]) -> dict[str, str]:
    """A row as a person reads it: errors in percent, times in minutes."""
    shown = {}
    for name, value in row.items():
        label = name.replace("_", " ")
        if value is None:
            continue
        if name.endswith("_error"):
            shown[f"{label}, %"] = f"{100 * value:.2f}"
        elif name == "seconds":
            shown["minutes"] = f"{value / 60:.1f}"
        else:
            shown[label] = str(value)
    return shown


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(",") if number.strip())
    except ValueError:
        raise ConfigurationError(f"levels are whole numbers of epochs with commas between, not {text!r}.") from None
