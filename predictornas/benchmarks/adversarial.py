"""Small generated tables, each of which traps a kind of search: what fails on one fails on some real table too.

All are over the 4,096 cells of NAS-Bench-201 that have a skip connection, a convolution or a pool on every edge. Each
has a signal that drives the search, `valid_accuracy_run0`, and the truth that judges it, `test_accuracy_mean`; both
are the same but where the table is noisy. They are built in the store when first asked for:

    predictornas gain --benchmark adversarial-deceptive

`adversarial-deceptive-7` is another table of the same kind, of seed 7: another best cell and other noise. So a remedy
can be tuned on some seeds and measured on others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int8

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.errors import ConfigurationError, StoreError, UnknownNameError
from predictornas.files import data_home
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import get_space

VERSION = 1
"""Raised whenever a name would give another table."""

_MADE_BY = f"predictornas.benchmarks.adversarial, version {VERSION}"

SKIP, SMALL, LARGE, POOL = 1, 2, 3, 4
"""Skip connection, convolutions of 1 x 1 and 3 x 3, average pool: the genes of NAS-Bench-201 without `none`."""

SIGNAL = Column.named(metric="accuracy", split="valid", run="0")
EVALUATION = Column.named(metric="accuracy", split="test", run="mean")

Values = Float[np.ndarray, " n"]
Made = tuple[Values, Values]
"""Signal and truth, as fractions."""


@dataclass(frozen=True)
class Trap:
    """A kind of table.

    Attributes:
        name: "deceptive" and so on; the table is called `adversarial-NAME`.
        catches: what it traps, one line.
        make: from the cells and a source of randomness to signal and truth.
    """

    name: str
    catches: str
    make: Callable[[Genes, np.random.Generator], Made]


def adversarial_genes() -> Int8[np.ndarray, "4096 6"]:
    """Every cell of NAS-Bench-201 without `none`, in lexicographic order.

    Example:
        >>> from predictornas.benchmarks.adversarial import adversarial_genes
        >>> adversarial_genes().shape
        (4096, 6)
    """
    return np.array(list(product((SKIP, SMALL, LARGE, POOL), repeat=6)), np.int8)


def adversarial_table(kind: str, seed: int = 0, folder: Path | None = None) -> Benchmark:
    """A table that traps searches, the same for the same kind and seed.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from predictornas.testing import adversarial_table
        >>> table = adversarial_table("plateau", 3, Path(tempfile.mkdtemp()) / "plateau")
        >>> table.name, len(table), len(set(table.values(table.evaluation).tolist()))
        ('adversarial-plateau-3', 4096, 4)

    Args:
        kind: a key of `TRAPS`.
        seed: of what is random in it, >= 0.
        folder: where it is written; its place in the store by default, where it is opened if it is there.

    Raises:
        UnknownNameError: no such kind.
        ConfigurationError: a negative seed, or a table of one's own that has its name in the store.
        StoreError: it cannot be written.
    """
    if kind not in TRAPS:
        raise UnknownNameError("adversarial table", kind, TRAPS)
    if seed < 0:
        raise ConfigurationError(f"The seed of an adversarial table is {seed}; take 0 or more.")
    name = adversarial_name(kind, seed)
    place = data_home() / name if folder is None else folder
    stored = _stored(place) if folder is None else None
    if stored is not None:
        return stored
    genes = adversarial_genes()
    signal, truth = TRAPS[kind].make(genes, rng_for(seed, list(TRAPS).index(kind), "adversarial table"))
    try:
        return write_benchmark(
            place,
            name=name,
            space=get_space("nasbench201"),
            genes=genes,
            columns={SIGNAL: signal, EVALUATION: truth},
            signal=SIGNAL.name,
            evaluation=EVALUATION.name,
            source={"generated": _MADE_BY, "kind": kind, "seed": seed},
            licence="generated, none",
        )
    except StoreError:
        stored = _stored(place) if folder is None else None  # another process may have written it at the same time
        if stored is None:
            raise
        return stored


def adversarial_name(kind: str, seed: int = 0) -> str:
    """What a table is called.

    Example:
        >>> adversarial_name("ties"), adversarial_name("ties", 3)
        ('adversarial-ties', 'adversarial-ties-3')
    """
    return f"adversarial-{kind}" + (f"-{seed}" if seed else "")


def _stored(place: Path) -> Benchmark | None:
    """The table in the store; none where it was generated by another version.

    Raises:
        ConfigurationError: a table that was imported under this name.
    """
    if not place.is_dir():
        return None
    table = Benchmark.open(place)
    made_by = table.manifest["source"].get("generated")
    if made_by is None:
        raise ConfigurationError(
            f"The store holds an imported table called {place.name!r}, which is the name of a generated one. Import it "
            f"under another name, and remove this one: predictornas data remove {place.name}."
        )
    return table if made_by == _MADE_BY else None


def adversarial_numbered(kind: str, number: int | None) -> Benchmark:
    """The table of a name with or without a number at its end, which is its seed."""
    return adversarial_table(kind, number or 0)


def adversarial_tables(seed: int = 0, folder: Path | None = None) -> dict[str, Benchmark]:
    """All of them by their kinds.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from predictornas.testing import adversarial_tables
        >>> tables = adversarial_tables(folder=Path(tempfile.mkdtemp()))
        >>> ", ".join(tables)
        'deceptive, all-convolutions, needle, plateau, heavy-noise, heteroscedastic, ties, constant'

    Args:
        seed: of what is random in them.
        folder: where each is written, in a folder of its kind; the store by default.

    Raises:
        ConfigurationError, StoreError: as `adversarial_table`.
    """
    return {kind: adversarial_table(kind, seed, None if folder is None else folder / kind) for kind in TRAPS}


def _deceptive(genes: Genes, rng: np.random.Generator) -> Made:
    """A trap function (Deb and Goldberg 1993): better the further from the best cells, which lie where it is worst.

    154 cells within two edges of a hidden one have 92 to 94 %; of all others the further ones are better, up to 90 %.
    """
    distance = _distance(genes, rng)
    rising = np.array([0.94, 0.93, 0.92, 0.60, 0.70, 0.80, 0.895])
    return _same(rising[distance] + _small(genes, rng))


def _all_convolutions(genes: Genes, rng: np.random.Generator) -> Made:
    """The best cells use pools and skip connections only, while whatever is good at first is all convolutions.

    64 cells have no convolution and 93 %; with one it falls to 83 %, and rises with every further one up to 90.5 %.
    """
    convolutions = ((genes == SMALL) | (genes == LARGE)).sum(axis=1)
    by_number = np.array([0.93, 0.83, 0.82, 0.85, 0.875, 0.895, 0.905])
    return _same(by_number[convolutions] + _small(genes, rng))


def _needle(genes: Genes, rng: np.random.Generator) -> Made:
    """One cell is far better than all others, and nothing leads to it: who looks for it finds less of the rest."""
    values = 0.80 + 0.10 * _smooth(genes, rng)
    values[rng.integers(len(genes))] = 0.99
    return _same(values)


def _plateau(genes: Genes, rng: np.random.Generator) -> Made:
    """All cells but the 154 near a hidden one are exactly equal, and those rise in three steps: no slope, many ties."""
    return _same(np.array([0.95, 0.90, 0.85, 0.80, 0.80, 0.80, 0.80])[_distance(genes, rng)])


def _heavy_noise(genes: Genes, rng: np.random.Generator) -> Made:
    """Smooth, but a training blows up or shines by luck: noise with Student's t tails, two degrees of freedom."""
    truth = 0.80 + 0.10 * _smooth(genes, rng)
    return np.clip(truth + 0.015 * rng.standard_t(2, size=len(genes)), 0.01, 0.999), truth


