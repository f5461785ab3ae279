"""What the studies of DARTS-PT (Wang et al. 2021) share: searches of first-order DARTS."""

from __future__ import annotations

from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet.searches import Probe, Scale, StudiedSearch, scale_of, studied
from predictornas.spaces.registry import get_space
from predictornas.supernet.published import get_method

METHOD = "darts-1"
"""First-order DARTS, whose super-networks are looked at (Wang et al. 2021, chapter 2)."""

PER_SEED = "Mean and 95 % interval over seeds"


def darts_searches(
    request: FigureRequest, *, space: str | None = None, scale: Scale | None = None, probe: Probe | None = None
) -> list[StudiedSearch]:
    """First-order DARTS on every seed; in the scale's own space under the name that other figures share.

    Args:
        request: size, data, seeds.
        space: instead of the scale's own.
        scale: instead of the request's own; only together with a space of its own.
        probe: what is measured on the way.
    """
    own = scale_of(request).space
    chosen = space or own
    setting = METHOD if chosen == own else f"{METHOD} {chosen}"
    methods = {setting: get_method(METHOD, get_space(chosen))}
    return studied(request, methods, scale=scale, space=chosen, probe=probe)
