"""Samplers by name; each is a method too, which ranks the sampler's pools with a predictor."""

from __future__ import annotations

from predictornas.registry import Look, Registered, Registry

_POOL = "N' = {:,}"

SAMPLERS = Registry(
    "sampler",
    (
        Registered(
            name="exhaustive",
            target="predictornas.samplers.uniform:Exhaustive",
            help="the whole space, without a copy of it",
            label="exhaustive pool",
            look=Look("#0B4F9E", "s"),
        ),
        Registered(
            name="uniform",
            target="predictornas.samplers.uniform:Uniform",
            help="a pool of N random architectures",
            label="uniform pool",
            number="needed",
            number_label=_POOL,
            look=Look("#1497A8", "^"),
            looks={100: Look("#86CBD6", "^"), 1000: Look("#1497A8", "v"), 10000: Look("#0B5560", "D")},
        ),
        Registered(
            name="evolutionary",
            target="predictornas.samplers.evolutionary:Evolutionary",
            help="a pool of N mutants and children of the best",
            label="evolutionary pool",
            number="needed",
            number_label=_POOL,
            look=Look("#D95F02", "P"),
            looks={100: Look("#F5994A", "P"), 1000: Look("#C44E00", "X")},
        ),
        Registered(
            name="likelihood",
            target="predictornas.samplers.likelihood:Likelihood",
            help="a pool of N ends of ascents along the predictor's gradient",
            label="likelihood pool",
            number="needed",
            number_label=_POOL,
            look=Look("#7B3294", "p"),
            looks={100: Look("#B57EC9", "p"), 1000: Look("#4A1060", "h")},
        ),
        Registered(
            name="pvll",
            target="predictornas.samplers.pvll:PVLL",
            help="a pool of N draws of the Gumbel-softmax of PVLL-NAS (Li, Dong et al. 2020)",
            number="needed",
        ),
    ),
    group="predictornas.samplers",
    number="needed",
)
"""Targets are called without arguments; the number of a name is N', the size of the pool."""
