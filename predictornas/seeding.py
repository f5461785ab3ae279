"""Random streams: every random choice draws from `rng_for(seed, iteration, purpose)`, so nothing is ever stored."""

from __future__ import annotations

import zlib

import numpy as np

from predictornas.errors import ConfigurationError


def check_seed(seed: int) -> None:
    """Refuses a seed from which no stream comes, or that no table can hold, before a study begins.

    Raises:
        ConfigurationError: a negative one, or one of more than 63 bits.
    """
    if seed < 0:
        raise ConfigurationError(f"seed = {seed}; it has to be 0 or more.")
    if seed >= 2**63:
        raise ConfigurationError(f"seed = {seed}; it has to be below 2^63.")


def seed_sequence(seed: int, iteration: int, purpose: str) -> np.random.SeedSequence:
    """The seed sequence that belongs to one purpose in one iteration of one run.

    Args:
        seed: seed of the run, >= 0.
        iteration: iteration of the search, >= 0 (0 is the initial set T0).
        purpose: what the numbers are for ("initial", "pool", "fit"); streams of different purposes are independent.
    """
    return np.random.SeedSequence(entropy=seed, spawn_key=(iteration, zlib.crc32(purpose.encode())))


def rng_for(seed: int, iteration: int, purpose: str) -> np.random.Generator:
    """A generator on the stream of `seed_sequence(seed, iteration, purpose)`.

    Example:
        >>> from predictornas.seeding import rng_for
        >>> a, b, c = (rng_for(0, iteration, "pool").integers(1000) for iteration in (3, 3, 4))
        >>> bool(a == b), bool(a == c)
        (True, False)
    """
    return np.random.default_rng(seed_sequence(seed, iteration, purpose))
