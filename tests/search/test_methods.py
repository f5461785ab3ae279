from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from predictornas.description import describe
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.oracles.base import Evaluations
from predictornas.predictors.fidelity import WithUntrained
from predictornas.predictors.flow import Flow
from predictornas.predictors.gaussian_process import GaussianProcess, SignalProcess
from predictornas.predictors.registry import PREDICTORS
from predictornas.predictors.rnn import RNN
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.pvll import PVLL
from predictornas.samplers.uniform import Exhaustive, Uniform
from predictornas.schedulers import NOSH, ASHALike, SuccessiveHalving
from predictornas.search.climbing import ClimbingSearch
from predictornas.search.exploring import ExploringSearch
from predictornas.search.loop import Search, run
from predictornas.search.methods import PRESETS, get_preset, get_strategy
from predictornas.search.peaks import PeakExploringSearch
from predictornas.search.pvll import PVLLSearch
from predictornas.search.registry import method_names
from predictornas.search.scheduled import Scheduled, ZeroCost
from predictornas.search.strategies import PredictorSearch, RandomSearch
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import get_space


def test_the_paper_preset_is_the_papers() -> None:
    strategy = get_strategy("uniform-100", get_preset("paper"))
    assert isinstance(strategy, PredictorSearch)
    assert (strategy.initial, strategy.batch, strategy.pool_size) == (4, 4, 100)
    predictor = strategy.predictor
    assert (predictor.layers, predictor.width, predictor.training_epochs) == (3, 256, 2000)  # type: ignore[attr-defined]
    assert (predictor.optimiser.learning_rate, predictor.optimiser.momentum) == (0.01, 0.9)  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["quick", "default", "paper", "dense-warm"])
def test_no_method_has_changed_its_settings_so_that_older_folders_are_resumed(preset: str) -> None:
    """A run is known by a hash of its strategy's description; these were written when the names were made."""
    known = json.loads((Path(__file__).parent / "described_methods.json").read_text())[preset]
    settings = get_preset("quick") if preset == "dense-warm" else get_preset(preset)
    if preset == "dense-warm":
        settings = replace(settings, engine="dense", warm_start=True)
    for name, digest in known.items():
        described = json.dumps(describe(get_strategy(name, replace(settings, levels=(4, 12, 36)))), sort_keys=True)
        assert hashlib.sha256(described.encode()).hexdigest()[:12] == digest, name


def test_names_lead_to_samplers() -> None:
    preset = PRESETS["quick"]
    assert get_strategy("random", preset) == RandomSearch(initial=10, batch=10)
    assert isinstance(get_strategy("exhaustive", preset).sampler, Exhaustive)  # type: ignore[attr-defined]
    assert isinstance(get_strategy("uniform-7", preset).sampler, Uniform)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "suggestion"), [("exhaustiv", "exhaustive"), ("unifrom-100", "uniform"), ("randm", "random")]
)
def test_an_unknown_method_names_the_nearest(name: str, suggestion: str) -> None:
    with pytest.raises(UnknownNameError, match=f"Did you mean '{suggestion}"):
        get_strategy(name, PRESETS["quick"])


def test_a_method_takes_any_predictor_behind_an_at_sign() -> None:
    preset = PRESETS["quick"]
    assert get_strategy("uniform-7@gcn", preset) == get_strategy("uniform-7", preset)
    for name, kind in (("rnn", RNN), ("flow", Flow)):
        strategy = get_strategy(f"likelihood-7@{name}", preset)
        assert isinstance(strategy, PredictorSearch)
        assert type(strategy.predictor) is kind
        assert strategy.predictor.training_epochs == 100
    with pytest.raises(UnknownNameError, match="Did you mean 'rnn'"):
        get_strategy("uniform-7@rn", preset)


OWN_PREDICTOR = ["random", "pvll", "bayesian-optimisation", "regularised-evolution", "local-search", "bananas",
                 "explorative-bayesian-optimisation", "climbing-bayesian-optimisation",
                 "climbing-explorative-bayesian-optimisation", "one-shot", "nas-bowl",
                 "npenas", "nosh", "successive-halving-30", "asha"]  # fmt: skip


