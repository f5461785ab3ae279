"""A drop-in for `nats_bench` (NATS-Bench, Dong et al. 2021): topology and size space, opened in a moment.

    from predictornas.compat.nats_bench import create

    api = create("NATS-tss-v1_0-3ffb9-simple", "tss", fast_mode=True, verbose=False)
    accuracy, latency, cost, total = api.simulate_train_eval(1224, dataset="cifar10", hp="12")

Nothing in the file is executed. Numbers are those of the file, and means are computed as the official package does.
What differs stands in docs/guides/drop-ins.md.
"""

from __future__ import annotations

from typing import Any

from predictornas.compat import official_text
from predictornas.compat.official_api import OfficialAPI, Source, default_path
from predictornas.compat.official_results import ArchResults
from predictornas.compat.official_store import OfficialQueryError
from predictornas.compat.official_trials import PLAIN, ResultsCount
from predictornas.spaces.nasbench201 import OPERATIONS, from_strings, unique_text

__all__ = [
    "ArchResults",
    "NATSsize",
    "NATStopology",
    "OfficialQueryError",
    "ResultsCount",
    "create",
    "search_space_info",
    "version",
]

_NAMES = {"tss": "topology", "topology": "topology", "sss": "size", "size": "size"}
_FILES = {"topology": "NATS-tss-v1_0-3ffb9", "size": "NATS-sss-v1_0-50262"}


def create(
    file_path_or_dict: Source | None, search_space: str, fast_mode: bool = False, verbose: bool = True
) -> _NATSBench:
    """The API of a search space.

    Args:
        file_path_or_dict: a `.pickle.pbz2` file or a `-simple` folder (imported into the cache at the first opening),
            or the name that one was imported under ("nasbench201", "natsbench-size"); None for the default in
            `TORCH_HOME`.
        search_space: "tss" or "topology", "sss" or "size".
        fast_mode: which default is opened, the folder or the file; nothing else depends on it.
        verbose: kept, not used: queries print nothing.

    Raises:
        OfficialQueryError: an unknown search space.
        DataError: the file breaks its form, or there is neither a file nor a table of this name.
        ConfigurationError: it holds the other search space, or a dictionary is given.
    """
    if search_space not in _NAMES:
        raise OfficialQueryError(f"No search space {search_space!r}; there are {', '.join(_NAMES)}.")
    kind = NATStopology if _NAMES[search_space] == "topology" else NATSsize
    return kind(file_path_or_dict, fast_mode, verbose)


def version() -> str:
    """The version of the official package whose behaviour this one has."""
    return "v1.8"


def search_space_info(main_tag: str, aux_tag: str | None) -> dict[str, Any]:
    """What a search space is made of: operations and nodes, or widths and layers.

    Raises:
        OfficialQueryError: an unknown search space.
    """
    topology = {"op_names": list(OPERATIONS), "num_nodes": 4}
    known: dict[tuple[str, str | None], dict[str, Any]] = {("nas-bench-201", None): topology}
    for tag, name in _NAMES.items():
        size = {"candidates": list(range(8, 65, 8)), "num_layers": 5}
        known["nats-bench", tag] = topology if name == "topology" else size
    if (main_tag, aux_tag) not in known:
        raise OfficialQueryError(f"No search space {main_tag!r}, {aux_tag!r}; known: {', '.join(map(str, known))}.")
    return known[main_tag, aux_tag]


