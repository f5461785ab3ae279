"""What every word on a figure means, in one place: below the pictures, in `captions.md`, and in the report."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from predictornas.quantity import Quantity

GAIN = (
    "How many dB fewer trainings each method needs than random search until it proposes an architecture of the target "
    "error: 10 dB are ten times fewer, 0 dB as many."
)

ESTIMATORS = {
    "pooled": "One urn: the proposals of all runs of a method are counted together, copies included.",
    "per_run": "Per run: each run is counted by itself, and the mean of the gains in dB is drawn; runs that never "
    "reach the target are left out.",
    "per_iteration": "Per iteration: the expected trials are averaged over iterations before the logarithm; this does "
    "not tell methods apart where few architectures reach the target.",
    "observed": "Observed: the proposals until the first that reaches the target; runs without one are censored "
    "(Kaplan-Meier).",
}

GAIN_BANDS = "Bands: 95 % interval over runs (jackknife, t)."

CAP = "Cap (dashed): the gain if every proposal reached the target."

CHANCE = "Grey: what random search itself shows by chance in 95 of 100 such studies in which it reaches the target."

CHANCE_MEAN = "Dotted: the mean of them."

HOLLOW = "Hollow: no proposal reached the target, so the gain is no more than this"

TARGET_SHARE = "The target on the axis is a share of the table by the signal column, harder to the left."

SIGNAL, EVALUATION = "the column that drives the search", "the column that judges it and that no search sees"

TRACES = {
    "searched": "What the search saw: the error on the signal column of the best architecture by the signal so far.",
    "chosen": "How good its choice is: the error of that same architecture on the evaluation column.",
    "recommended": "What it recommends: the error on the evaluation column of the architecture that the search itself "
    "names as its result.",
    "best": "The best it evaluated: the lowest error on the evaluation column among all that it evaluated, which no "
    "search can know.",
}
"""Whose error, and on which column."""

CONVERGENCE = "Lines: mean error over the runs"

MARKS = "Marks on the lines only tell the methods apart."

INITIAL = "T0 is the random initial set of a run."

ORACLES = (
    "Signal oracle: the architecture of the table with the best signal. Evaluation oracle: the one with the best "
    "evaluation. Both lines are their errors on the column of the panel."
)

POOLS = "N': architectures in each pool that the predictor ranks."

DISTRIBUTION = (
    "Errors on the signal column of what each method proposed, all runs together, the random initial set T0 left out. "
    "“Whole table”: all architectures."
)

BANDS = {"interval": "95 % interval of the mean (t)", "std": "one standard deviation of the runs"}


@dataclass(frozen=True)
class Quality:
    """How a quantity of a predictor is told.

    Attributes:
        label: what it is called.
        meaning: what it is, the rest of a sentence.
        unit: behind the label, or nothing.
        digits: behind the point.
        percent: whether tables hold fractions of what is shown.
        logarithmic: whether it is drawn on such an axis, as what differs by factors.
    """

    label: str
    meaning: str
    unit: str = ""
    digits: int = 1
    percent: bool = False
    logarithmic: bool = False

    @property
    def heading(self) -> str:
        """Label and unit."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    @property
    def scale(self) -> float:
        """What the numbers of tables are multiplied with."""
        return 100.0 if self.percent else 1.0

    @property
    def caption(self) -> str:
        """A sentence."""
        return f"{self.label[0].upper()}{self.label[1:]}: {self.meaning}"


def _found(share: str) -> Quality:
    top = f"the best {share} % of the judged architectures"
    meaning = f"how much of {top} is in the best {share} % by the predictor, in percent."
    return Quality(f"P@{share} %", meaning, percent=True)


