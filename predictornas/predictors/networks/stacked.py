"""Several GCNs trained at once in one set of tensors: the members of an ensemble, or the seeds of a study."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int32
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.predictors.engine.graph_index import GraphIndex, IndexLayer, SparseRows, build_index
from predictornas.predictors.engine.index_tables import IndexTables
from predictornas.predictors.fitting import check_values, train
from predictornas.predictors.gcn import GCN
from predictornas.predictors.networks.gcn_network import GCNNetwork
from predictornas.spaces.base import Genes, SearchSpace


def fit_stacked(
    members: Sequence[GCN],
    space: SearchSpace,
    genes: Sequence[Genes],
    values: Sequence[Float[np.ndarray, " n"]],
    *,
    rngs: Sequence[np.random.Generator],
) -> None:
    """Fits each member on architectures of its own, as `member.fit` would, up to float error.

    One epoch of all members costs as many calls of torch as one epoch of one: small training sets, which do not fill a
    processor, gain most.

    Args:
        members: predictors of equal configuration.
        space: the space the genes belong to.
        genes: `(n, g)` for each member, the same n for all.
        values: `(n,)` for each member, higher is better.
        rngs: source of each member's initial weights.

    Raises:
        ConfigurationError: configurations or numbers of architectures differ, members have a batch size, or training
            diverged.
        DataError: a value is not finite.
    """
    if not members:
        return
    first = members[0]
    if any(member != first for member in members) or len({len(part) for part in values}) > 1:
        raise ConfigurationError(
            "Members that are fitted together need equal configurations and equally many architectures; "
            f"these have {[len(part) for part in values]}. Fit members that differ one by one."
        )
    if first.batch_size is not None:
        raise ConfigurationError(
            f"Members that are fitted together are trained on the full batch, not on batches of {first.batch_size}. "
            "Give batch_size=None, or fit them one by one."
        )
    for part in values:
        check_values(part)
    indexes, networks = [], []
    for part, rng in zip(genes, rngs, strict=True):
        graphs = space.graphs(part)
        indexes.append(build_index(first.message_passing(graphs), first.depth))
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        networks.append(first.new_network(graphs.num_codes, generator).to(first.device))
    for member, network in zip(members, networks, strict=True):
        if member.start_ is not None:
            network.load_state_dict(member.start_.state_dict())
    stack = _Stack(networks)
    tables = IndexTables.of(_side_by_side(indexes), first.device)
    train(
        stack.parameters,
        lambda: stack.scores(tables),
        first.loss.gradient_for(torch.from_numpy(np.stack(values).astype(np.float64)).to(first.device)),
        optimiser=first.optimiser,
        epochs=first.training_epochs,
    )
    stack.hand_back()
    for member, network in zip(members, networks, strict=True):
        member.space_, member.network_ = space, network


class _Stack:
    """The weights of several networks of one shape, member by member along the first axis."""

    def __init__(self, networks: Sequence[GCNNetwork]) -> None:
        self._networks = networks
        of_members = zip(*(network.parameters() for network in networks), strict=True)
        self.parameters = [torch.nn.Parameter(torch.stack(list(alike)).detach()) for alike in of_members]

    def scores(self, tables: IndexTables) -> Float[Tensor, "members n"]:
        """`GCNNetwork.indexed` for all members, on their indexes side by side."""
        members = len(self._networks)
        named = dict(zip((name for name, _ in self._networks[0].named_parameters()), self.parameters, strict=True))
        output, bias = named.pop("output"), named.pop("bias")
        convolutions, ways = list(named.values()), len(tables.layers[0].sums)
        labels = tables.labels.view(members, -1, 1)
        features = (labels == torch.arange(convolutions[0].shape[1], device=labels.device)).to(output.dtype)
        for number, layer in enumerate(tables.layers):
            weights = convolutions[number * ways : (number + 1) * ways]
            messages = [(features @ matrices).flatten(0, 1) for matrices in weights]
            sums = [torch.relu(gather(table)) for gather, table in zip(layer.sums, messages, strict=True)]
            rows = layer.rows(sums)
            features = rows.view(members, -1, rows.shape[1])
        vertices = (features @ output[:, :, None]).flatten()
        return tables.read_out(vertices).view(members, -1) + bias[:, None]

    def hand_back(self) -> None:
        """Gives every network its own weights."""
        for member, network in enumerate(self._networks):
            for own, all_members in zip(network.parameters(), self.parameters, strict=True):
                own.data = all_members.detach()[member].clone()
                own.requires_grad_(False)


def _side_by_side(indexes: Sequence[GraphIndex]) -> GraphIndex:
    """One index of all members: in every table each member has as many rows as the largest, the last ones unused."""
    rows = max(len(index.labels) for index in indexes)
    labels = np.concatenate([np.pad(index.labels, (0, rows - len(index.labels))) for index in indexes])
    layers = []
    for alike in zip(*(index.layers for index in indexes), strict=True):
        ways = range(len(alike[0].sums))
        most = [max(len(layer.sums[way].offsets) - 1 for layer in alike) for way in ways]
        sums = tuple(_block_diagonal([layer.sums[way] for layer in alike], rows, most[way]) for way in ways)
        rows = max(len(layer.parts[0]) for layer in alike)
        parts = tuple(_shifted([layer.parts[way] for layer in alike], rows, most[way]) for way in ways)
        layers.append(IndexLayer(sums, parts, None))
    vertices = [index.vertices + member * rows for member, index in enumerate(indexes)]
    shares = [index.shares for index in indexes]
    return GraphIndex(labels, tuple(layers), np.concatenate(vertices, 1, dtype=np.int32), np.concatenate(shares, 1))


def _block_diagonal(matrices: Sequence[SparseRows], columns: int, rows: int) -> SparseRows:
    """Matrices one after the other along the diagonal, each of `rows` x `columns`, padded with empty rows."""
    indices = [matrix.indices + member * columns for member, matrix in enumerate(matrices)]
    counts = [np.pad(np.diff(matrix.offsets), (0, rows - len(matrix.offsets) + 1)) for matrix in matrices]
    return SparseRows(
        indices=np.concatenate(indices, dtype=np.int32),
        weights=np.concatenate([matrix.weights for matrix in matrices]),
        offsets=np.concatenate([[0], np.concatenate(counts).cumsum()]).astype(np.int32),
    )


def _shifted(parts: Sequence[Int32[np.ndarray, " _"]], rows: int, sums: int) -> Int32[np.ndarray, " all_rows"]:
    """The parts of every member, padded to `rows`, counted in tables with `sums` rows a member."""
    padded = [np.pad(part, (0, rows - len(part))) + member * sums for member, part in enumerate(parts)]
    return np.concatenate(padded, dtype=np.int32)
