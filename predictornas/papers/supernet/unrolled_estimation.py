"""Proposition 1 of DARTS-PT (Wang et al. 2021): alpha of skip and convolution from variances, and as learnt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl
import torch
from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor, nn

from predictornas.analysis.statistics import CORRELATION, SHARE
from predictornas.papers.claims import beside
from predictornas.papers.figure import FigureRequest, Made
from predictornas.papers.supernet.perturbation_settings import darts_searches
from predictornas.papers.supernet.searches import described_scale, study_facts, table_for, traces
from predictornas.papers.supernet.trained_measures import Item, measurements
from predictornas.plots.perturbation import draw_proposition
from predictornas.studies.supernet_tables import SKIP
from predictornas.supernet.batches import validation_batches
from predictornas.supernet.network.cell import MixedCell, MixedWave
from predictornas.supernet.network.topology import CellTopology, Topology
from predictornas.supernet.network.waves import waves_of
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.restoring import mode, restored

Nodes = dict[int, Tensor]


@dataclass(frozen=True)
class MapVariances:
    """Variances of the differences of input and convolution of every edge from the optimal feature map m*.

    m* is estimated (ours) by what the cell gives: its last node in NAS-Bench-201, the mean of its nodes in DARTS. All
    maps are normalised over the images and places of each channel, so that var(a - b) = 2 - 2 correlation(a, b).
    Means over channels, validation batches and the cells of a type.
    """

    @property
    def name(self) -> str:
        """Of the journal."""
        return "map-variances"

    def items(self, topology: Topology) -> list[Item]:
        """The cell types."""
        return [{"cell": cell.name} for cell in topology.cells]

    def rows(self, ongoing: OngoingSearch, item: Item) -> list[dict[str, Any]]:
        """For every edge with an identity and each of its convolutions the two variances and the learnt shares."""
        state = ongoing.state
        cell = state.parameters.topology.cell(item["cell"])
        importance = state.relaxation.importance(state.parameters)[cell.name]
        rows = []
        for (edge, name), (of_input, of_output) in map_variances(ongoing, cell).items():
            skip = float(importance[edge, cell.operations[edge].index(SKIP)])
            convolution = float(importance[edge, cell.operations[edge].index(name)])
            rows.append(
                {
                    "edge": edge,
                    "operation": name,
                    "input_variance": of_input,
                    "output_variance": of_output,
                    "predicted": predicted_skip_share(of_input, of_output),
                    "learnt": skip / (skip + convolution),
                }
            )
        return rows


def predicted_skip_share(input_variance: float, output_variance: float) -> float:
    """The optimal share of the skip connection in skip and convolution (Wang et al. 2021, eq. 2.5 and 2.6).

    Minimises the variance of the estimate's error if the two errors are uncorrelated. If they are not, the share is
    another one, but it is above 1/2 for the same variances.

    Args:
        input_variance: var(x_e - m*), >= 0.
        output_variance: var(o_e(x_e) - m*), >= 0, not both 0.
    """
    return output_variance / (input_variance + output_variance)


def map_variances(ongoing: OngoingSearch, cell: CellTopology) -> dict[tuple[int, str], tuple[float, float]]:
    """var(x_e - m*) and var(o_e(x_e) - m*) of each edge with an identity, by edge and convolution.

    Args:
        ongoing: a search; nothing of it changes.
        cell: a type of its cells. Super-networks with partial channels have no such maps.
    """
    state = ongoing.state
    batches = validation_batches(ongoing.images, ongoing.job.method.weights.batch_size)
    sums: dict[tuple[int, str], list[tuple[float, float]]] = {}
    whole = state.parameters.topology.inputs_kept is None
    mixture = state.mixture().detached()
    with torch.no_grad(), mode(state.network, training=True), restored(state.network.buffers()):
        for batch in batches():
            with _seen(state.network, cell) as cells:
                state.logits_of(batch, mixture)
            for module, nodes in cells:
                optimal = nodes[cell.nodes[-1]] if whole else torch.stack([nodes[node] for node in cell.nodes]).mean(0)
                for edge, name, output in _convolved(module, cell, nodes):
                    pair = (
                        difference_variance(nodes[cell.edges[edge][0]], optimal),
                        difference_variance(output, optimal),
                    )
                    sums.setdefault((edge, name), []).append(pair)
    return {key: (_mean(a for a, _ in pairs), _mean(b for _, b in pairs)) for key, pairs in sums.items()}


def difference_variance(images: Float[Tensor, "n channels h w"], optimal: Float[Tensor, "n channels h w"]) -> float:
    """The variance of the difference of two maps, each normalised per channel; mean over channels, 0 to 4."""
    difference = _normalised(images) - _normalised(optimal)
    return float(difference.square().mean())


def proposition_figure(request: FigureRequest, *, title: str) -> Made:
    """Proposition 1: the share of the skip connection as predicted from variances, against that of the learnt alpha."""
    searches = darts_searches(request)
    table = table_for(request, lambda: measurements(request, traces(request, searches), MapVariances()))
    caption = (
        f"{described_scale(request)} First-order DARTS, at the end of the search. Each point is an edge of one seed's "
        "super-network and one of its convolutions. Predicted: var(o - m*) / (var(x - m*) + var(o - m*)), all maps "
        "normalised per channel, m* estimated by the cell's output. Learnt: exp(alpha_skip) / (exp(alpha_skip) + "
        "exp(alpha_conv)). In the shaded quarters the order of the two is as predicted."
    )
    paper = _against_claims(table)
    return Made(table, draw_proposition(table, title=title, caption=caption), study_facts(searches), paper)


def _against_claims(table: pl.DataFrame) -> pl.DataFrame:
    """What the proposition says beside what was found, over seeds."""
    predicted, learnt = pl.col("predicted") > 0.5, pl.col("learnt") > 0.5
    by_seed = table.group_by("setting", "seed", maintain_order=True).agg(
        ordered=(predicted == learnt).mean(), predicted=predicted.mean(), learnt=learnt.mean()
    )
    ranks = [
        {"setting": setting, "value": float(spearmanr(own["predicted"], own["learnt"]).statistic)}
        for (setting, _), own in table.group_by("setting", "seed", maintain_order=True)
    ]
    (setting,) = table["setting"].unique()
    said = {
        "ordered": ("share of pairs ordered as predicted", "1"),
        "predicted": ("share of pairs where x is nearer to m* than o(x)", "1 in a well-optimised super-network"),
        "learnt": ("share of pairs with alpha_skip > alpha_conv", "1 in a well-optimised super-network"),
    }
    parts = [
        beside(by_seed.select("setting", value=column), quantity, {setting: claim}, bounds=SHARE)
        for column, (quantity, claim) in said.items()
    ]
    named = "rank correlation of predicted and learnt share"
    return pl.concat([*parts, beside(pl.DataFrame(ranks), named, {setting: "> 0"}, bounds=CORRELATION)])


@contextmanager
def _seen(network: nn.Module, cell: CellTopology) -> Iterator[list[tuple[MixedCell, Nodes]]]:
    """What stands at the nodes of every cell of a type in the forward passes inside."""
    found: list[tuple[MixedCell, Nodes]] = []

    def keep(module: nn.Module, given: tuple[Any, ...], computed: list[Tensor]) -> None:
        if isinstance(module, MixedCell):
            found.append((module, dict(enumerate(given[0])) | dict(zip(cell.nodes, computed, strict=True))))

    layout = waves_of(cell)
    modules = [module for module in network.modules() if isinstance(module, MixedCell)]
    own = [module for module in modules if tuple(wave.wave for wave in _waves(module)) == layout]
    handles = [module.register_forward_hook(keep) for module in own]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _waves(module: MixedCell) -> list[MixedWave]:
    return [wave for wave in module.waves if isinstance(wave, MixedWave)]


def _convolved(module: MixedCell, cell: CellTopology, nodes: Nodes) -> Iterator[tuple[int, str, Tensor]]:
    """Edge, name and result of every convolution on an edge that has an identity too."""
    for wave in _waves(module):
        for name, places in wave.wave.lanes.items():
            for lane, (edge, _) in enumerate(places):
                if "conv" in name and wave.wave.stride == 1 and SKIP in cell.operations[edge]:
                    source = nodes[cell.edges[edge][0]]
                    yield edge, name, wave.lanes[name](source.relu(), [lane], source.new_ones(1))


def _normalised(images: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n channels h w"]:
    centred = images.float() - images.float().mean((0, 2, 3), keepdim=True)
    return centred / centred.square().mean((0, 2, 3), keepdim=True).sqrt().clamp_min(1e-8)


def _mean(values: Iterator[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
