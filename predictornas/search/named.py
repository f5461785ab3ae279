"""A strategy of your own under a name: what stands in a study where the name of a method does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from predictornas.errors import ConfigurationError
from predictornas.plain_help import PlainHelp
from predictornas.samplers.registry import SAMPLERS
from predictornas.schedulers.registry import SCHEDULERS
from predictornas.search.registry import METHODS
from predictornas.search.strategies import Strategy

_NAME = re.compile(r"[^\s,:@](?:[^,:@\r\n\t]{0,98}[^\s,:@])?")


@dataclass(frozen=True)
class Named(metaclass=PlainHelp):
    """A strategy and the name under which tables, figures and comparisons show it.

    A run is resumed where the strategy is described as it was; see `predictornas.description.describe`.

    Example:
        >>> from predictornas import Evolutionary, GaussianProcess, Named, PredictorSearch, Study
        >>> search = PredictorSearch(GaussianProcess(), Evolutionary(), pool_size=300)
        >>> Study(methods=("random", Named("my search", search))).method_names
        ('random', 'my search')

    Args:
        name: up to 100 characters without comma, colon and @, and none that means a method of this package.
        strategy: any; its initial set and batch are its own, whatever the study's preset.

    Raises:
        ConfigurationError: a name that cannot be used, or something that is no strategy.
    """

    name: str
    strategy: Strategy = field(hash=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name!r} cannot be the name of a method: it is 1 to 100 characters, no comma, colon or @ among "
                "them, and no space at an end."
            )
        if any(registry.own(self.name) for registry in (METHODS, SAMPLERS, SCHEDULERS)):
            raise ConfigurationError(f"{self.name!r} means a method of this package. Choose another name.")
        if not isinstance(self.strategy, Strategy):
            raise ConfigurationError(
                f"{self.name!r} is a {type(self.strategy).__name__}, which is no strategy: it needs initial, batch and "
                "propose(). Put a predictor and a sampler into a PredictorSearch."
            )
