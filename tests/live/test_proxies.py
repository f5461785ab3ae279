from __future__ import annotations

import pytest

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.live import zerocost
from predictornas.live.proxies import PROXIES, get_proxy


def test_proxies_by_name() -> None:
    assert get_proxy("synflow") is zerocost.synflow
    assert [get_proxy(name) for name in PROXIES] == [getattr(zerocost, name) for name in PROXIES]
    with pytest.raises(UnknownNameError, match="Did you mean 'gradient_norm'"):
        get_proxy("gradientnorm")


def test_any_function_is_a_proxy_and_nothing_else() -> None:
    assert get_proxy("predictornas.live.zerocost:linear_regions") is zerocost.linear_regions
    with pytest.raises(ConfigurationError, match="is no function of a network, images, labels and a generator: 3"):
        get_proxy("tests.live.test_proxies:NUMBER")


NUMBER = 3
