"""Table 2.1 of DARTS-PT (Wang et al. 2021): what it costs to swap layers, or edges of a trained super-network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import polars as pl
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from predictornas.analysis.statistics import SHARE
from predictornas.live.images.loading import split
from predictornas.live.images.partition import Partition
from predictornas.live.passes import generator_for
from predictornas.live.plain_networks import STAGES, Orders, PlainNetwork
from predictornas.live.training import optimiser_of
from predictornas.live.training_recipes import Recipe
from predictornas.papers.claims import DIFFERENCE, beside, steps, together
from predictornas.papers.figure import FigureRequest, Made
from predictornas.papers.supernet.perturbation_settings import darts_searches
from predictornas.papers.supernet.searches import described_scale, study_facts, table_for, traces
from predictornas.papers.supernet.trained_measures import Item, measurements
from predictornas.plots.perturbation import draw_shuffling
from predictornas.seeding import rng_for
from predictornas.supernet.batches import paired_batches, steps_of, validation_batches
from predictornas.supernet.network.cell import MixedCell, MixedWave
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.topology import CellTopology, Topology
from predictornas.supernet.network.waves import waves_of
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parts.perturbation import accuracy
from predictornas.supernet.restoring import mode, restored
from predictornas.supernet.state import Batch

DRAWS = 10
"""Random swaps of each network (ours)."""

LAYERS = 4
"""Layers, or residual blocks, of each of the three stages of the plain networks (ours)."""

PLAIN_EPOCHS = {"small": 60, "full": 200}
"""Epochs of the plain networks (ours)."""

NETWORKS = {"vgg": "VGG", "resnet": "ResNet", "supernet": "DARTS"}

PAPER = {
    "before": {"VGG": 0.9269, "ResNet": 0.9386, "DARTS": 0.8844},
    "after": {"VGG": 0.0983, "ResNet": 0.832015, "DARTS": 0.8109},
}
"""Accuracies of table 2.1."""


@dataclass(frozen=True)
class ShufflingAccuracy:
    """Test accuracy of a trained super-network and of plain networks, before and after random swaps.

    Plain networks learn from the images that the super-network's weights have learnt from.

    Attributes:
        epochs: of the plain networks.
        images: most test images; None for all.
    """

    epochs: int
    images: int | None

    @property
    def name(self) -> str:
        """Of the journal."""
        return f"shuffled-{self.epochs}-{self.images or 'all'}"

    def items(self, topology: Topology) -> list[Item]:
        """The three networks."""
        return [{"network": network} for network in NETWORKS.values()]

    def rows(self, ongoing: OngoingSearch, item: Item) -> list[dict[str, Any]]:
        """The accuracy as trained, and that after every draw."""
        images = self._judged(ongoing)
        if item["network"] == NETWORKS["supernet"]:
            before, after = shuffled_supernet(ongoing, images)
        else:
            kind = next(kind for kind, name in NETWORKS.items() if name == item["network"])
            before, after = _plain(ongoing, images, kind, self.epochs)
        rows: list[dict[str, Any]] = [{"state": "before", "draw": None, "accuracy": before}]
        return rows + [{"state": "after", "draw": draw, "accuracy": value} for draw, value in enumerate(after)]

    def _judged(self, ongoing: OngoingSearch) -> Partition:
        """The test images in the place of the validation half."""
        test = ongoing.images.test
        if self.images is not None and len(test) > self.images:
            test = split(test, (self.images,), ongoing.job.seed)[0]
        return replace(ongoing.images, validation=test)


def shuffling_figure(request: FigureRequest, *, title: str) -> Made:
    """Table 2.1: accuracy before and after swapping two layers of each stage, or two edges of each cell."""
    searches = darts_searches(request)
    measure = ShufflingAccuracy(PLAIN_EPOCHS[request.size], searches[0].scale.images)
    table = table_for(request, lambda: measurements(request, traces(request, searches), measure))
    caption = (
        f"{described_scale(request)} Test accuracy, with the statistics of each batch in batch normalisation. VGG and "
        f"ResNet: three stages of {LAYERS} layers or blocks, as wide as the super-network, trained for "
        f"{measure.epochs} epochs on its training half; two random layers of each stage are swapped. DARTS: the "
        "trained super-network of first-order DARTS; two random edges, the same ones in all cells of a "
        f"type, exchange weights and alpha. {DRAWS} draws a seed. Points: seeds (means over draws); bars: "
        "mean over seeds."
    )
    by_seed = table.group_by("network", "seed", "state", maintain_order=True).agg(value=pl.col("accuracy").mean())
    return Made(table, draw_shuffling(by_seed, title=title, caption=caption), study_facts(searches), _beside(by_seed))


def _beside(by_seed: pl.DataFrame) -> pl.DataFrame:
    """The accuracies of table 2.1 beside ours, and the order in which the networks lose by swapping."""
    values = by_seed.rename({"network": "setting"})
    parts = [
        beside(values.filter(state=state), f"test accuracy {state} swapping", said, bounds=SHARE)
        for state, said in PAPER.items()
    ]
    before, after = (values.filter(state=state) for state in PAPER)
    both = before.join(after, on=["setting", "seed"], maintain_order="left")
    lost = both.select("setting", "seed", value=pl.col("value") - pl.col("value_right"))
    said = {network: PAPER["before"][network] - PAPER["after"][network] for network in PAPER["before"]}
    return together(*parts, steps(lost, "test accuracy lost by swapping", said, bounds=DIFFERENCE))


def shuffled_supernet(ongoing: OngoingSearch, images: Partition) -> tuple[float, list[float]]:
    """The accuracy of a trained super-network, and that after each random swap of two edges of every cell.

    Args:
        ongoing: the search; its network is as before in the end.
        images: to measure on, in the place of the validation half.
    """
    state = ongoing.state
    batches = validation_batches(images, ongoing.job.method.weights.batch_size)
    mixture = state.mixture().detached()
    before = accuracy(state, batches, mixture)
    after = []
    rng = rng_for(ongoing.job.seed, 0, "swapped edges")
    cells = state.parameters.topology.cells
    for _ in range(DRAWS):
        pairs = {}
        for cell in cells:
            choices = exchangeable(cell)
            pairs[cell.name] = choices[int(rng.integers(len(choices)))]
        with restored([*state.network.parameters(), *state.network.buffers()]):
            swapped = mixture
            for cell in cells:
                swapped = swap_edges(state.network, swapped, cell, *pairs[cell.name])
            after.append(accuracy(state, batches, swapped))
    return before, after


def exchangeable(cell: CellTopology) -> list[tuple[int, int]]:
    """Pairs of edges that carry the same operations at the same stride."""
    strides = {edge: wave.stride for wave in waves_of(cell) for edge in wave.edges}
    return [
        (first, second)
        for first, second in combinations(range(len(cell.edges)), 2)
        if cell.operations[first] == cell.operations[second] and strides[first] == strides[second]
    ]


def swap_edges(network: nn.Module, mixture: Mixture, cell: CellTopology, first: int, second: int) -> Mixture:
    """Exchanges the weights of two edges in all cells of a type; gives the mixture in which their factors are too.

    Args:
        network: a super-network, changed in place.
        mixture: without gradients.
        cell: the type.
        first: an edge.
        second: another one, of `exchangeable(cell)`.
    """
    layout = waves_of(cell)
    for module in network.modules():
        if isinstance(module, MixedCell):
            waves = [wave for wave in module.waves if isinstance(wave, MixedWave)]
            if tuple(wave.wave for wave in waves) == layout:
                _swap_lanes(waves, first, second)
    weights = mixture.weights[cell.name].clone()
    weights[[first, second]] = weights[[second, first]]
    return replace(mixture, weights={**mixture.weights, cell.name: weights})


def _swap_lanes(waves: Sequence[MixedWave], first: int, second: int) -> None:
    lanes: dict[int, dict[str, tuple[nn.Module, int]]] = {first: {}, second: {}}
    for wave in waves:
        for name, places in wave.wave.lanes.items():
            for lane, (edge, _) in enumerate(places):
                if edge in lanes:
                    lanes[edge][name] = (wave.lanes[name], lane)
    with torch.no_grad():
        for name, (one, one_lane) in lanes[first].items():
            other, other_lane = lanes[second][name]
            # batch statistics are measured anew, so only weights move
            for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
                kept = mine[one_lane].clone()
                mine[one_lane] = theirs[other_lane]
                theirs[other_lane] = kept


def _plain(ongoing: OngoingSearch, images: Partition, kind: str, epochs: int) -> tuple[float, list[float]]:
    job = ongoing.job
    # the rate is He et al.'s (2016), which suits plain networks; batches and changes are those of the search
    recipe = replace(job.method.weights, epochs=epochs, learning_rate=0.1, final_learning_rate=0.0)
    network = PlainNetwork(
        "vgg" if kind == "vgg" else "resnet",
        channels=job.shape.channels,
        layers=LAYERS,
        classes=job.shape.classes,
        in_channels=job.shape.in_channels,
        generator=generator_for(job.seed, 0, "plain weights", "cpu"),
    ).to(job.device)
    train_plain(network, images, recipe, seed=job.seed)
    batches = validation_batches(images, recipe.batch_size)
    rng = rng_for(job.seed, 0, "swapped layers")
    orders = [
        [_swapped(LAYERS, *rng.choice(LAYERS, 2, replace=False).tolist()) for _ in range(STAGES)] for _ in range(DRAWS)
    ]
    return plain_accuracy(network, batches, None), [plain_accuracy(network, batches, order) for order in orders]


def train_plain(network: PlainNetwork, images: Partition, recipe: Recipe, *, seed: int) -> None:
    """Trains a plain network on the training half, in the batches that a search has.

    Args:
        network: changed in place, on the device of the images.
        images: only the training half is learnt from.
        recipe: how.
        seed: of order and augmentation.
    """
    network.train()
    optimiser = optimiser_of(network, recipe)
    steps = steps_of(images.train, recipe.batch_size)
    for epoch in range(recipe.epochs):
        pairs = paired_batches(images, recipe.augmentation, size=recipe.batch_size, seed=seed, epoch=epoch)
        for step, (batch, _) in enumerate(pairs):
            for group in optimiser.param_groups:
                group["lr"] = recipe.rate(epoch, step, steps)
            optimiser.zero_grad()
            torch.autograd.backward([cross_entropy(network(batch.images), batch.labels)])
            if recipe.clip is not None:
                torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
            optimiser.step()


def plain_accuracy(network: PlainNetwork, batches: Callable[[], Iterable[Batch]], orders: Orders | None) -> float:
    """Share of correct labels, with the statistics of each batch, as super-networks are measured.

    Args:
        network: as it was in the end.
        batches: what to measure on.
        orders: of the layers of each stage; None for as they were trained.
    """
    right = total = 0
    with torch.no_grad(), mode(network, training=True), restored(network.buffers()):
        for batch in batches():
            right += int((network(batch.images, orders).argmax(1) == batch.labels).sum())
            total += len(batch.labels)
    return right / total


def _swapped(layers: int, first: int, second: int) -> list[int]:
    order = list(range(layers))
    order[first], order[second] = second, first
    return order
