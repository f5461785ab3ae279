from __future__ import annotations

import pytest

from predictornas.samplers.base import Sampler
from predictornas.samplers.registry import SAMPLERS


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_signs_what_it_proposes_with_its_registered_name(name: str) -> None:
    sampler = SAMPLERS[name].make()
    assert isinstance(sampler, Sampler)
    assert sampler.name == name
