"""The papers to cite: for each method, for the gain, and for the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from predictornas.looks import styles_of
from predictornas.report.markup import Content, joined
from predictornas.report.page import bullets, paragraphs
from predictornas.search.registry import RANKED

_MAUCH = (
    "Mauch, Tiedemann, Alonso Garcia, Nguyen Cong, Yoshiyama, Cardinaux, Kemp: Efficient Sampling for Predictor-Based "
    "Neural Architecture Search. arXiv 2011.12043, 2020"
)
_NOSH = (
    "Wang, Chen, Cheng, Tang, Hsieh: RANK-NOSH: Efficient Predictor-Based Architecture Search via Non-Uniform "
    "Successive Halving. ICCV 2021"
)
_ASHA = (
    "Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar: A System for Massively Parallel "
    "Hyperparameter Tuning. MLSys 2020"
)
_PVLL = "Li, Dong, Wang, Xu: Neural Architecture Search in A Proxy Validation Loss Landscape. ICML 2020"

_LOCAL_SEARCH = "White, Nolen, Savani: Exploring the Loss Landscape in Neural Architecture Search. UAI 2021"

_BOWL = (
    "Ru, Wan, Dong, Osborne: Interpretable Neural Architecture Search via Bayesian Optimisation with "
    "Weisfeiler-Lehman Kernels. ICLR 2021"
)

_METHODS = {
    "uniform": _MAUCH,
    "exhaustive": _MAUCH,
    "evolutionary": _MAUCH,
    "likelihood": _MAUCH,
    "pvll": _PVLL,
    "rank-full": _NOSH,
    "rank-nosh": _NOSH,
    "rank-nosh-level": _NOSH,
    "rank-nosh-zero": _NOSH,
    "nosh": _NOSH,
    "asha": _ASHA,
    "successive-halving": (
        "Jamieson, Talwalkar: Non-stochastic Best Arm Identification and Hyperparameter Optimization. AISTATS 2016"
    ),
    "regularised-evolution": (
        "Real, Aggarwal, Huang, Le: Regularized Evolution for Image Classifier Architecture Search. AAAI 2019"
    ),
    "nsga-ii": (
        "Deb, Pratap, Agarwal, Meyarivan: A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II. IEEE "
        "Transactions on Evolutionary Computation 6, 2002"
    ),
    "local-search": _LOCAL_SEARCH,
    "bananas": (
        "White, Neiswanger, Savani: BANANAS: Bayesian Optimization with Neural Architectures for Neural Architecture "
        "Search. AAAI 2021"
    ),
    "nas-bowl": _BOWL,
    "npenas": (
        "Wei, Niu, Tang, Wang, Hu, Liang: NPENAS: Neural Predictor Guided Evolution for Neural Architecture Search. "
        "IEEE Transactions on Neural Networks and Learning Systems 34, 2023"
    ),
    "weaknas": (
        "Wu, Dai, Chen, Chen, Liu, Yu, Wang, Liu, Chen, Yuan: Stronger NAS with Weaker Predictors. NeurIPS 2021"
    ),
    "one-shot": "Wen, Liu, Chen, Li, Bender, Kindermans: Neural Predictor for Neural Architecture Search. ECCV 2020",
    **dict.fromkeys(
        ("bayesian-optimisation", "explorative-bayesian-optimisation", "signal-bayesian-optimisation"),
        f"{_BOWL} (its graph kernel)",
    ),
    **dict.fromkeys(
        ("climbing-bayesian-optimisation", "climbing-explorative-bayesian-optimisation"),
        f"{_BOWL} (its graph kernel); {_LOCAL_SEARCH}",
    ),
}
"""By the name of a method without the number at its end."""

_DARTS = "Liu, Simonyan, Yang: DARTS: Differentiable Architecture Search. ICLR 2019"
_GDAS = "Dong, Yang: Searching for A Robust Neural Architecture in Four GPU Hours. CVPR 2019"
_MILENAS = "He, Ye, Shen, Zhang: MiLeNAS: Efficient Neural Architecture Search via Mixed-Level Reformulation. CVPR 2020"

_SUPERNETS = {
    "darts": (_DARTS,),
    "darts-2": (_DARTS,),
    "single-level": (_DARTS, _MILENAS),
    "gdas": (_GDAS,),
    "milenas": (_MILENAS,),
    "milenas-gumbel": (_MILENAS, _GDAS),
    "bilevel-to-mixed": (_MILENAS,),
    "sdarts": (
        "Chen, Hsieh: Stabilizing Differentiable Architecture Search via Perturbation-based Regularization. ICML 2020",
    ),
    "sgas": ("Li, Qian, Delgadillo, Müller, Thabet, Ghanem: SGAS: Sequential Greedy Architecture Search. CVPR 2020",),
    "pc-darts": (
        "Xu, Xie, Zhang, Chen, Qi, Tian, Xiong: PC-DARTS: Partial Channel Connections for Memory-Efficient "
        "Architecture Search. ICLR 2020",
    ),
    "drnas": ("Chen, Wang, Cheng, Tang, Hsieh: DrNAS: Dirichlet Neural Architecture Search. ICLR 2021",),
    "pvll": (_PVLL,),
}
"""By the name of a super-network method, or its beginning before the last dash."""

_PERTURBATION = "Wang, Cheng, Chen, Tang, Hsieh: Rethinking Architecture Selection in Differentiable NAS. ICLR 2021"

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


def supernet_papers(method: str) -> dict[str, str]:
    """The papers of a super-network method, and what each is cited for.

    Example:
        >>> [reason for paper, reason in supernet_papers("drnas+pt").items()]
        ['drnas', 'perturbation selection']
    """
    name, _, selection = method.partition("+")
    papers = _SUPERNETS.get(name) or _SUPERNETS.get(name.rpartition("-")[0], ())
    cited = dict.fromkeys(papers, name)
    return cited | ({_PERTURBATION: "perturbation selection"} if selection else {})


def how_to_cite_supernet(method: str, space: str) -> Content:
    """The section on citing a search with a super-network.

    Args:
        method: of `predictornas supernet`.
        space: name of the search space.
    """
    cited = {paper: [reason] for paper, reason in supernet_papers(method).items()}
    place = _DARTS if space.startswith("darts") else _SPACES.get(space)
    if place is not None:
        cited.setdefault(place, []).append("the search space")
    return _section(cited)


def how_to_cite(methods: Iterable[str], *spaces: str, gain: bool = True) -> Content:
    """The section on citing: each paper once, with what it is cited for.

    Args:
        methods: that were run.
        spaces: names of the search spaces.
        gain: whether gains in dB are shown.
    """
    cited: dict[str, list[str]] = {}
    for method, style in styles_of(methods).items():
        paper = paper_of(method)
        if paper is not None:
            cited.setdefault(paper, []).append(style.label)
    if gain:
        cited.setdefault(_MAUCH, []).append("the gain in dB")
    for space in spaces:
        if space in _SPACES:
            cited.setdefault(_SPACES[space], []).append("the search space")
    return _section(cited)


def _section(cited: Mapping[str, Sequence[str]]) -> Content:
    items = [joined(f"{', '.join(reasons)}: ", paper, ".") for paper, reasons in cited.items()]
    return joined(
        paragraphs("Cite the paper of each method that you use, and that of the table with its licence."),
        bullets(*items),
        paragraphs("Software: predictornas, with its version (below, under “How to repeat”)."),
    )
