"""The verb that searches with one super-network: supernet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from predictornas.cli.console import Json, progress_bar, remark, say, say_where, show_json, shown_in_browser
from predictornas.cli.listing import images_help, supernet_methods_help
from predictornas.cli.options import Formats, Open, Style, Threads, pictures_as

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Int8

    from predictornas.spaces.base import SearchSpace


MOBILE_SIZE = 224
"""Height and width of the images of ImageNet's mobile setting; smaller images say nothing about it."""


def supernet(
    *,
    method: Annotated[str, Parameter(help=supernet_methods_help())] = "darts-1",
    space: str = "darts",
    data: Annotated[str, Parameter(help=images_help())] = "digits",
    cells: int | None = None,
    channels: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    size: int | None = None,
    seed: int = 0,
    preset: str = "paper",
    device: str = "cpu",
    threads: Threads = 1,
    curvature: bool = False,
    second_order_error: bool = False,
    small: bool = False,
    out: Path | None = None,
    format_: Formats = None,
    style: Style = "screen",
    open_report: Open = False,
    json: Json = False,
) -> None:
    """Train one network that holds every architecture of a space, and select one from it.

    Example: predictornas supernet --method drnas --space darts-s2 --data digits --small

    Writes the genotype, a picture of its cells, curves, tables and manifest.json. The same command resumes. For images
    of 224 x 224 it tells how large a DARTS network of that genotype is in the mobile setting of ImageNet.

    Parameters
    ----------
    space
        darts (7 operations), darts-8, darts-s1 to darts-s4, or nasbench201.
    cells
        Cells of the super-network, in nasbench201 of each stage; as in the paper by default, like all below.
    channels
        Channels of the first cells.
    epochs
        Length of the search; warm-ups, stages and intervals keep their share of it.
    batch_size
        Images of a batch.
    size
        Height and width that images are brought to.
    seed
        Seed of everything random.
    preset
        paper, or released: the settings of the method's released code.
    device
        cpu or cuda.
    curvature
        Measure the largest eigenvalue of the Hessian of the validation loss in each epoch.
    second_order_error
        Measure in each epoch how far the finite difference of second-order methods is from the exact term.
    small
        Small enough to show in minutes that everything works; other options still apply.
    out
        Folder of the results; supernet-METHOD by default.
    """
    from predictornas.spaces.registry import get_space
    from predictornas.studies.supernet_run import SuperNetworkRun, released_rule, run_supernet

    run = SuperNetworkRun(
        method=method,
        space=space,
        data=data,
        preset=preset,
        cells=cells,
        channels=channels,
        epochs=epochs,
        batch_size=batch_size,
        size=size,
        seed=seed,
        device=device,
        threads=threads,
        curvature=curvature,
        second_order_error=second_order_error,
        small=small,
    )
    folder = out or Path(f"supernet-{method}")
    pictures = pictures_as(format_, style)
    job, images = run.prepared()
    with progress_bar(f"{method} in {space}, epochs") as started:
        outcome = run_supernet(method, job, images, folder, started=started, pictures=pictures, asked=run)
    import numpy as np

    searched, row = get_space(space), np.array(outcome.genes, dtype=np.int8)
    architecture = searched.describe(row)
    large = images.train.pixels.shape[-1] >= MOBILE_SIZE
    mobile = _mobile_size(searched, row) if large and job.topology.family == "darts" else {}
    released = released_rule(job, outcome)
    shown_in_browser(folder, wanted=open_report)
    if json:
        last = outcome.records[-1]
        found = {"architecture": architecture, "genes": list(outcome.genes), "epochs": len(outcome.records), **mobile}
        found |= {} if released is None else {"released_rule": released}
        show_json({**found, "validation_accuracy": last.validation_accuracy})
        return
    say(architecture)
    if mobile:
        remark(
            f"On ImageNet, 14 cells of 48 channels: {mobile['mobile_parameters'] / 1e6:.1f}M parameters, "
            f"{mobile['mobile_multiply_adds'] / 1e6:.0f}M multiply-adds of the 600M that its mobile setting allows."
        )
    if released is not None:
        remark(_by_released_rule(**released))
    say_where(folder, remark)  # standard output is the genotype alone


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
