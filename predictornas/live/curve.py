"""What a training leaves: loss and accuracies after each of its epochs, and the time each took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Curve:
    """The learning curve of one training, an entry an epoch.

    Attributes:
        train_loss: mean cross-entropy over the training images, as they were seen; NaN or infinite in the last epoch
            of a failed training.
        train_accuracy: share of the training images that were right, as they were seen.
        validation_accuracy: in evaluation mode after the epoch; NaN where not evaluated, 0 once failed.
        test_accuracy: the same on the test images.
        seconds: wall time of the epoch with its evaluation.
        failed: whether the loss left the finite numbers, which ended the training.
    """

    train_loss: Float[np.ndarray, " e"]
    train_accuracy: Float[np.ndarray, " e"]
    validation_accuracy: Float[np.ndarray, " e"]
    test_accuracy: Float[np.ndarray, " e"]
    seconds: Float[np.ndarray, " e"]
    failed: bool = False

    def __len__(self) -> int:
        return len(self.seconds)

    def reaches(self, epochs: int) -> bool:
        """Whether this training has gone on for so many epochs, or never will."""
        return self.failed or len(self) >= epochs

    def until(self, epochs: int) -> Curve:
        """The first epochs alone: what a training stopped there would have left."""
        columns = {name: column[:epochs] for name, column in self.columns().items()}
        return Curve(**columns, failed=self.failed and epochs >= len(self))

    def followed_by(self, epoch: Curve) -> Curve:
        """This curve and what came after it."""
        after = epoch.columns()
        columns = {name: np.concatenate([column, after[name]]) for name, column in self.columns().items()}
        return Curve(**columns, failed=epoch.failed)

    def columns(self) -> dict[str, Float[np.ndarray, " e"]]:
        """The five columns by name."""
        return {name: getattr(self, name) for name in COLUMNS}


COLUMNS = ("train_loss", "train_accuracy", "validation_accuracy", "test_accuracy", "seconds")


def empty_curve() -> Curve:
    """The curve of a training that has not begun."""
    return Curve(**{name: np.empty(0) for name in COLUMNS}, failed=False)


def one_epoch(
    *, train_loss: float, train_accuracy: float, validation_accuracy: float, test_accuracy: float, seconds: float
) -> Curve:
    """A curve of one epoch; failed, with accuracies of 0, where the loss is not finite."""
    failed = not np.isfinite(train_loss)
    validation_accuracy, test_accuracy = (0.0, 0.0) if failed else (validation_accuracy, test_accuracy)
    values = (train_loss, train_accuracy, validation_accuracy, test_accuracy, seconds)
    columns = {name: np.array([value]) for name, value in zip(COLUMNS, values, strict=True)}
    return Curve(**columns, failed=failed)
