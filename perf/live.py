"""Training for real: images a second by this package and by a plain PyTorch loop with a DataLoader, in one run.

The plain loop is that of the released scripts: a Dataset that crops, flips and cuts out one image at a time, a
shuffling DataLoader, torch.optim.SGD, clipping, single precision, and the loss read after every batch. Both train the
same network from the same weights; images are random, because speed does not depend on them.
The plain network has torch's own convolutions and lies with the channels last, as ours.

A line of its own compares batches of JPEG files decoded on the fly with those from memory, both with what ImageNet's
recipes do to them: `--files` pictures, twice as wide and 1.5 times as high as the `--side` at which they are held, by
`--decoders` processes (0: this one).

    python perf/live.py [threads] [device] [--images 128] [--channels 16] [--cells 8] [--rounds 2] [--no-profile]
        [--files 64] [--side 256] [--decoders 0] [--only-files]

Processor time of one thread by default and a few minutes on the CPU; on a GPU the networks are those of the papers,
with eight loader processes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from measure import interleaved, plain, plain_joins, report
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from predictornas.live.augmentation import Augmentation, training_images
from predictornas.live.images.image_folder import read_image_folder
from predictornas.live.images.image_sets import ImageData, ImageSet
from predictornas.live.images.partition import Partition
from predictornas.live.passes import generator_for
from predictornas.live.trainable_network import NetworkShape, build_network
from predictornas.live.training import Job, Training
from predictornas.live.training_recipes import RECIPES
from predictornas.spaces.darts import DARTS
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.registry import get_space

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


@dataclass
class Case:
    """A network and how many images of 32 x 32 it is trained on."""

    name: str
    job: Job
    images: Partition


def cases(device: str, count: int, threads: int, channels: int, cells: int) -> list[Case]:
    """The DARTS-V2 cell and a NAS-Bench-201 cell of five convolutions: small on the CPU, the papers' on GPUs."""
    pixels = torch.randint(256, (count, 3, 32, 32), dtype=torch.uint8)
    one = ImageSet(pixels, torch.arange(count) % 10)
    images = Partition("random", one, one, one, 10, MEAN, STD)
    whole = device != "cpu"
    space = get_space("darts")
    if not isinstance(space, DARTS):
        raise TypeError(type(space))
    darts = NetworkShape(36 if whole else channels, 20 if whole else cells, 10, auxiliary=True)
    nasbench201 = NetworkShape(16 if whole else channels, 5 if whole else 1, 10)
    genes = tuple(space.genes_of(NAMED_GENOTYPES["DARTS-V2"]).tolist())
    recipes = [RECIPES["darts-cifar10"], RECIPES["nasbench201"]]
    if not whole:
        recipes = [replace(recipe, batch_size=64) for recipe in recipes]
    wide = replace(recipes[0], drop_path=0.0)
    convolutions = (3, 3, 3, 1, 3, 3)
    return [
        Case("DARTS-V2", Job("darts", genes, darts, wide, 0, device, threads), images),
        Case("NAS-Bench-201", Job("nasbench201", convolutions, nasbench201, recipes[1], 0, device, threads), images),
    ]


