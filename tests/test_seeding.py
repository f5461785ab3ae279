from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from predictornas.errors import ConfigurationError
from predictornas.seeding import check_seed, rng_for, seed_sequence


def test_the_purpose_enters_as_its_crc32() -> None:
    # 0xCBF43926 is the published check value of CRC-32: the checksum of the digits 1 to 9
    sequence = seed_sequence(7, 3, "123456789")
    assert sequence.entropy == 7
    assert sequence.spawn_key == (3, 0xCBF43926)


def test_streams_are_the_same_for_ever() -> None:
    expected = [953732787, 3640532129, 2672205765, 4199906730]
    assert seed_sequence(7, 3, "pool").generate_state(4).tolist() == expected


def test_the_same_arguments_give_the_same_numbers() -> None:
    np.testing.assert_array_equal(rng_for(1, 2, "fit").random(100), rng_for(1, 2, "fit").random(100))


def test_a_study_takes_no_negative_seed() -> None:
    check_seed(0)
    with pytest.raises(ConfigurationError, match="seed = -1; it has to be 0 or more"):
        check_seed(-1)
    check_seed(2**63 - 1)
    with pytest.raises(ConfigurationError, match=r"it has to be below 2\^63"):
        check_seed(2**63)


def test_any_other_argument_gives_another_stream() -> None:
    grid = list(itertools.product([0, 1, 2, 2**32, 2**64 - 1], [0, 1, 2, 1000], ["initial", "pool", "fit", ""]))
    states = {tuple(seed_sequence(*point).generate_state(4).tolist()) for point in grid}
    assert len(states) == len(grid)


def test_neighbouring_streams_are_uncorrelated() -> None:
    streams = np.stack([rng_for(seed, step, "pool").random(2000) for seed in range(5) for step in range(5)])
    correlations = np.corrcoef(streams)[np.triu_indices(25, 1)]
    # under independence a correlation of n numbers is about normal with deviation 1/sqrt(n)
    assert stats.kstest(correlations * np.sqrt(2000), "norm").pvalue > 0.001


@pytest.mark.parametrize(("seed", "iteration"), [(-1, 0), (0, -1)])
def test_negative_numbers_are_refused(seed: int, iteration: int) -> None:
    with pytest.raises(ValueError, match="non-negative"):
        rng_for(seed, iteration, "pool")
