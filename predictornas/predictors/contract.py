"""Fits and asks a predictor that may be anybody's: what breaks a promise of the protocol is named, and goes no further.

A score that is missing or no number would otherwise choose the wrong architectures in silence, or none for ever.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from predictornas.errors import ConfigurationError
from predictornas.predictors.base import Predictor, UncertainPredictor
from predictornas.predictors.fitting import as_array
from predictornas.spaces.base import Genes, SearchSpace

_MORE = "predictornas.testing.check_predictor tries every rule."


def fitted_on(
    predictor: Predictor,
    space: SearchSpace,
    genes: Genes,
    values: Float[np.ndarray, " n"],
    *,
    epochs: Int[np.ndarray, " n"] | None = None,
    rng: np.random.Generator,
) -> Predictor:
    """What `predictor.fit` gives; see `Predictor.fit`.

    Raises:
        ConfigurationError: `fit` does not take what a search hands it, or gives back no predictor.
    """
    given: dict[str, Any] = {"epochs": epochs, "rng": rng}
    try:
        inspect.signature(predictor.fit).bind(space, genes, values, **given)
    except (TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{_name(predictor)}.fit does not take (space, genes, values, *, epochs=None, rng): {error}. {_MORE}"
        ) from None
    except ValueError:
        pass  # compiled, so that nobody knows what it takes
    fitted: Any = predictor.fit(space, genes, values, **given)
    if not callable(getattr(fitted, "predict", None)):
        raise ConfigurationError(
            f"{_name(predictor)}.fit gave back {type(fitted).__name__} and no predictor: end it with `return self`."
        )
    return fitted  # type: ignore[no-any-return]


def scores_of(predictor: Predictor, genes: Genes) -> Float[np.ndarray, " n"]:
    """One finite score an architecture, as `predictor.predict` gave it; a list or a tensor becomes an array.

    Raises:
        ConfigurationError: it gave something else.
    """
    return _numbers(predictor, "predict", predictor.predict(genes), len(genes))


def spread_of(predictor: UncertainPredictor, genes: Genes) -> Float[np.ndarray, " n"]:
    """The same of `predictor.predict_std`."""
    spread = _numbers(predictor, "predict_std", predictor.predict_std(genes), len(genes))
    if (spread < 0).any():
        raise ConfigurationError(
            f"{_name(predictor)}.predict_std gave {spread.min():g}: a standard deviation is not negative."
        )
    return spread


def _numbers(predictor: Predictor, method: str, given: Any, count: int) -> Float[np.ndarray, " n"]:
    try:
        numbers = as_array(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigurationError(
            f"{_name(predictor)}.{method} gave {type(given).__name__}, of which no array of numbers can be made: "
            f"{error}"
        ) from None
    if numbers.shape != (count,) or numbers.dtype.kind not in "fiu":
        met = f"{numbers.dtype} of shape {numbers.shape}" if numbers.shape else type(given).__name__
        raise ConfigurationError(
            f"{_name(predictor)}.{method} gave {met} for {count} architectures, and has to give one number for each: "
            f"shape ({count},). {_MORE}"
        )
    finite = np.isfinite(numbers)
    if not finite.all():
        raise ConfigurationError(
            f"{_name(predictor)}.{method} gave {numbers[finite.argmin()]} for {count - int(finite.sum())} of {count} "
            f"architectures: scores have to be finite, or nothing can be ranked. {_MORE}"
        )
    return numbers


def _name(predictor: object) -> str:
    return type(predictor).__name__