class PlainImages(Dataset[tuple[torch.Tensor, int]]):
    """One image at a time, as the usual transforms treat it."""

    def __init__(self, images: ImageSet, augmentation: Augmentation) -> None:
        self.pixels, self.labels = images.pixels.numpy(), images.labels.tolist()
        self.augmentation = augmentation
        self.mean, self.std = (np.array(values, np.float32)[:, None, None] for values in (MEAN, STD))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        border, side = self.augmentation.crop_padding, self.augmentation.cutout
        top, left = torch.randint(2 * border + 1, (2,)).tolist()
        padded = np.pad(self.pixels[index], ((0, 0), (border, border), (border, border)))
        image = padded[:, top : top + 32, left : left + 32]
        if torch.rand(()) < 0.5:
            image = image[:, :, ::-1]
        image = (image.astype(np.float32) / 255 - self.mean) / self.std
        if side:
            y, x = torch.randint(32, (2,)).tolist()
            image[:, max(0, y - side // 2) : y + side // 2, max(0, x - side // 2) : x + side // 2] = 0
        return torch.from_numpy(image), self.labels[index]


def plain_epoch(case: Case) -> Callable[[], object]:
    """An epoch of the usual loop, ready to run."""
    job, recipe = case.job, case.job.recipe
    device = torch.device(job.device)
    genes = np.array(job.genes, dtype=np.int8)
    network = build_network(get_space(job.space), genes, job.shape, generator=generator_for(0, 0, "weights", "cpu"))
    network = plain(network).to(device, memory_format=torch.channels_last).train()
    on_gpu = device.type != "cpu"
    loader = DataLoader(
        PlainImages(case.images.train, recipe.augmentation),
        batch_size=recipe.batch_size,
        shuffle=True,
        num_workers=8 if on_gpu else 0,
        persistent_workers=on_gpu,
        pin_memory=on_gpu,
    )
    optimiser = torch.optim.SGD(
        network.parameters(),
        recipe.learning_rate,
        momentum=0.9,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )
    criterion = torch.nn.CrossEntropyLoss()

    @plain_joins()
    def epoch() -> None:
        total, right = 0.0, 0
        for images, labels in loader:
            images = images.to(device, non_blocking=True, memory_format=torch.channels_last)
            labels = labels.to(device, non_blocking=True)
            optimiser.zero_grad()
            logits, auxiliary = network.with_auxiliary(images)
            loss = criterion(logits, labels)
            if auxiliary is not None:
                loss = loss + recipe.auxiliary_weight * criterion(auxiliary, labels)
            loss.backward()
            if recipe.clip is not None:
                torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
            optimiser.step()
            total += loss.item() * len(labels)
            right += (logits.argmax(1) == labels).sum().item()

    return epoch


def our_epoch(case: Case) -> Callable[[], object]:
    """An epoch of this package without its evaluation, ready to run."""
    training = Training.begin(replace(case.job, evaluate_at=()), case.images)
    return training.run_epoch


def pictures(folder: Path, count: int, side: int) -> Path:
    """Pictures of smooth colours and some noise, as JPEG at its usual quality, one of them to judge."""
    rng = np.random.default_rng(0)
    for index in range(count + 1):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 12, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((2 * side, 3 * side // 2), Image.Resampling.BICUBIC), np.int16)
        noisy = (smooth + rng.integers(-12, 13, smooth.shape)).clip(0, 255).astype(np.uint8)
        path = folder / ("test" if index == count else "train") / "one" / f"{index:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noisy).save(path)
    return folder


def fed(data: ImageData) -> Callable[[], object]:
    """An epoch's batches of the training images as ImageNet's recipes change them, ready to run."""
    recipe = RECIPES["darts-imagenet"]
    places = torch.split(torch.randperm(len(data.train)), 32)

    def epoch() -> None:
        generator = torch.Generator().manual_seed(0)
        for batch in data.train.batches(places):
            training_images(batch.pixels, recipe.augmentation, generator, data.mean, data.std)

    return epoch


def decoding(
    count: int, side: int, decoders: int, rounds: int, clock: Callable[[], float]
) -> tuple[str, float, float, str]:
    """The line of decoding on the fly; its baseline is the same from memory."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["PREDICTORNAS_CACHE"] = place
        folder = pictures(Path(place) / "pictures", count, side)
        held = read_image_folder(folder, size=side, on_the_fly=False)
        decoded = read_image_folder(folder, size=side, on_the_fly=True, decoders=decoders)
        works = {"on the fly": fed(decoded), "in memory": fed(held)}
        seconds = interleaved(works, rounds=rounds, clock=time.perf_counter if decoders else clock)
    rates = ", ".join(f"{name} {count / each:.0f}" for name, each in seconds.items())
    print(f"pictures of {side} x {side} pixels, images a second with {decoders} decoders: {rates}")
    figure = f"a picture of {side} x {side} decoded on the fly, in memory"
    return figure, 1e3 * seconds["on the fly"] / count, 1e3 * seconds["in memory"] / count, "ms"


def profile(case: Case) -> None:
    """Where the time of an epoch goes."""
    epoch = our_epoch(case)
    epoch()
    on_gpu = case.job.device != "cpu"
    activities = [torch.profiler.ProfilerActivity.CUDA if on_gpu else torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities) as recorded:
        epoch()
    print(f"\nprofile of an epoch, {case.name}")
    order = "self_cuda_time_total" if on_gpu else "self_cpu_time_total"
    print(recorded.key_averages().table(sort_by=order, row_limit=12, max_name_column_width=40))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("threads", type=int, nargs="?", default=1)
    parser.add_argument("device", nargs="?", default="cpu")
    sizes = {"images": 128, "channels": 16, "cells": 8, "rounds": 2, "files": 64, "side": 256, "decoders": 0}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--no-profile", action="store_true")
    parser.add_argument("--only-files", action="store_true", help="leave the networks out")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    on_cpu = asked.device == "cpu"
    count = asked.images if on_cpu else 4800
    clock = time.process_time if on_cpu and asked.threads == 1 else time.perf_counter
    lines = [decoding(asked.files, asked.side, asked.decoders, asked.rounds, clock)]
    networks = [] if asked.only_files else cases(asked.device, count, asked.threads, asked.channels, asked.cells)
    for case in networks:
        if not asked.no_profile:
            profile(case)
        works = {"ours": our_epoch(case), "plain": plain_epoch(case)}
        seconds = interleaved(works, rounds=asked.rounds, clock=clock)
        rates = ", ".join(f"{name} {count / each:.0f}" for name, each in seconds.items())
        print(f"{case.name}, images a second on {asked.device}: {rates}")
        figure = f"{case.name}, an image in training, plain loop"
        lines.append((figure, 1e3 * seconds["ours"] / count, 1e3 * seconds["plain"] / count, "ms"))
    report(lines)


if __name__ == "__main__":
    main()
