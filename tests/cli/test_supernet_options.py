from __future__ import annotations

import pytest

from predictornas.cli.supernet_options import DEFAULTS, default_of


@pytest.mark.parametrize(
    ("option", "method", "default"),
    [
        ("architecture_rate", "darts-1", 3e-4),
        ("architecture_rate", "pvll", 0.1),
        ("batch_size", "gdas", 256),
        ("lambda", "darts-1", None),
        ("anchor", "drnas", "l2"),
        ("warm_up", "pc-darts", 15),
    ],
)
def test_settings_of_the_papers(option: str, method: str, default: object) -> None:
    assert default_of(option, method) == default


def test_no_option_repeats_what_most_methods_have() -> None:
    assert not [option for option, (base, others) in DEFAULTS.items() if base in others.values()]
