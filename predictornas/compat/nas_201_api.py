"""A drop-in for `nas_201_api` (NAS-Bench-201, Dong and Yang 2020): opened in a moment, with a few megabytes of memory.

    from predictornas.compat.nas_201_api import NASBench201API as API

    api = API("NAS-Bench-201-v1_1-096897.pth", verbose=False)
    info = api.get_more_info(api.query_index_by_arch(text), "cifar10-valid", hp="200")

Nothing in the file is executed. Numbers are those of the file, and means are computed as the official package does.
What differs stands in docs/guides/drop-ins.md.
"""

from __future__ import annotations

from typing import Any

from predictornas.compat import official_text
from predictornas.compat.official_api import OfficialAPI, Source, default_path
from predictornas.compat.official_results import ArchResults
from predictornas.compat.official_store import OfficialQueryError
from predictornas.compat.official_trials import NUMPY, ResultsCount

__all__ = ["ALL_BENCHMARK_FILES", "ArchResults", "NASBench201API", "OfficialQueryError", "ResultsCount"]

ALL_BENCHMARK_FILES = ["NAS-Bench-201-v1_0-e61699.pth", "NAS-Bench-201-v1_1-096897.pth"]
"""The published files, the last the default."""


class NASBench201API(OfficialAPI):
    """The benchmark behind the interface of the original API.

    Args:
        file_path_or_dict: an official `.pth` file (imported into the cache at the first opening), or the name that
            one was imported under ("nasbench201"); None for the default file in `TORCH_HOME`.
        verbose: kept, not used: queries print nothing.

    Attributes:
        evaluated_indexes: the indexes of those that were trained, ascending.

    Raises:
        DataError: the file breaks its form, or there is neither a file nor a table of this name.
        ConfigurationError: it holds another search space, or a dictionary is given.
    """

    def __init__(self, file_path_or_dict: Source | None = None, verbose: bool = True) -> None:
        given = default_path(ALL_BENCHMARK_FILES[-1]) if file_path_or_dict is None else file_path_or_dict
        super().__init__(given, "nasbench201", NUMPY, verbose)
        self.evaluated_indexes = list(self._store.evaluated)

    def __repr__(self) -> str:
        count = f"{len(self.evaluated_indexes)}/{len(self)} architectures"
        return f"NASBench201API({count}, file={self.filename})"

    def simulate_train_eval(
        self, arch: Any, dataset: str, hp: str = "12", account_time: bool = True
    ) -> tuple[Any, Any, Any, Any]:
        """Validation accuracy of a random seed, latency, seconds it cost, and all seconds so far (`used_time`).

        Raises:
            OfficialQueryError: not trained, or no such data set or training.
        """
        return self._simulated(arch, dataset, None, hp, "12", account_time)

    def find_best(
        self,
        dataset: str,
        metric_on_set: str,
        FLOP_max: int | float | None = None,
        Param_max: int | float | None = None,
        hp: str = "12",
    ) -> tuple[int, Any]:
        """The index with the best mean accuracy at the end of a training, and that accuracy.

        Args:
            dataset: what it was trained on.
            metric_on_set: "valid", "test", "train", or an official name.
            FLOP_max: only architectures with at most so many million operations.
            Param_max: only architectures with at most so many million parameters.
            hp: the training.

        Returns:
            Index and accuracy; -1 and None where none is allowed.

        Raises:
            OfficialQueryError: no such data set, set or training.
        """
        return self._best(dataset, metric_on_set, FLOP_max, Param_max, hp)

    str2lists = staticmethod(official_text.str2lists)
    str2matrix = staticmethod(official_text.str2matrix)
