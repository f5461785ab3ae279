from __future__ import annotations

import math

from predictornas.live.curve import Curve, empty_curve, one_epoch


def entry(loss: float, validation: float) -> Curve:
    return one_epoch(
        train_loss=loss, train_accuracy=0.5, validation_accuracy=validation, test_accuracy=0.1, seconds=2.0
    )


def test_a_curve_grows_and_is_cut() -> None:
    curve = empty_curve().followed_by(entry(2.0, 0.3)).followed_by(entry(1.0, 0.4))
    assert len(curve) == 2
    assert curve.validation_accuracy.tolist() == [0.3, 0.4]
    assert curve.until(1).train_loss.tolist() == [2.0]
    assert curve.until(9).seconds.tolist() == [2.0, 2.0]
    assert curve.reaches(2)
    assert not curve.reaches(3)


def test_a_loss_that_is_not_finite_fails_the_training() -> None:
    for loss in (math.nan, math.inf):
        curve = entry(2.0, 0.3).followed_by(entry(loss, math.nan))
        assert curve.failed
        assert curve.reaches(100)
        assert curve.validation_accuracy.tolist() == [0.3, 0.0]
        assert curve.test_accuracy.tolist() == [0.1, 0.0]
        assert not curve.until(1).failed
        assert curve.until(2).failed
