"""Do the full-size commands start on this GPU, how long is a step of each, and how long would all of it take?

`python perf/gpu_smoke.py [--device cuda] [--smallest] [NAME ...]`: every command of
docs/results/supernet/full-size.csv, or those named, with its network and batch but two epochs of two batches, on random
images in the layouts of CIFAR-10 and of ImageNet, which it makes itself. Under five minutes on any recent GPU. The time
of a step is that of the second epoch, with validation, so the hours are rough. `--smallest` shrinks the networks too,
for a look at the script itself on a CPU.
"""

from __future__ import annotations

import argparse
import csv
import pickle
import shlex
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from predictornas.cli import main as predictornas
from predictornas.errors import ConfigurationError
from predictornas.live.devices import checked_device
from predictornas.live.training_recipes import get_recipe
from predictornas.supernet.published import get_method

COMMANDS = Path(__file__).resolve().parent.parent / "docs" / "results" / "supernet" / "full-size.csv"
BATCHES = 2
"""Of each half in an epoch."""

EPOCHS = 2
SMALLEST = {"cells": "2", "channels": "8", "batch-size": "4"}
IMAGES = {"cifar-10-batches-py": 50_000, "imagenet": 1_281_167}
"""Training images that the command would have."""

CLASSES = 10
VALIDATION = 0.1
"""Share that `train` sets aside."""


@dataclass(frozen=True)
class Timed:
    """What one command showed.

    Attributes:
        name: of the command.
        step: seconds.
        hours: of one whole search or training with steps of that length.
        memory: GiB that tensors took on the GPU at most; 0 on a CPU.
    """

    name: str
    step: float
    hours: float
    memory: float


def commands() -> dict[str, list[str]]:
    """The words of each full-size command, by name."""
    with COMMANDS.open(encoding="utf-8") as stream:
        return {row["name"]: shlex.split(row["command"])[1:] for row in csv.DictReader(stream)}


def timed(name: str, words: list[str], folder: Path, *, device: str, smallest: bool) -> Timed:
    """Runs the beginning of a command.

    Args:
        name: of the command.
        words: as in the table.
        folder: empty; images and results go there.
        device: "cuda" or "cpu".
        smallest: whether the network is as small as can be.
    """
    verb, options = (
        words[0],
        dict(zip(words[2::2] if words[0] == "train" else words[1::2], _values(words), strict=True)),
    )
    searches = verb == "supernet"
    data = options["--data" if searches else "--images"]
    if searches:
        method = get_method(options["--method"])
        batch, epochs = method.weights.batch_size, method.epochs
    else:
        recipe = get_recipe(options["--recipe"])
        batch, epochs = recipe.batch_size, recipe.epochs
    learned = IMAGES[data] // 2 if searches else round((1 - VALIDATION) * IMAGES[data])
    steps = epochs * (learned // batch)
    shrunk = {f"--{option}": value for option, value in SMALLEST.items()} if smallest else {}
    batch = int(SMALLEST["batch-size"]) if smallest else batch
    count = 2 * BATCHES * batch if searches else round(BATCHES * batch / (1 - VALIDATION)) + 1
    side = 224 if data == "imagenet" and not smallest else 32
    images = made_images(folder / "images", max(count, 4 * CLASSES), side)
    changed = {"--data" if searches else "--images": str(images), "--device": device, "--epochs": str(EPOCHS)}
    changed |= {"--training-images": str(count)} if searches else {}
    changed |= {"--image-size": str(side)} if "--image-size" in options else {}
    options = {option: value for option, value in options.items() if option != "--seeds"} | changed | shrunk
    out = folder / "out"
    options["--out"] = str(out)
    given = [verb, *([words[1]] if not searches else []), *(word for pair in options.items() for word in pair)]
    run([*given, "--format", "png"])
    seconds = last_epoch(out / ("epochs.csv" if searches else "curve.csv"))
    memory = torch.cuda.max_memory_allocated() / 2**30 if device != "cpu" else 0.0
    return Timed(name, seconds / BATCHES, steps * seconds / BATCHES / 3600, memory)


def run(words: list[str]) -> None:
    """The command in this process, which goes on after it.

    Raises:
        SystemExit: it ended otherwise than well.
    """
    try:
        predictornas(words)
    except SystemExit as ended:
        if ended.code:
            raise


def _values(words: list[str]) -> list[str]:
    """The values of the options of a command, each of which has one."""
    return words[3::2] if words[0] == "train" else words[2::2]


def made_images(folder: Path, count: int, side: int) -> Path:
    """Random images of ten classes as CIFAR's python batches, or as a folder a class where they are larger."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    if side == 32:
        names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
        for name in names:
            size = -(-count // 5)
            pixels = rng.integers(0, 256, (size, 3 * side * side), dtype=np.uint8)
            content = {b"data": pixels, b"labels": [place % CLASSES for place in range(size)]}
            (folder / name).write_bytes(pickle.dumps(content))
        return folder
    from PIL import Image

    for part, size in (("train", count), ("test", CLASSES)):
        for place in range(size):
            place_of = folder / part / f"class{place % CLASSES}" / f"{place}.png"
            place_of.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(place_of)
    return folder


def last_epoch(path: Path) -> float:
    """Seconds of the last epoch of the search; of the second one where fine-tuning follows."""
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return float(rows[EPOCHS - 1]["seconds"])


def main(*arguments: str) -> list[Timed]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--smallest", action="store_true")
    asked = parser.parse_args(arguments)
    known = commands()
    unknown = [name for name in asked.names if name not in known]
    if unknown:
        parser.error(f"no command is named {unknown[0]}; known are {', '.join(known)}")
    try:
        checked_device(asked.device)
    except ConfigurationError as error:
        parser.error(str(error))
    if asked.device != "cpu":
        print(torch.cuda.get_device_name(asked.device))
    begin, found = time.perf_counter(), []
    for name in asked.names or known:
        if asked.device != "cpu":
            torch.cuda.reset_peak_memory_stats()
        with tempfile.TemporaryDirectory() as folder:
            one = timed(name, known[name], Path(folder), device=asked.device, smallest=asked.smallest)
        hours = "-" if asked.smallest else f"{one.hours:.1f} h in all"
        print(f"{one.name:20} {1e3 * one.step:9.1f} ms a step, {hours}, {one.memory:.1f} GiB", flush=True)
        found.append(one)
    print(f"{len(found)} commands started, {time.perf_counter() - begin:.0f} s")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