QUALITIES = {
    "tau": Quality("Kendall's tau", "how alike two rankings are, 1 the same, 0 unrelated, -1 reversed.", digits=3),
    "hits_half": _found("0.5"),
    "hits": _found("1"),
    "hits_five": _found("5"),
    "best_of_ten": Quality(
        "N@10",
        "the place, among all judged architectures, of the best of the ten with the highest scores.",
        digits=0,
        logarithmic=True,
    ),
    "regret": Quality(
        "regret of the top pick",
        "what the accuracy of the predictor's first choice lacks to the best among the judged, in percentage points.",
        unit="points",
        digits=2,
        percent=True,
    ),
    "coverage": Quality(
        "coverage",
        "how many of the judged architectures lie in the central 90 % interval of their prediction; below 90 % the "
        "predictor is too sure.",
        unit="%",
        percent=True,
    ),
    "sharpness": Quality(
        "sharpness",
        "how wide these intervals are, as a share of the one that holds 90 % of all values; less is better where the "
        "coverage is right.",
        digits=2,
    ),
}
"""What is shown of predictors, in the units of tables."""

BY_CHANCE = "Dotted: what random scores have on average."


def qualities(judge: Quantity) -> dict[str, Quality]:
    """`QUALITIES` with the regret in the unit of what predictors are judged by.

    Args:
        judge: how costs of that column are read.

    Example:
        >>> from predictornas.quantity import Quantity
        >>> qualities(Quantity("validation loss", unit="", offset=0.0, percent=False))["regret"].heading
        'regret of the top pick'
    """
    if judge.percent:
        return QUALITIES
    lacks = f"what the {judge.name} of the predictor's first choice lacks to the best among the judged."
    regret = Quality(judge.with_unit("regret of the top pick"), lacks, digits=4)
    return QUALITIES | {"regret": regret}


SPLIT = (
    "Sampler: the gain of the pools over the whole table. Predictor: that of the proposals over the pools they were "
    "chosen from. Both add up to the total. No line where no pool holds an architecture of the target."
)

SEARCH = {
    "accuracy": "Accuracy: of the super-network with shared weights, on the half of the images that trains its "
    "weights and on the half that trains its architecture.",
    "importance": "Mean importance: the share of an operation in the mixture on an edge, mean over the edges that "
    "have it.",
    "entropy": "Entropy: of the importance on an edge, as a share of its largest, mean over edges; 0 where all is "
    "decided.",
    "skip": "Skip connections: of the edges in the architecture that would be selected after the epoch.",
    "eigenvalue": "Largest eigenvalue: of the Hessian of the validation loss in the parameters of the architecture.",
    "phases": "Dotted: a new phase of the method begins.",
}


def gain_caption(
    estimator: str, *, unresolved: int, defined: int, with_initial: bool = False, pools: bool = True
) -> str:
    """Of the gain against targets.

    Args:
        estimator: a key of `ESTIMATORS`.
        unresolved: points that no proposal reached.
        defined: points in all.
        with_initial: whether the random initial set counts among the proposals.
        pools: whether the name of a method says N'.

    Example:
        >>> "One urn" in gain_caption("pooled", unresolved=1, defined=80)
        True
    """
    counted = "and with" if with_initial else "without"
    sizes = f"K: the proposals of a run that count, {counted} the random initial set T0."
    targets = "J: the target, as an error on the signal column. M_S: architectures of the table that reach it."
    parts = [
        GAIN,
        targets,
        sizes,
        POOLS if pools else "",
        ESTIMATORS.get(estimator, ""),
        GAIN_BANDS,
        CAP,
        CHANCE,
        CHANCE_MEAN,
    ]
    return " ".join(filter(None, [*parts, hollow(unresolved, defined)]))


def split_caption(estimator: str, *, unresolved: int, defined: int, with_initial: bool = False) -> str:
    """Of the gain of sampler and predictor; arguments as in `gain_caption`."""
    whole = gain_caption(estimator, unresolved=unresolved, defined=defined, with_initial=with_initial)
    return f"{SPLIT} {whole}"


