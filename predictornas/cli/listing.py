"""Help texts that list what the registries hold."""

from __future__ import annotations

from predictornas.live.images.registry import IMAGE_SETS
from predictornas.live.proxies import PROXIES
from predictornas.predictors.registry import PREDICTORS
from predictornas.search.registry import known_methods
from predictornas.spaces.registry import SPACES
from predictornas.studies.predictor_protocols import PROTOCOLS
from predictornas.supernet.registry import SUPERNET_METHODS

OWN = "module:attribute for your own"

TO_THE_END = "Those without a scheduler train every network to the end."


def methods_help() -> str:
    """How methods are written, all of this package."""
    names = ", ".join(spelling for record in known_methods() for spelling in record.spellings)
    return (
        f"{names}. N is the size of a pool, or with a scheduler the share in percent that is promoted. "
        f"uniform-100@gp asks another predictor than gcn: {', '.join(PREDICTORS)}. Or {OWN}."
    )


def predictors_help() -> str:
    """The names of all predictors of this package."""
    return f"Commas between: {', '.join(PREDICTORS)}, or {OWN}."


def protocols_help() -> str:
    """The protocols by which predictors are compared."""
    told = "; ".join(f"{protocol.name}: {protocol.help}" for protocol in PROTOCOLS.values())
    return f"What is learned, what judges and on which cells. {told}."


def spaces_help() -> str:
    """The names of all search spaces of this package."""
    return f"{', '.join(SPACES)}, or {OWN}."


def images_help() -> str:
    """The image sets of this package, and what else there may be."""
    return (
        f"{', '.join(IMAGE_SETS)}, {OWN}, or a folder with CIFAR's python batches, image-parquet, or train/CLASS and "
        "test/CLASS."
    )


def proxies_help() -> str:
    """The names of all zero-cost proxies of this package."""
    return f"Commas between: {', '.join(PROXIES)}, or {OWN}; all of this package by default."


def supernet_methods_help() -> str:
    """The names of all super-network methods of this package."""
    return f"{', '.join(SUPERNET_METHODS)}, or {OWN}; +pt at the end (darts-1+pt) for perturbation selection."
