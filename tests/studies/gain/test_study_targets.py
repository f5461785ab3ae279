from __future__ import annotations

import numpy as np

from predictornas.studies.gain.study_targets import named_errors, study_targets


def test_named_targets_are_errors_of_the_table_and_among_the_studys() -> None:
    errors = np.random.default_rng(0).permutation(np.linspace(0.05, 0.9, 10_000))
    named = named_errors(errors)
    assert (errors <= named["top 1 %"]).sum() == 100
    assert (errors <= named["top 0.1 %"]).sum() == 10
    assert set(named.values()) <= set(study_targets(errors)["target_error"].to_list())


def test_a_tiny_table_still_has_them() -> None:
    assert named_errors(np.array([0.3, 0.1, 0.2])) == {"top 0.1 %": 0.1, "top 1 %": 0.1}
