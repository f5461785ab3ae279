"""Protocols by which predictors are compared: which labels they learn, which judge them, and on which cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.plain_help import PlainHelp

if TYPE_CHECKING:
    from predictornas.benchmarks.column import Column
    from predictornas.benchmarks.table import Benchmark
    from predictornas.studies.predictor_study import PredictorStudy

Cells = Literal["others", "all"]
"""Which architectures judge: those that were not trained on, or these too."""

_RUNS = {"one": "one training", "mean": "the mean of all trainings", "rest": "the mean of all trainings but run 0"}
_SPLITS = {None: "", "valid": "validation ", "test": "test "}


@dataclass(frozen=True)
class Labels:
    """Which measurements of the architectures, by what they are and not by the name that a table gives them.

    Attributes:
        split: "valid" or "test"; None for that of the table's signal.
        run: "one" for run 0, or the only one where a table does not say which it is; "mean" of all runs, or the
            "rest", the mean of all but run 0.
    """

    split: str | None
    run: Literal["one", "mean", "rest"]

    def __str__(self) -> str:
        return f"{_SPLITS[self.split]}accuracy, {_RUNS[self.run]}"

    def column(self, benchmark: Benchmark) -> str | None:
        """The column of a table that holds them after the longest training; None where there is none."""
        signal = benchmark.column(benchmark.signal)
        fitting = [column for column in benchmark.columns.values() if self._is(column, signal)]
        return max(fitting, key=lambda column: column.epochs or 0).name if fitting else None

    def _is(self, column: Column, signal: Column) -> bool:
        runs = {"one": ("0", None)}.get(self.run, (self.run,))
        split = signal.split if self.split is None else self.split
        return column.metric == signal.metric and column.split == split and column.run in runs


@dataclass(frozen=True)
class Protocol(metaclass=PlainHelp):
    """What has to be the same before two numbers of predictors may stand in one column.

    Example:
        >>> from predictornas import open_benchmark
        >>> from predictornas.studies.predictor_protocols import PROTOCOLS
        >>> from predictornas.studies.predictor_study import PredictorStudy
        >>> study = PredictorStudy("nasbench201-cifar10", ("gp",), (78, 156))
        >>> asked = PROTOCOLS["nn-former"].applied(study, open_benchmark("nasbench201-cifar10"))
        >>> asked.train_on, asked.judged_cells, asked.draws
        ('valid_accuracy_200_mean', 'all', 10)

    Attributes:
        name: what people ask for.
        help: one line for help texts.
        trained_on: the labels that a predictor learns.
        judged_on: the labels that its ranks are compared with.
        cells: whether only architectures that were not trained on judge, or these too.
        judged: how many of them, drawn at random for each training set; None for all.
        further_labels: labels that a fit may look at in addition to those that it is trained on, as to choose a
            checkpoint; no predictor of this package does.
        draws: training sets of each size.
    """

    name: str
    help: str
    trained_on: Labels
    judged_on: Labels
    cells: Cells = "others"
    judged: int | None = None
    further_labels: int = 0
    draws: int = 10

    def applied(self, study: PredictorStudy, benchmark: Benchmark) -> PredictorStudy:
        """A study by this protocol, with the columns of its table.

        What is asked is the same as by naming columns and cells one by one, and so are the fits in a folder.

        Args:
            study: names table, predictors and sizes; its `judged` stays where it is given.
            benchmark: its table.

        Raises:
            ConfigurationError: the study names columns itself, or the table has no such labels.
        """
        if study.train_on is not None or study.judge_on is not None:
            raise ConfigurationError(
                f"The protocol {self.name!r} says what is trained on and judged on. Leave out --train-on and "
                "--judge-on, or --protocol."
            )
        columns = []
        for labels in (self.trained_on, self.judged_on):
            column = labels.column(benchmark)
            if column is None:
                raise ConfigurationError(
                    f"The protocol {self.name!r} needs {labels}, which {benchmark.name!r} does not have. It has "
                    f"{', '.join(benchmark.columns)}: choose --train-on and --judge-on, or another table."
                )
            columns.append(column)
        train, judge = columns
        return replace(
            study,
            protocol=self.name,
            train_on=train,
            judge_on=None if judge == train else judge,
            judged=self.judged if study.judged is None else study.judged,
            judged_cells=self.cells,
            draws=self.draws,
        )


PROTOCOLS: Mapping[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "run0",
            "as a search sees it: learn run 0 of the signal's split, judged by the mean of the other runs",
            Labels(None, "one"),
            Labels(None, "rest"),
        ),
        Protocol(
            "mean", "learn the mean test accuracy of all runs, and be judged by it", *2 * (Labels("test", "mean"),)
        ),
        Protocol(
            "pinat",
            "PINAT (Lu et al. 2023): learn the validation of one run, judged by the mean test accuracy",
            Labels("valid", "one"),
            Labels("test", "mean"),
        ),
        Protocol(
            "nn-former",
            "NN-Former (Xu et al. 2025): learn the mean validation, judged by it on all cells, those trained on "
            "included; 1,024 more labels choose its checkpoint",
            *2 * (Labels("valid", "mean"),),
            cells="all",
            further_labels=1024,
        ),
    )
}
"""Those that `predictornas predictors --protocol` knows: two of ours and two of others (read in their code)."""


def get_protocol(name: str) -> Protocol:
    """The protocol of a name.

    Raises:
        UnknownNameError: there is none; names the nearest.

    Example:
        >>> print(get_protocol("pinat").trained_on)
        validation accuracy, one training
    """
    if name not in PROTOCOLS:
        raise UnknownNameError("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