@pytest.mark.parametrize("name", OWN_PREDICTOR)
@pytest.mark.parametrize("predictor", ["gcn", "rnn", "gp"])
def test_who_asks_no_predictor_is_not_asked_for_with_one_not_even_with_the_usual_one(name: str, predictor: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{name}' takes no predictor.* Give it as '{name}'"):
        get_strategy(f"{name}@{predictor}", LEVELLED)


def test_a_predictor_that_nobody_knows_is_none() -> None:
    with pytest.raises(UnknownNameError, match="no predictor named ''"):
        get_strategy("uniform-7@", PRESETS["quick"])


@pytest.mark.parametrize("name", ["regularised-evolution", "local-search", "bananas", "one-shot"])
def test_baselines_have_settings_of_their_own(name: str) -> None:
    assert get_strategy(name, PRESETS["quick"]) == get_strategy(name, PRESETS["paper"])
    with pytest.raises(ConfigurationError, match=f"'{name}-100': '{name}' takes no number.* Give it as '{name}'"):
        get_strategy(f"{name}-100", PRESETS["quick"])


def test_pvll_goes_with_its_own_estimator_or_as_the_sampler_of_a_pool() -> None:
    own = get_strategy("pvll", get_preset("paper"))
    assert isinstance(own, PVLLSearch)
    assert (own.initial, own.batch, own.memory) == (100, 1, 100)
    assert own == PVLLSearch.published()
    assert get_strategy("pvll", get_preset("default")) == PVLLSearch(warm_up=50)
    pool = get_strategy("pvll-50", get_preset("paper"))
    assert isinstance(pool, PredictorSearch)
    assert isinstance(pool.sampler, PVLL)
    assert (pool.pool_size, pool.batch) == (50, 4)


@pytest.mark.parametrize("name", ["random-10", "exhaustive-5", "uniform", "uniform-0"])
def test_pool_sizes_that_make_no_sense(name: str) -> None:
    with pytest.raises(ConfigurationError, match="pool"):
        get_strategy(name, PRESETS["quick"])


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'paper'"):
        get_preset("papr")


def test_bayesian_optimisation_is_a_process_with_mutants_of_what_it_thinks_best() -> None:
    strategy = get_strategy("bayesian-optimisation", PRESETS["default"])
    assert isinstance(strategy, PredictorSearch)
    assert isinstance(strategy.predictor, GaussianProcess)
    assert (strategy.exploration, strategy.smoothed, strategy.pool_size) == (1.0, True, 300)
    assert (strategy.initial, strategy.batch) == (10, 10)
    with pytest.raises(ConfigurationError, match="takes no number"):
        get_strategy("bayesian-optimisation-100", PRESETS["default"])


def test_signal_bayesian_optimisation_is_the_same_with_another_process() -> None:
    strategy, plain = (get_strategy(f"{name}bayesian-optimisation", PRESETS["paper"]) for name in ("signal-", ""))
    assert isinstance(strategy, PredictorSearch)
    assert isinstance(plain, PredictorSearch)
    assert isinstance(strategy.predictor, SignalProcess)
    assert vars(strategy.predictor) == vars(plain.predictor)
    assert replace(strategy, predictor=plain.predictor) == plain


def test_climbing_bayesian_optimisation_is_that_with_signals_and_climbs_five_at_a_time_at_most() -> None:
    for preset, batch in (("default", 5), ("paper", 4)):
        strategy, plain = (
            get_strategy(f"{name}-bayesian-optimisation", PRESETS[preset]) for name in ("climbing", "signal")
        )
        assert isinstance(strategy, ClimbingSearch)
        assert (strategy.share, strategy.batch) == (0.6, batch)
        assert {name: value for name, value in vars(strategy).items() if name != "share"} == {
            **vars(plain),
            "batch": batch,
        }


def test_the_climbing_one_that_explores_is_the_same_but_at_a_peak() -> None:
    names = ("climbing-explorative-bayesian-optimisation", "climbing-bayesian-optimisation")
    strategy, plain = (get_strategy(name, PRESETS["default"]) for name in names)
    assert isinstance(strategy, PeakExploringSearch)
    assert vars(strategy) == {**vars(plain), "exploring": 0.1}


def test_explorative_bayesian_optimisation_is_the_same_and_explores_once_it_is_stuck() -> None:
    strategy, plain = (get_strategy(f"{name}bayesian-optimisation", PRESETS["paper"]) for name in ("explorative-", ""))
    assert isinstance(strategy, ExploringSearch)
    assert (strategy.share, strategy.patience) == (0.5, 10)
    assert {name: value for name, value in vars(strategy).items() if name not in ("share", "patience")} == vars(plain)


SCHEDULED = ["rank-nosh", "rank-nosh-level", "rank-nosh-zero", "nosh", "successive-halving", "asha"]
LEVELLED = replace(PRESETS["quick"], levels=(4, 12, 36))


@pytest.mark.parametrize(
    ("name", "scheduler"),
    [
        ("rank-nosh", NOSH((4, 12, 36), Fraction(1, 2))),
        ("rank-nosh-level-70", NOSH((4, 12, 36), Fraction(7, 10))),
        ("nosh-40", NOSH((4, 12, 36), Fraction(2, 5))),
        ("successive-halving-33", SuccessiveHalving((4, 12, 36), Fraction(33, 100))),
        ("asha", ASHALike((4, 12, 36), Fraction(1, 2))),
    ],
)
def test_scheduled_methods_take_the_levels_of_the_table_and_a_ratio_in_percent(name: str, scheduler: object) -> None:
    strategy = get_strategy(name, LEVELLED)
    assert isinstance(strategy, Scheduled)
    assert strategy.scheduler == scheduler
    assert type(strategy.scheduler) is type(scheduler)
    assert (strategy.initial, strategy.batch) == (10, 10)


def test_rank_nosh_ranks_a_pool_around_the_best_and_the_others_draw_newcomers() -> None:
    rules = {"rank-nosh": "common", "rank-nosh-level": "level", "rank-nosh-zero": WithUntrained()}
    for name, pairs in rules.items():
        strategy = get_strategy(name, LEVELLED)
        assert isinstance(strategy, Scheduled)
        assert isinstance(strategy.strategy, PredictorSearch)
        assert isinstance(strategy.strategy.sampler, Evolutionary)
        assert strategy.strategy.pool_size == 1000
        assert strategy.strategy.predictor.fidelity_pairs == pairs  # type: ignore[attr-defined]
        assert strategy.zero_cost == ZeroCost("synflow")
        assert getattr(strategy.strategy, "zero_cost", None) == (ZeroCost("synflow") if "zero" in name else None)
    for name in ("nosh", "successive-halving", "asha"):
        strategy = get_strategy(name, LEVELLED)
        assert isinstance(strategy, Scheduled)
        assert strategy.strategy == RandomSearch(initial=10, batch=10)
        assert strategy.zero_cost is None


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_rank_nosh_takes_any_predictor(predictor: str) -> None:
    strategy = get_strategy(f"rank-nosh@{predictor}", LEVELLED)
    plain = get_strategy(f"uniform-7@{predictor}", LEVELLED)
    assert isinstance(strategy, Scheduled)
    assert isinstance(strategy.strategy, PredictorSearch)
    assert isinstance(plain, PredictorSearch)
    assert strategy.strategy.predictor == plain.predictor


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_pairs_are_ordered_by_level_by_predictors_that_have_that_rule(predictor: str) -> None:
    plain = get_strategy(f"uniform-7@{predictor}", LEVELLED).predictor  # type: ignore[attr-defined]
    if hasattr(plain, "fidelity_pairs"):
        strategy = get_strategy(f"rank-nosh-level@{predictor}", LEVELLED)
        assert strategy.strategy.predictor == replace(plain, fidelity_pairs="level")  # type: ignore[attr-defined]
    else:
        with pytest.raises(ConfigurationError, match="cannot order pairs by level"):
            get_strategy(f"rank-nosh-level@{predictor}", LEVELLED)


@pytest.mark.parametrize("name", SCHEDULED)
def test_scheduled_methods_need_several_levels_and_a_ratio_up_to_one(name: str) -> None:
    assert name in method_names()
    for levels in ((), (108,)):
        with pytest.raises(ConfigurationError, match=r"several lengths of training, not \[(108)?\]"):
            get_strategy(name, replace(LEVELLED, levels=levels))
    with pytest.raises(ConfigurationError, match="at most 1, not 3/2"):
        get_strategy(f"{name}-150", LEVELLED)


@dataclass
class NoisyTrainings:
    """A cell's true value and normal noise of this standard deviation."""

    noise: float

    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        nothing = np.full(len(genes), np.nan)
        return Evaluations(
            value=true_value(genes) + self.noise * rng.normal(size=len(genes)),
            epochs=np.full(len(genes), 12, np.int64),
            cost_seconds=nothing,
            cost_epochs=nothing,
        )


def true_value(genes: Genes) -> np.ndarray:
    """Mostly a matter of counts, partly one of places."""
    counts = 0.06 * (genes == 3).sum(axis=1) - 0.05 * (genes == 0).sum(axis=1)
    places = 0.02 * (genes[:, 5] == 3) - 0.013 * (genes[:, 0] == 4) - 0.007 * (genes[:, 1] == 1) * (genes[:, 3] == 2)
    return np.asarray(0.5 + counts + places)


def chosen_and_recommended(noise: float, seed: int) -> tuple[float, float]:
    """True values of the best by the signal of a run of Bayesian optimisation, and of what the run recommends."""
    search = Search(get_space("nasbench201"), get_strategy("bayesian-optimisation", PRESETS["quick"]), seed=seed)
    history = run(search, NoisyTrainings(noise), 60)
    best = history.genes[[history.values.argmax()]]
    return float(true_value(best)[0]), float(true_value(search.recommend())[0])


@pytest.mark.slow
def test_without_noise_bayesian_optimisation_recommends_its_best() -> None:
    for seed in range(4):
        chosen, recommended = chosen_and_recommended(0.0, seed)
        assert recommended == pytest.approx(chosen, abs=1e-12)


@pytest.mark.thorough
def test_where_trainings_are_noisy_bayesian_optimisation_recommends_better_than_its_luckiest() -> None:
    chosen, recommended = np.array([chosen_and_recommended(0.1, seed) for seed in range(8)]).T
    assert (recommended - chosen).mean() > 0.02
