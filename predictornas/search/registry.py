"""Search methods by name: those that are no sampler with a predictor, and the list of all."""

from __future__ import annotations

from predictornas.registry import Look, Registered, Registry
from predictornas.samplers.registry import SAMPLERS
from predictornas.schedulers.registry import SCHEDULERS

_SHARE = "r = {} %"

_RANDOM = Registered(
    name="random",
    target="predictornas.search.strategies:RandomSearch",
    help="uniform draws, what gain is measured against",
    label="random search",
    takes=("initial", "batch"),
    look=Look("#767676", "o"),
)

_PREDICTING = (
    Registered(
        name="pvll",
        target="predictornas.search.building:pvll",
        help="PVLL-NAS with an estimator of its own (Li, Dong et al. 2020)",
        label="PVLL",
        takes=("warm_up", "published"),
        look=Look("#9E2E93", "d"),
    ),
    Registered(
        name="rank-full",
        target="predictornas.search.building:rank_full",
        help="as rank-nosh, everything trained to the end",
        label="predictor, full trainings",
        takes=("predictor", "levels", "initial", "batch", "warm_start"),
        look=Look("#0B4F9E", "s"),
    ),
    Registered(
        name="rank-nosh",
        target="predictornas.search.building:rank_nosh",
        help="RANK-NOSH: few epochs for many, more for the promising (Wang et al. 2021); N is the share in percent",
        label="RANK-NOSH",
        takes=("predictor", "levels", "number", "initial", "batch", "warm_start"),
        number="optional",
        number_label=_SHARE,
        look=Look("#8C5A2B", "<"),
        looks={30: Look("#B8763A", "<"), 50: Look("#8C5A2B", "v"), 70: Look("#5C3A1A", "^")},
    ),
    Registered(
        name="rank-nosh-level",
        target="predictornas.search.building:rank_nosh_by_level",
        help="the same, where a longer training beats a shorter one",
        label="RANK-NOSH by level",
        takes=("predictor", "levels", "number", "initial", "batch", "warm_start"),
        number="optional",
        number_label=_SHARE,
        looks={30: Look("#86CBD6", "<"), 50: Look("#1497A8", "v"), 70: Look("#0B5560", "^")},
    ),
    Registered(
        name="rank-nosh-zero",
        target="predictornas.search.building:rank_nosh_with_level_zero",
        help="the same with a level 0: architectures that have a zero-cost score and no training",
        label="RANK-NOSH with level 0",
        takes=("predictor", "levels", "number", "initial", "batch", "warm_start"),
        number="optional",
        number_label=_SHARE,
        looks={30: Look("#E59AA5", "<"), 50: Look("#C43C55", "v"), 70: Look("#7A1027", "^")},
    ),
)

_BASELINES = (
    Registered(
        name="regularised-evolution",
        target="predictornas.search.evolution:RegularisedEvolution",
        help="mutants of the best of a random few, the oldest dies (Real et al. 2019)",
        label="regularised evolution",
        look=Look("#4FB3E8", ">"),
    ),
    Registered(
        name="local-search",
        target="predictornas.search.local_search:LocalSearch",
        help="all neighbours of the best (White et al. 2020)",
        label="local search",
        look=Look("#9A9A00", "H"),
    ),
    Registered(
        name="bananas",
        target="predictornas.search.bananas:BANANAS",
        help="an ensemble on path encodings, mutants of the best (White et al. 2021)",
        label="BANANAS",
        look=Look("#E0B000", "8"),
    ),
    Registered(
        name="nas-bowl",
        target="predictornas.search.nas_bowl:NASBOWL",
        help="a process on subtrees and the expected improvement, mutants of the best (Ru et al. 2021)",
        label="NAS-BOWL",
        takes=("initial", "batch"),
        look=Look("#5B7F2B", "D"),
    ),
    Registered(
        name="npenas",
        target="predictornas.search.building:npenas",
        help="a graph isomorphism network, mutants of the best (NPENAS-NP: Wei et al. 2022)",
        label="NPENAS-NP",
        takes=("initial", "batch"),
        look=Look("#A0522D", "P"),
    ),
    Registered(
        name="weaknas",
        target="predictornas.search.weak_nas:WeakNAS",
        help="picks among what a predictor of the whole space puts on top (Wu et al. 2021)",
        label="WeakNAS",
        takes=("predictor", "initial", "batch"),
        look=Look("#3A5F8A", "h"),
    ),
    Registered(
        name="one-shot",
        target="predictornas.search.one_shot:OneShot",
        help="one ranking of the whole space (Wen et al. 2020)",
        label="one-shot (Wen et al.)",
        look=Look("#111111", "*"),
    ),
    Registered(
        name="bayesian-optimisation",
        target="predictornas.search.building:bayesian_optimisation",
        help="a Gaussian process and mutants of what it thinks best",
        label="Bayesian optimisation",
        takes=("initial", "batch"),
        look=Look("#B3001B", "d"),
    ),
    Registered(
        name="explorative-bayesian-optimisation",
        target="predictornas.search.building:explorative_bayesian_optimisation",
        help="the same; where it finds nothing better, half of it goes to what the process is least sure of",
        label="explorative Bayesian optimisation",
        takes=("initial", "batch"),
        look=Look("#FF7A5C", "d"),
    ),
    Registered(
        name="signal-bayesian-optimisation",
        target="predictornas.search.building:signal_bayesian_optimisation",
        help="the same with a process that sees how signals pass through cells of NAS-Bench-101 and -201",
        label="Bayesian optimisation with signals",
        takes=("initial", "batch"),
        look=Look("#7A0177", "d"),
    ),
    Registered(
        name="climbing-bayesian-optimisation",
        target="predictornas.search.building:climbing_bayesian_optimisation",
        help="the last one, which also looks around the best by the signal: the best search of this package",
        label="climbing Bayesian optimisation",
        takes=("initial", "batch"),
        look=Look("#E0559A", "d"),
    ),
    Registered(
        name="climbing-explorative-bayesian-optimisation",
        target="predictornas.search.building:climbing_explorative_bayesian_optimisation",
        help="the last one, which also explores once it stands on a peak: for tables that may trap it",
        label="climbing Bayesian optimisation that explores",
        takes=("initial", "batch"),
        look=Look("#F7A1C4", "d"),
    ),
)

METHODS = Registry(
    "method",
    (_RANDOM, *_PREDICTING, *_BASELINES),
    group="predictornas.methods",
)
"""Settings for the targets: the fields of `predictornas.search.methods.Preset`, `predictor` (made, the preset's where
none was asked for) and `number` (that of the name, or None). Only a method that takes `predictor` can be asked for with
one, as in `rank-nosh@gp`."""

RANKED = "rank-"
"""Before the name of a scheduler: a predictor ranks the newcomers."""


def known_methods() -> tuple[Registered, ...]:
    """The record of every method of this package and of this process, in the order of lists and legends.

    A sampler is the method that ranks its pools, a scheduler the one that trains random newcomers by its plan.
    """
    scheduled = [record for record in SCHEDULERS.records if record.name != "full"]  # which is `random`
    own = (_RANDOM, *SAMPLERS.records, *_PREDICTING, *scheduled, *_BASELINES)
    return (*own, *(record for record in METHODS.records if record not in own))


def method_names() -> list[str]:
    """How each of them is written, e.g. `uniform-N`, each once; then those of other packages, unloaded."""
    own = [spelling for record in known_methods() for spelling in record.spellings]
    others = [name for registry in (METHODS, SAMPLERS, SCHEDULERS) for name in registry.others()]
    return list(dict.fromkeys([*own, *others]))
