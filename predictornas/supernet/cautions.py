"""What a user should know of a search before it begins, and of what it arrived at."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from predictornas.supernet.job import SearchJob
from predictornas.supernet.network.topology import NONE
from predictornas.supernet.parts.greedy import Greedy
from predictornas.supernet.parts.perturbation import FineTunedSelection
from predictornas.supernet.records import EpochRecord

UNDECIDED_ENTROPY = 0.9995
"""Mean entropy of edges that is 1.000 as printed: the factors of an edge still differ by a few percent of 1/|O| at most
(ours)."""


def before(job: SearchJob) -> list[str]:
    """What a search does otherwise than its paper, because of the space it is asked to search."""
    selection = job.method.selection
    without = not any(NONE in names for cell in job.topology.cells for names in cell.operations)
    if isinstance(selection, Greedy) and without:
        return [
            f"{job.space} has no operation {NONE!r}, from which SGAS takes the importance of an edge: that factor of "
            f"its scores is left out. Its paper's space is {job.method.space}."
        ]
    return []


def after(job: SearchJob, records: Sequence[EpochRecord]) -> list[str]:
    """What the selected architecture of a search cannot be taken for."""
    if isinstance(job.method.selection, FineTunedSelection):
        return []  # which measures accuracies and does not read alpha
    if not job.method.stages and job.method.warm_up >= job.method.epochs:
        return [
            "Alpha rested to the end, as it was asked to: the weights are a start for other searches (--from), the "
            "architecture is none that was searched for."
        ]
    means = [mean for mean in map(_open_entropy, records) if mean is not None]
    if not means or min(means) < UNDECIDED_ENTROPY:
        return []
    return [
        "The architecture is noise: alpha has not left its start, and the operations of an edge weigh the same to the "
        f"end (entropy {means[-1]:.3f} of 1). Search for more epochs or on more images, or raise the learning rate of "
        "alpha (--architecture-rate)."
    ]


def edge_entropy(importance: Mapping[str, float]) -> float:
    """Entropy of the importance of an edge's operations as a share of its largest value, 0 to 1; 0 on decided edges."""
    total = sum(importance.values())
    if len(importance) < 2 or not total:
        return 0.0
    shares = [value / total for value in importance.values() if value > 0]
    return -sum(share * math.log(share) for share in shares) / math.log(len(importance))


def _open_entropy(record: EpochRecord) -> float | None:
    """The mean over edges that are not decided; None where all are."""
    edges = [edge for cell in record.importance.values() for edge in cell if not set(edge.values()) <= {0.0, 1.0}]
    return fmean(map(edge_entropy, edges)) if edges else None
