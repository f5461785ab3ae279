"""The study of DARTS's collapse: weights first, at resting alpha, then several methods from the same super-networks.

In NAS-Bench-201 the table knows every cell, so each cell that would be derived along a search is judged without
training it. Weights that were trained before alpha moves are the regime in which the papers' picture shows; from fresh
weights a few hundred steps of alpha say little (ours). 3,000 images to train with and as many to validate with let
ten seeds fit into four hours of one core; crop and flip keep the training images from being learned by heart. Alpha
moves at 1e-2, so that it comes as far in 12 epochs as with 10,000 images at 3e-3; in pilots with 3,000 at 3e-3
it did not arrive anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet.searches import Scale, SearchTrace, StudiedSearch, studied, traces
from predictornas.spaces.registry import get_space
from predictornas.supernet.method import Method
from predictornas.supernet.parts.anchor import Anchored, DirichletAnchor
from predictornas.supernet.parts.relaxations import Dirichlet
from predictornas.supernet.parts.updates import Bilevel
from predictornas.supernet.published import get_method

CELL_SPACE = "nasbench201"

WARM_UPS = {"weights softmax": "darts-1", "weights dirichlet": "drnas"}
"""Searches whose alpha rests, by what figures call them, each with the method whose mixtures it is trained at."""

COMPARED = ("darts-1", "sdarts-rs", "drnas", "drnas weight decay")
"""Methods that start from them; the last one with the anchor of DrNAS's released code."""

LONGER = "darts-1, thrice as long"
"""The first method again, for three times the epochs: whether its cells go on to grow worse."""

LENGTHS, LONGER_SEEDS = 3, 3
"""Times the epochs of the others; for as many seeds at most, each of which takes as long as three of theirs."""

SCORED = ("darts-1",)
"""Methods in whose super-networks every operation is scored in every way, and slopes of alpha are compared.

From all of these that are kept perturbation selects, too.
"""

PERTURBED_AT_THE_END = ("sdarts-rs", "drnas")
"""Methods from whose last super-networks perturbation selects: its fine-tuning takes longer than all else."""

START_RATE, MIDDLE_RATE, END_RATE = 0.025, 0.005, 0.001
"""Learning rates of the weights: at the beginning, where alpha begins to move, at the end; a cosine between (ours)."""

TUNING_FACTOR = 0.5
"""Of the rate in the middle: a tenth of the first one, at which Wang et al. 2021 fine-tune."""


@dataclass(frozen=True)
class CollapseScale:
    """How much the study is at one size.

    Attributes:
        searches: of every search; its `epochs` are those with alpha, its `architecture_rate` makes 3e-4 to 1e-2.
        warm_up: epochs before, in which alpha rests.
        snapshots: epochs with alpha after which super-networks are kept and looked at, ascending; 0 is the start.
        rounds: epochs of fine-tuning from one round of perturbation selection to the next, by snapshot; Wang et al.
            have 5 after the search.
        strength_epochs: of fine-tuning before the strength of an operation is measured.
        trained_out: epochs at resting alpha after which the slopes of alpha are compared with those before.
        strength_edges: edges whose operations' strengths are measured, at the last snapshot.
    """

    searches: Scale
    warm_up: int
    snapshots: tuple[int, ...]
    rounds: tuple[int, ...]
    strength_epochs: int
    trained_out: int
    strength_edges: int


_SMALL = CollapseScale(
    Scale(
        CELL_SPACE,
        images=6_000,
        pixels=16,
        batch_size=64,
        epochs=12,
        cells=1,
        channels=8,
        seeds=3,
        architecture_rate=100 / 3,
    ),
    warm_up=16,
    snapshots=(0, 3, 6, 12),
    rounds=(1, 1, 1, 2),
    strength_epochs=1,
    trained_out=4,
    strength_edges=2,
)

SIZES = {
    "smoke": CollapseScale(
        Scale(CELL_SPACE, images=60, pixels=8, batch_size=15, epochs=2, cells=1, channels=2, seeds=1),
        warm_up=1,
        snapshots=(0, 2),
        rounds=(1, 1),
        strength_epochs=1,
        trained_out=1,
        strength_edges=1,
    ),
    "small": _SMALL,
    "full": replace(_SMALL, searches=replace(_SMALL.searches, seeds=10)),
}
"""Smoke shows in a minute that everything runs, and says nothing; small is an hour of two cores, full the document."""


def scale_of(request: FigureRequest) -> CollapseScale:
    """The scale of a request's size, with the seeds that it asks for.

    Raises:
        UnknownNameError: no such size.
        ConfigurationError: options that only studies of tables have.
    """
    if request.size not in SIZES:
        raise UnknownNameError("size", request.size, SIZES)
    if request.study is not None or request.preset is not None or request.budget is not None:
        raise ConfigurationError(
            "A figure of super-networks has searches of its own. Leave out --study, --preset and --budget."
        )
    scale = SIZES[request.size]
    if request.seeds is None:
        return scale
    return replace(scale, searches=replace(scale.searches, seeds=request.seeds))


def trained_weights(request: FigureRequest, scale: CollapseScale) -> list[StudiedSearch]:
    """The searches whose alpha rests, one a relaxation and seed."""
    methods = {setting: _resting(_method(name)) for setting, name in WARM_UPS.items()}
    return studied(request, methods, scale=replace(scale.searches, epochs=scale.warm_up))


def searches_from(request: FigureRequest, scale: CollapseScale, weights: Sequence[SearchTrace]) -> list[StudiedSearch]:
    """The methods that are compared, each from the weights of its seed that were trained at its mixtures.

    Args:
        request: size, data, seeds.
        scale: of the study.
        weights: what `trained_weights` left.
    """
    folders = {(trace.search.setting, trace.search.seed): trace.folder for trace in weights}
    methods = {name: _searching(_method(name)) for name in COMPARED}
    kept = tuple(epoch for epoch in scale.snapshots if epoch > 0)
    searches = [replace(search, keeps=kept) for search in studied(request, methods, scale=scale.searches)]
    seeds = min(scale.searches.seeds, LONGER_SEEDS)
    longer = replace(scale.searches, epochs=LENGTHS * kept[-1], seeds=seeds)
    searches += studied(request, {LONGER: methods[COMPARED[0]]}, scale=longer)
    softmax, dirichlet = WARM_UPS
    found = []
    for search in searches:
        source = dirichlet if isinstance(search.method.relaxation, Dirichlet) else softmax
        found.append(replace(search, start=folders[source, search.seed]))
    return found


def run(request: FigureRequest, scale: CollapseScale) -> list[SearchTrace]:
    """All of them, run to their end or read: first the weights, then what starts from them."""
    folder = request.folder / f"darts-collapse-{request.size}"
    weights = traces(request, trained_weights(request, scale), folder=folder)
    return traces(request, searches_from(request, scale, weights), folder=folder)


def _method(name: str) -> Method:
    base = get_method(name.split(" ")[0], get_space(CELL_SPACE))
    if name != "drnas weight decay":
        return base
    return replace(base, update=Anchored(Bilevel(), DirichletAnchor("weight-decay")))


def _resting(method: Method) -> Method:
    weights = replace(method.weights, learning_rate=START_RATE, final_learning_rate=MIDDLE_RATE)
    return replace(method, weights=weights, warm_up=method.epochs)


def _searching(method: Method) -> Method:
    weights = replace(method.weights, learning_rate=MIDDLE_RATE, final_learning_rate=END_RATE)
    return replace(method, weights=weights)
