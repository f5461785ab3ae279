"""The papers to cite: for each method, for the gain, and for the table."""

from __future__ import annotations

from collections.abc import Iterable

from predictornas.looks import styles_of
from predictornas.report.markup import Content, joined
from predictornas.report.page import bullets, paragraphs
from predictornas.search.registry import RANKED

_MAUCH = (
    "Mauch, Tiedemann, Alonso Garcia, Cong, Yoshiyama, Cardinaux, Kemp: Efficient Sampling for Predictor-Based Neural "
    "Architecture Search. arXiv 2011.12043, 2020"
)
_NOSH = (
    "Wang, Chen, Cheng, Tang, Hsieh: RANK-NOSH: Efficient Predictor-Based Architecture Search via Non-Uniform "
    "Successive Halving. ICCV 2021"
)
_ASHA = (
    "Li, Jamieson, Rostamizadeh, Gonina, Ben-Tzur, Hardt, Recht, Talwalkar: A System for Massively Parallel "
    "Hyperparameter Tuning. MLSys 2020"
)
_PVLL = "Li, Dong, Wang, Xu: Neural Architecture Search in a Proxy Validation Loss Landscape. ICML 2020"

_METHODS = {
    "uniform": _MAUCH,
    "exhaustive": _MAUCH,
    "evolutionary": _MAUCH,
    "likelihood": _MAUCH,
    "pvll": _PVLL,
    "rank-full": _NOSH,
    "rank-nosh": _NOSH,
    "rank-nosh-level": _NOSH,
    "nosh": _NOSH,
    "asha": _ASHA,
    "successive-halving": (
        "Jamieson, Talwalkar: Non-stochastic Best Arm Identification and Hyperparameter Optimization. AISTATS 2016"
    ),
    "regularised-evolution": (
        "Real, Aggarwal, Huang, Le: Regularized Evolution for Image Classifier Architecture Search. AAAI 2019"
    ),
    "local-search": "White, Nolen, Savani: Exploring the Loss Landscape in Neural Architecture Search. UAI 2021",
    "bananas": (
        "White, Neiswanger, Savani: BANANAS: Bayesian Optimization with Neural Architectures for Neural Architecture "
        "Search. AAAI 2021"
    ),
    "one-shot": "Wen, Liu, Chen, Li, Bender, Kindermans: Neural Predictor for Neural Architecture Search. ECCV 2020",
    "bayesian-optimisation": (
        "Ru, Wan, Dong, Osborne: Interpretable Neural Architecture Search via Bayesian Optimisation with "
        "Weisfeiler-Lehman Kernels. ICLR 2021 (its graph kernel)"
    ),
}
"""By the name of a method without the number at its end."""

_SPACES = {
    "nasbench101": (
        "Ying, Klein, Christiansen, Real, Murphy, Hutter: NAS-Bench-101: Towards Reproducible Neural Architecture "
        "Search. ICML 2019"
    ),
    "nasbench201": (
        "Dong, Yang: NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search. ICLR 2020"
    ),
}


def paper_of(method: str) -> str | None:
    """The paper of a method; None for random search, and where this package states none."""
    name = method.partition("@")[0]
    stem, _, number = name.rpartition("-")
    names = [name, stem] if number.isdecimal() else [name]
    names += [known.removeprefix(RANKED) for known in names]
    return next((_METHODS[known] for known in names if known in _METHODS), None)


def how_to_cite(methods: Iterable[str], space: str, *, gain: bool = True) -> Content:
    """The section on citing: each paper once, with what it is cited for.

    Args:
        methods: that were run.
        space: name of the search space.
        gain: whether gains in dB are shown.
    """
    cited: dict[str, list[str]] = {}
    for method, style in styles_of(methods).items():
        paper = paper_of(method)
        if paper is not None:
            cited.setdefault(paper, []).append(style.label)
    if gain:
        cited.setdefault(_MAUCH, []).append("the gain in dB")
    if space in _SPACES:
        cited.setdefault(_SPACES[space], []).append("the search space")
    items = [joined(f"{', '.join(reasons)}: ", paper, ".") for paper, reasons in cited.items()]
    return joined(
        paragraphs("Cite the paper of each method that you use, and that of the table with its licence."),
        bullets(*items),
        paragraphs("Software: predictornas, with its version (below, under “How to repeat”)."),
    )
