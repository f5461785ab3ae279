"""The benchmarks that this package knows by name, and where to get their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from predictornas.benchmarks.adversarial import TRAPS, adversarial_numbered
from predictornas.errors import ConfigurationError
from predictornas.registry import Registered, Registry
from predictornas.spaces.registry import SPACES

OFFICIAL_URLS = (
    "https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord",
    "https://storage.googleapis.com/nasbench/nasbench_full.tfrecord",
)
"""Where NAS-Bench-101 is published, in its own format."""

_OFFICIAL_201 = "NAS-Bench-201-v1_1-096897.pth or NATS-tss-v1_0-3ffb9.pickle.pbz2 (all data sets at once)"


@dataclass(frozen=True)
class Entry:
    """A benchmark that the package knows.

    Attributes:
        space: name of its search space.
        description: what the table holds, in one line.
        signal: default signal.
        evaluation: default evaluation.
        dataset: data set of an installed package that it is built from on first use; None where a file is imported.
        source: the file to get, and from where; None where it is offline.
        bundled: whether the table itself comes with this package.
        imported_as: the name to import the source under, where one file makes several tables; None for its own.
    """

    space: str
    description: str
    signal: str
    evaluation: str
    dataset: str | None = None
    source: str | None = None
    bundled: bool = False
    imported_as: str | None = None


def _offline(dataset: str) -> Entry:
    return Entry(
        space="nasbench201",
        description=f"NAS-Bench-201 on {dataset}: validation accuracy of 2 or 3 runs of 200 epochs, no download",
        signal="valid_accuracy_200_run0",
        evaluation="valid_accuracy_200_rest",
        dataset=dataset,
    )


def _graph(dataset: str, *, rows: int = 26_206, measured: str = "accuracy") -> Entry:
    return Entry(
        space="nasbench-graph",
        description=f"NAS-Bench-Graph on {dataset}: {rows:,} graph networks, validation and test, no download",
        signal=f"valid_{measured}_mean",
        evaluation=f"test_{measured}_mean",
        dataset=dataset,
    )


def _full(dataset: str) -> Entry:
    return Entry(
        space="nasbench201",
        description=f"NAS-Bench-201 on {dataset}: 12 and 200 epochs, validation and test",
        signal="valid_accuracy_200_run0",
        evaluation="test_accuracy_200_mean",
        source=_OFFICIAL_201,
        imported_as="nasbench201",
    )


def _official(dataset: str, description: str, evaluation: str = "test_accuracy_200_mean") -> Entry:
    split = "test" if evaluation.endswith("rest") else "valid"
    return Entry(
        space="nasbench201",
        description=f"NAS-Bench-201 from the official file, {description}: every epoch of 12 and 200, 3 seeds",
        signal=f"{split}_accuracy_200_run0",
        evaluation=evaluation,
        source=_OFFICIAL_201,
        imported_as="nasbench201",
    )


def _hardware(dataset: str) -> Entry:
    return Entry(
        space="nasbench201",
        description=f"NAS-Bench-201 on {dataset}: latency and energy on six devices, with validation accuracies",
        signal="valid_accuracy_200_run0",
        evaluation="valid_accuracy_200_rest",
        source="HW-NAS-Bench-v1_0.pickle of https://github.com/GATECH-EIC/HW-NAS-Bench",
    )


CATALOG: Mapping[str, Entry] = {
    "nasbench101-digits": Entry(
        space="nasbench101",
        description="2,532 cells of NAS-Bench-101 trained on hard digits by this project: 1, 3 and 9 epochs, 3 seeds",
        signal="valid_accuracy_9_run0",
        evaluation="test_accuracy_9_rest",
        bundled=True,
    ),
    "nasbench101-digits-2": Entry(
        space="nasbench101",
        description="300 cells of NAS-Bench-101 on easier digits by this project: 1, 2, 4, 8, 16 epochs of one curve",
        signal="valid_accuracy_16_run0",
        evaluation="test_accuracy_16_rest",
        bundled=True,
    ),
    "nasbench101": Entry(
        space="nasbench101",
        description="NAS-Bench-101: 423,624 cells on CIFAR-10; rows and columns as in the file given",
        signal="valid_accuracy_108_run0",
        evaluation="test_accuracy_108_mean",
        source=" or ".join(OFFICIAL_URLS),
    ),
    "nasbench101-vis": Entry(
        space="nasbench101",
        description="cells of NAS-Bench-101 as nasbench-vis has them: one validation accuracy at 4, 12, 36, 108 epochs",
        signal="valid_accuracy_108",
        evaluation="valid_accuracy_108",
        source="static/data/data-full.json (or data-20k.json) of https://github.com/tiga1231/nasbench-vis, commit "
        "7aec0e76fbcd963371799af25f78223069897b58",
    ),
    "nasbench201-cifar10": _offline("cifar10"),
    "nasbench201-cifar100": _offline("cifar100"),
    "nasbench201-imagenet16-120": _offline("imagenet16-120"),
    "nasbench-graph-cora": _graph("cora"),
    "nasbench-graph-citeseer": _graph("citeseer"),
    "nasbench-graph-pubmed": _graph("pubmed"),
    "nasbench-graph-cs": _graph("cs"),
    "nasbench-graph-physics": _graph("physics"),
    "nasbench-graph-photo": _graph("photo"),
    "nasbench-graph-computers": _graph("computers"),
    "nasbench-graph-arxiv": _graph("arxiv"),
    "nasbench-graph-proteins": _graph("proteins", rows=2021, measured="roc_auc"),
    "nasbench201-full-cifar10": _full("cifar10"),
    "nasbench201-full-cifar100": _full("cifar100"),
    "nasbench201-full-imagenet16-120": _full("imagenet16-120"),
    "nasbench201-official-cifar10-valid": _official("cifar10-valid", "CIFAR-10 trained on half"),
    "nasbench201-official-cifar10": _official("cifar10", "CIFAR-10 trained on all", "test_accuracy_200_rest"),
    "nasbench201-official-cifar100": _official("cifar100", "CIFAR-100"),
    "nasbench201-official-imagenet16-120": _official("imagenet16-120", "ImageNet16-120"),
    "nasbench201-hw-cifar10": _hardware("cifar10"),
    "nasbench201-hw-cifar100": _hardware("cifar100"),
    "nasbench201-hw-imagenet16-120": _hardware("imagenet16-120"),
}
"""Every benchmark that the package knows; others are imported under names of their own."""

EXAMPLES: Mapping[str, Entry] = {
    "nasbench101-val30k": Entry(
        space="nasbench101",
        description="30,001 cells of NAS-Bench-101: validation accuracy at 4, 12, 36 and 108 epochs, test joined",
        signal="valid_accuracy_108",
        evaluation="test_accuracy_108_mean",
        source="nasbench101_val_30k.parquet (values of nasbench-vis), joined (--join) with nasbench101_test108.parquet",
    ),
}
"""Tables of files that are published nowhere: examples of recipes that join two files. They are read by name like
those of the catalog, but not listed."""

OFFICIAL_TABLES: Mapping[str, tuple[str, str]] = {
    "nasbench201": ("nasbench201-official", "nasbench201"),
    "natsbench-size": ("natsbench-size", "natsbench-size"),
}
"""Names under which official files of NAS-Bench-201 and NATS-Bench are imported: what the names of their tables begin
with, before the data set, and the space of those tables."""


def check_name(name: str) -> None:
    """Refuses to file tables of NAS-Bench-201 and NATS-Bench under a name that says another space.

    Raises:
        ConfigurationError: the name is, or begins with, that of another space.

    Example:
        >>> check_name("nasbench201-mine")
    """
    said = [CATALOG[name].space] if name in CATALOG else [one for one in SPACES if f"{name}-".startswith(f"{one}-")]
    spaces = {space for _, space in OFFICIAL_TABLES.values()}
    if said and not spaces & set(said):
        raise ConfigurationError(
            f"The name {name!r} says {said[0]}, and official files of this form hold "
            f"{' or '.join(OFFICIAL_TABLES)}. Import it as one of these, or under a name of your own."
        )


BENCHMARKS = Registry(
    "benchmark",
    (
        Registered(
            name=f"adversarial-{trap.name}",
            target=partial(adversarial_numbered, trap.name),
            help=f"traps {trap.catches}; N is its seed",
            takes=("number",),
            number="optional",
        )
        for trap in TRAPS.values()
    ),
    group="predictornas.benchmarks",
)
"""Generated tables, and those of other packages: targets, called without arguments, give a `Benchmark` or the folder of
one."""