def hollow(unresolved: int, defined: int) -> str:
    """What hollow marks are, and how many; that there is none, or nothing at all.

    Example:
        >>> hollow(0, 80), hollow(0, 0)
        ('Every point was reached by a proposal.', 'No gain is defined.')
    """
    if not defined:
        return "No gain is defined."
    if not unresolved:
        return "Every point was reached by a proposal."
    return f"{HOLLOW} ({unresolved:,} of {defined:,} points)."


def convergence_caption(traces: Collection[str], *, spent: str, band: str, oracles: bool, marks: bool = True) -> str:
    """Of errors against what was spent.

    Args:
        traces: keys of `TRACES` that are drawn.
        spent: "evaluations", "training epochs", ...
        band: a key of `BANDS`.
        oracles: whether the oracles are drawn.
        marks: whether lines have marks.
    """
    parts = [
        f"{CONVERGENCE} against {spent}, the random initial set included; bands: {BANDS[band]}.",
        f"Signal: {SIGNAL}; evaluation: {EVALUATION}." if set(traces) - {"searched"} else f"Signal: {SIGNAL}.",
        *(meaning for trace, meaning in TRACES.items() if trace in traces),
        ORACLES if oracles else "",
        MARKS if marks else "",
    ]
    return " ".join(filter(None, parts))


def distribution_caption() -> str:
    """Of the errors of proposals, a row for each method."""
    return (
        f"{DISTRIBUTION} ΣK: proposals in all. One scale for all rows: the area is the share of the proposals that is "
        "on the axis; the share beyond it is on the right. Tick: median."
    )


def predictors_caption(shown: Mapping[str, Quality], *, by_chance: bool = False) -> str:
    """Of the quality of predictors against training sets.

    Args:
        shown: what is drawn, by name.
        by_chance: whether random scores are drawn too.
    """
    told = [quality.caption for quality in shown.values()]
    lines = "Lines: means over the draws of training sets; bands: 95 % interval."
    return " ".join([*told, lines, *([BY_CHANCE] if by_chance else [])])


def ranks_caption(blocks: int, block: str, *, shows_nothing: bool) -> str:
    """Of a diagram of average ranks.

    Args:
        blocks: over how many the ranks are averaged.
        block: what each is, "table" or "seed".
        shows_nothing: whether so few blocks cannot tell any two methods apart.
    """
    verdict = (
        f"With {blocks:,} {block}s CD is wider than all ranks are apart, so no two methods could be told apart here, "
        "whatever their ranks; there are no bars."
        if shows_nothing
        else "Bars join methods that are not told apart."
    )
    return (
        f"Ranks: 1 is the method with the lowest error on a {block}, averaged over {blocks:,} {block}s. CD: the "
        "critical difference, by which two average ranks have to differ (Nemenyi, level 0.05, corrected for all "
        f"pairs). {verdict} p: of the Friedman test that no method differs from another. Final: after the last "
        "evaluation that all runs have; anytime regret: mean over all evaluations of what the error exceeds the "
        f"lowest in the table by. Signal: {SIGNAL}; evaluation: {EVALUATION}. Whose error: {' '.join(TRACES.values())}"
    )


def search_caption(*, curvature: bool, phases: bool) -> str:
    """Of a search with a super-network, epoch by epoch.

    Args:
        curvature: whether the eigenvalue is drawn.
        phases: whether the method has several phases.
    """
    left_out = {"eigenvalue": not curvature, "phases": not phases}
    return " ".join(text for name, text in SEARCH.items() if not left_out.get(name, False))


HYPERVOLUME = (
    "Hypervolume regret: the share of the volume dominated by the whole table that a run does not dominate yet. Lines: "
    "mean over the runs; bands: 95 % interval of the mean (t)."
)

FRONT_TRACES = {
    "chosen": "Of what it chose: the front of what the search saw, judged on the evaluation column.",
    "best": "Of all it evaluated: their front on the evaluation column, which no search can know.",
}
"""Whose hypervolume."""

FRONTS = (
    "What half of the runs of a method attain (line), and a quarter and three quarters of them (ends of the band): at "
    "each value of one objective the value of the other that this share of runs has reached. Grey: the front of the "
    "table."
)