class _NATSBench(OfficialAPI):
    """What both spaces share."""

    search_space_name = ""
    full_epochs_in_paper = 0
    _space = ""
    _joint = " & "

    def __init__(self, file_path_or_dict: Source | None = None, fast_mode: bool = False, verbose: bool = True) -> None:
        ending = "-simple" if fast_mode else ".pickle.pbz2"
        default = default_path(_FILES[self.search_space_name] + ending)
        given = default if file_path_or_dict is None else file_path_or_dict
        super().__init__(given, self._space, PLAIN, verbose)
        self.evaluated_indexes = set(self._store.evaluated)
        self.reset_fast_mode(fast_mode)
        self.reset_archive_dir(str(given) if fast_mode else None)

    def __repr__(self) -> str:
        count = f"{len(self.evaluated_indexes)}/{len(self)} architectures"
        return f"{type(self).__name__}({count}, fast_mode={self.fast_mode}, file={self.filename})"

    @property
    def is_topology(self) -> bool:
        """Whether this is the topology space."""
        return self.search_space_name == "topology"

    @property
    def is_size(self) -> bool:
        """Whether this is the size space."""
        return self.search_space_name == "size"

    @property
    def fast_mode(self) -> bool:
        """As given; nothing depends on it."""
        return self._fast_mode

    @property
    def archive_dir(self) -> str | None:
        """The folder that was given, in fast mode; nothing depends on it."""
        return self._archive_dir

    @property
    def full_train_epochs(self) -> int:
        """The length of the longest training."""
        return self.full_epochs_in_paper

    def reset_fast_mode(self, fast_mode: bool) -> None:
        """Sets `fast_mode`."""
        self._fast_mode = fast_mode

    def reset_archive_dir(self, archive_dir: str | None) -> None:
        """Sets `archive_dir`."""
        self._archive_dir = archive_dir

    def get_more_info(
        self, index: Any, dataset: str, iepoch: int | None = None, hp: str = "12", is_random: bool | int = True
    ) -> dict[str, Any]:
        """As `OfficialAPI.get_more_info`; `comment` says what the entries of CIFAR-10 are."""
        info = super().get_more_info(index, dataset, iepoch, hp, is_random)
        images = {"cifar10-valid": "training images", "cifar10": "training and validation images"}.get(dataset)
        if images is not None:
            info["comment"] = (
                f"Trained for {hp} epochs on the {images} of CIFAR-10: train is measured on these, test on its test "
                "images. per-time is the seconds of an epoch, all-time of all epochs."
            )
        return info

    def simulate_train_eval(
        self, arch: Any, dataset: str, iepoch: int | None = None, hp: str = "12", account_time: bool = True
    ) -> tuple[Any, Any, Any, Any]:
        """Validation accuracy of a random seed, latency, seconds it cost, and all seconds so far (`used_time`).

        Where an early epoch was not evaluated on validation images, the accuracy is that on all official test images.

        Raises:
            OfficialQueryError: not trained, or no such data set, training or epoch.
        """
        return self._simulated(arch, dataset, iepoch, hp, hp, account_time)

    def find_best(
        self,
        dataset: str,
        metric_on_set: str,
        flop_max: int | float | None = None,
        param_max: int | float | None = None,
        hp: str = "12",
        enforce_all: bool | None = None,
    ) -> tuple[int, Any]:
        """The index with the best mean accuracy at the end of a training, and that accuracy.

        Args:
            dataset: what it was trained on.
            metric_on_set: "valid", "test", "train", or an official name.
            flop_max: only architectures with at most so many million operations.
            param_max: only architectures with at most so many million parameters.
            hp: the training.
            enforce_all: kept, not used: all are always looked at.

        Returns:
            Index and accuracy; -1 and None where none is allowed.

        Raises:
            OfficialQueryError: no such data set, set or training.
        """
        return self._best(dataset, metric_on_set, flop_max, param_max, hp)


class NATStopology(_NATSBench):
    """The topology space: the 15,625 cells of NAS-Bench-201, trained for 12 and for 200 epochs.

    Arguments and errors as for `create`.

    Attributes:
        evaluated_indexes: the indexes of those that were trained.
    """

    search_space_name = "topology"
    full_epochs_in_paper = 200
    _space = "nasbench201"

    def get_unique_str(self, arch: Any) -> str:
        """A text that cells share which compute the same.

        Raises:
            OfficialQueryError: no such architecture.
        """
        return unique_text(from_strings([self.arch(self.query_index_by_arch(arch))])[0].tolist())

    str2lists = staticmethod(official_text.str2lists)
    str2matrix = staticmethod(official_text.str2matrix)


class NATSsize(_NATSBench):
    """The size space: 32,768 networks of five widths, trained for 1, 12 and 90 epochs.

    Arguments and errors as for `create`.

    Attributes:
        evaluated_indexes: the indexes of those that were trained.
    """

    search_space_name = "size"
    full_epochs_in_paper = 90
    _space = "natsbench-size"
    _tests_valid = True
