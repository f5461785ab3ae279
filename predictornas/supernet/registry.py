"""Super-network methods by name; `predictornas.supernet.published` says what each is made of."""

from __future__ import annotations

from predictornas.registry import Registered, Registry

_PUBLISHED = {
    "darts-1": "bilevel, first order (DARTS: Liu et al. 2019)",
    "darts-2": "bilevel, second order",
    "darts-2-exact": "the same, differentiated twice instead of by a finite difference",
    "single-level": "weights and architecture on the same images",
    "gdas": "one operation an edge, drawn (Dong and Yang 2019)",
    "milenas": "mixed level (He et al. 2020)",
    "milenas-gumbel": "the same with draws",
    "bilevel-to-mixed": "second order, then mixed level",
    "sdarts-rs": "random smoothing (Chen and Hsieh 2020)",
    "sdarts-adv": "adversarial perturbation",
    "sgas-1": "edges decided greedily, criterion 1 (Li, Qian et al. 2020)",
    "sgas-2": "the same, criterion 2",
    "pc-darts": "partial channels (Xu et al. 2020)",
    "drnas": "Dirichlet mixtures (Chen et al. 2021)",
    "drnas-progressive": "the same in two stages",
    "pvll": "an estimator of the validation loss (Li, Dong et al. 2020)",
}

SUPERNET_METHODS = Registry(
    "super-network method",
    (
        Registered(name=name, target="predictornas.supernet.published:published", help=text, takes=("name",))
        for name, text in _PUBLISHED.items()
    ),
    group="predictornas.supernet_methods",
)
"""Targets give a `predictornas.supernet.method.Method`, or are one."""