def _heteroscedastic(genes: Genes, rng: np.random.Generator) -> Made:
    """Cells with many pools are worse and their trainings vary most, so that the highest signals are luck."""
    pools = (genes == POOL).sum(axis=1) / genes.shape[1]
    truth = 0.80 + 0.10 * _smooth(genes, rng) - 0.05 * pools
    return np.clip(truth + (0.002 + 0.06 * pools) * rng.normal(size=len(genes)), 0.01, 0.999), truth


def _ties(genes: Genes, rng: np.random.Generator) -> Made:
    """Five different accuracies in all, so that most comparisons are ties; a fortieth of the cells has the highest."""
    smooth = _smooth(genes, rng)
    return _same(0.70 + 0.05 * np.searchsorted(np.quantile(smooth, [0.4, 0.7, 0.9, 0.975]), smooth, side="right"))


def _constant(genes: Genes, rng: np.random.Generator) -> Made:
    """Every cell is equal but one: nothing to learn and nothing to divide by. (One that is wholly equal is refused.)"""
    values = np.full(len(genes), 0.80)
    values[rng.integers(len(genes))] = 0.81
    return _same(values)


TRAPS = {
    trap.name: trap
    for trap in (
        Trap("deceptive", "greed: it is better the further from the best cells", _deceptive),
        Trap("all-convolutions", "settling early: the first good cells are of another kind", _all_convolutions),
        Trap("needle", "looking for what nothing leads to", _needle),
        Trap("plateau", "living by differences: nearly all cells are equal", _plateau),
        Trap("heavy-noise", "trust in outliers", _heavy_noise),
        Trap("heteroscedastic", "trust in the highest signal: the worst cells vary most", _heteroscedastic),
        Trap("ties", "breaking ties by order: there are five values in all", _ties),
        Trap("constant", "dividing by a spread of zero: all cells but one are equal", _constant),
    )
}
"""Every kind by its name."""


def _distance(genes: Genes, rng: np.random.Generator) -> Any:
    """Edges on which cells differ from one that is drawn."""
    return (genes != genes[rng.integers(len(genes))]).sum(axis=1)


def _smooth(genes: Genes, rng: np.random.Generator) -> Values:
    """Additive in the edges and in pairs of neighbouring ones, from 0 to 1: what any predictor can learn."""
    single, double = rng.normal(size=(6, 5)), 0.5 * rng.normal(size=(6, 5, 5))
    edges = np.arange(6)
    values = (single[edges, genes] + double[edges, genes, np.roll(genes, 1, axis=1)]).sum(axis=1)
    return np.asarray((values - values.min()) / (values.max() - values.min()))


def _small(genes: Genes, rng: np.random.Generator) -> Values:
    """Differences of at most a point within a level, so that there are no ties."""
    return 0.01 * (_smooth(genes, rng) - 0.5)


def _same(values: Values) -> Made:
    """Without noise the signal is the truth."""
    return values, values
