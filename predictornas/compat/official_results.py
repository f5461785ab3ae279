"""`ArchResults` of the official packages: all trainings of one architecture under one set of hyper-parameters."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from predictornas.compat.official_store import OfficialQueryError, OfficialStore
from predictornas.compat.official_trials import NO_WEIGHTS, Arithmetic, ResultsCount

SEED_OF_RIGHT_COSTS = 888
"""Where the seeds of a cell note different FLOPs or parameters, those of the others are another cell's."""


class ArchResults:
    """All trainings of an architecture under one set of hyper-parameters.

    Attributes:
        arch_index: the official index.
        arch_str: the architecture.
        dataset_seed: the seeds of each data set.
        clear_net_done: True: there are no weights.
    """

    clear_net_done = True

    def __init__(self, store: OfficialStore, arithmetic: Arithmetic, index: int, training: str) -> None:
        self.arch_index, self.arch_str = index, store.names[index]
        self._store, self._training, self._arithmetic = store, training, arithmetic
        seeds = {dataset: store.seeds(dataset, training, index) for dataset in store.datasets}
        self.dataset_seed = {dataset: found for dataset, found in seeds.items() if found}
        self._made: dict[tuple[str, int], ResultsCount] = {}

    @property
    def all_results(self) -> dict[tuple[str, int], ResultsCount]:
        """The `ResultsCount` of each data set and seed."""
        return {(name, seed): self._result(name, seed) for name, seeds in self.dataset_seed.items() for seed in seeds}

    def __repr__(self) -> str:
        return (
            f"ArchResults(arch-index={self.arch_index}, arch={self.arch_str}, {len(self.all_results)} runs, "
            f"clear={self.clear_net_done})"
        )

    def get_dataset_names(self) -> list[str]:
        """The data sets that it was trained on."""
        return list(self.dataset_seed)

    def get_dataset_seeds(self, dataset: str) -> list[int]:
        """The seeds that it was trained with.

        Raises:
            OfficialQueryError: it was not trained on this data set.
        """
        if dataset not in self.dataset_seed:
            raise OfficialQueryError(
                f"Architecture {self.arch_index} was trained on {', '.join(self.dataset_seed)}, not on {dataset!r}."
            )
        return list(self.dataset_seed[dataset])

    def query(self, dataset: str, seed: int | None = None) -> Any:
        """One training, or a dictionary of all by seed.

        Raises:
            OfficialQueryError: not trained on this data set or with this seed.
        """
        if seed is None:
            return {known: self._result(dataset, known) for known in self.get_dataset_seeds(dataset)}
        if seed not in self.get_dataset_seeds(dataset):
            raise OfficialQueryError(f"No seed {seed!r} on {dataset!r}; there are {self.dataset_seed[dataset]}.")
        return self._result(dataset, seed)

    def get_compute_costs(self, dataset: str) -> dict[str, Any]:
        """`flops` and `params` in millions, `latency` in seconds, and seconds an epoch and in all; None if unknown.

        Raises:
            OfficialQueryError: it was not trained on this data set.
        """
        mean, results = self._arithmetic.mean, list(self.query(dataset).values())
        latencies = [latency for latency in (result.get_latency() for result in results) if latency > 0]
        info = {
            "flops": self._cost(dataset, [result.flop for result in results]),
            "params": self._cost(dataset, [result.params for result in results]),
            "latency": mean(latencies) if latencies else None,
        }
        times: dict[str, list[Any]] = {}
        for result in results:
            for name, value in result.get_times().items():
                times.setdefault(name, []).append(value)
        return info | {name: self._mean_of(values) for name, values in times.items()}

    def get_metrics(
        self, dataset: str, setname: str, iepoch: int | None = None, is_random: bool | int = False
    ) -> dict[str, Any]:
        """`iepoch`, `loss`, `accuracy`, `cur_time` and `all_time` after an epoch.

        Args:
            dataset: what it was trained on.
            setname: "train" or an evaluation set.
            iepoch: counted from 0; None for the last.
            is_random: True for a seed drawn from Python's `random`, False for the mean of all, or a seed.

        Raises:
            OfficialQueryError: no such training, set, epoch or seed.
        """
        seeds = self.get_dataset_seeds(dataset)
        results = [self._result(dataset, seed) for seed in seeds]
        infos = [r.get_train(iepoch) if setname == "train" else r.get_eval(setname, iepoch) for r in results]
        if is_random is True:
            return infos[random.randint(0, len(results) - 1)]
        if is_random is False:
            return {name: self._mean_of([info[name] for info in infos]) for name in infos[0]}
        if isinstance(is_random, int) and is_random in seeds:
            return infos[seeds.index(is_random)]
        raise OfficialQueryError(f"is_random is {is_random!r}; give True, False or one of the seeds {seeds}.")

    def get_latency(self, dataset: str) -> float:
        """Mean seconds of all seeds.

        Raises:
            OfficialQueryError: not known, or not trained on this data set.
        """
        latencies = [result.get_latency() for result in self.query(dataset).values()]
        if any(latency <= 0 for latency in latencies):
            raise OfficialQueryError(f"The latency of architecture {self.arch_index} on {dataset!r} is not known.")
        return float(sum(latencies) / len(latencies))

    def get_total_epoch(self, dataset: str | None = None) -> int:
        """The length of the trainings."""
        found = self.all_results if dataset is None else self.query(dataset)
        epochs: list[int] = [result.get_total_epoch() for result in found.values()]
        return epochs[-1]

    def get_net_param(self, dataset: str, seed: int | None = None) -> None:
        """Refused.

        Raises:
            OfficialQueryError: always; tables hold no weights.
        """
        raise OfficialQueryError(NO_WEIGHTS)

    def reset_latency(self, dataset: str, seed: int | None, latency: int | float) -> None:
        """Replaces the latency in this object, of one seed or of all."""
        for result in self._chosen(dataset, seed):
            result.update_latency([latency])

    def reset_pseudo_train_times(self, dataset: str, seed: int | None, estimated_per_epoch_time: int | float) -> None:
        """Replaces the seconds of every epoch in this object, of one seed or of all."""
        for result in self._chosen(dataset, seed):
            result.reset_pseudo_train_times(estimated_per_epoch_time)

    def reset_pseudo_eval_times(
        self, dataset: str, seed: int | None, eval_name: str, estimated_per_epoch_time: int | float
    ) -> None:
        """Replaces the seconds of every evaluation in this object, of one seed or of all."""
        for result in self._chosen(dataset, seed):
            result.reset_pseudo_eval_times(eval_name, estimated_per_epoch_time)

    def arch_idx_str(self) -> str:
        """The official index in six digits."""
        return f"{self.arch_index:06d}"

    def clear_params(self) -> None:
        """Does nothing: there are no weights."""

    def _result(self, dataset: str, seed: int) -> ResultsCount:
        """Made when first asked for, and kept: what is changed in it stays changed."""
        if (dataset, seed) not in self._made:
            trial = self._store, self._arithmetic, dataset, self._training, seed, self.arch_index
            self._made[dataset, seed] = ResultsCount(*trial)
        return self._made[dataset, seed]

    def _chosen(self, dataset: str, seed: int | None) -> list[ResultsCount]:
        return list(self.query(dataset).values()) if seed is None else [self.query(dataset, seed)]

    def _mean_of(self, values: Sequence[Any]) -> Any:
        return None if values[0] is None else self._arithmetic.mean(values)

    def _cost(self, dataset: str, values: Sequence[float | None]) -> Any:
        known = [value for value in values if value is not None]
        if not known:
            return None
        seeds = self.dataset_seed[dataset]
        differ = len({f"{value:.5f}" for value in known}) > 1
        if self._arithmetic.mends_costs and differ and SEED_OF_RIGHT_COSTS in seeds and len(known) == len(seeds):
            known = [known[seeds.index(SEED_OF_RIGHT_COSTS)]]
        return self._arithmetic.mean(known)
