"""Reads an architecture in whatever notation it comes, and writes it in all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int8

from predictornas.architectures.any_space import GENES, STRING, has_own_words
from predictornas.architectures.contents import (
    is_path,
    is_result,
    of_file,
    plain,
    printed_in,
    taken_apart,
    words_of,
)
from predictornas.architectures.notations import notations_of
from predictornas.architectures.orders import ORDERS
from predictornas.architectures.writing import Numbering, Writing, is_numbers
from predictornas.errors import (
    ConfigurationError,
    InvalidArchitectureError,
    PredictorNASError,
    UnknownNameError,
    quoted,
)
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.chains.natsbench_size import WIDTHS, NATSBenchSize
from predictornas.spaces.darts import DARTS
from predictornas.spaces.registry import SPACES, get_space
from predictornas.spaces.restricted import RestrictedSpace

Refused = tuple[SearchSpace, Writing, PredictorNASError]
"""A space and a notation, and why a value is no architecture of it in that."""

_HINTS = 3
_EXPECTED = (
    "genes (3,0,1,2,4,3), |op~0|+|op~0|op~1|+|op~0|op~1|op~2|, a module hash, [[0, 1], [0, 0]] with operations, "
    "8:16:24:32:64, Genotype(...), the name of a released genotype, or a file that holds one of these"
)


@dataclass(frozen=True, eq=False)
class ParsedArchitecture:
    """An architecture of a space, and the notation in which it was read.

    Attributes:
        space: its space.
        genes: `(g,)`, valid.
        notation: the name of the notation.
    """

    space: SearchSpace
    genes: Int8[np.ndarray, " g"]
    notation: str

    @property
    def key(self) -> int:
        """Its identity in every table and history."""
        return int(self.space.keys(self.genes[None])[0])


def parse(
    value: object,
    space: SearchSpace | str | None = None,
    *,
    operations: str | Sequence[str] | None = None,
    files: bool = True,
) -> ParsedArchitecture:
    """The architecture that a value stands for, in any notation of the field.

    Example:
        >>> from predictornas.architectures import parse
        >>> found = parse("|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|nor_conv_3x3~0|none~1|skip_connect~2|")
        >>> found.space.name, found.genes.tolist()
        ('nasbench201', [3, 0, 4, 3, 0, 1])
        >>> parse("naslib: (2, 1, 2, 4, 1, 0)").genes.tolist()
        [3, 0, 4, 3, 0, 1]
        >>> parse(([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", "maxpool3x3", "output"])).space.name
        'nasbench101'

    Args:
        value: genes as a list, an array or a text; a string, matrix and operations, hash, index, genotype or name, as
            a text, a value or an object of the field's packages (`Genotype`, `ModelSpec`); the path of a file or of a
            folder of results that holds one. A text may begin with the name of its notation and a colon.
        space: where it belongs; by default the one whose notation it is.
        operations: what numbers of operations stand for, if not for the official ones: their names in the order of
            their numbers, or `naslib` or `naszilla`.
        files: whether a text may be the path of a file; not where the text is from a stranger.

    Raises:
        InvalidArchitectureError: no architecture in any notation; where it fits another one, the message shows that.
        ConfigurationError: architectures of several spaces are written so, and none is named; or numbers are words of
            the space and genes of another architecture.
        UnknownNameError: no space, notation or released genotype has that name.
        DataError: a file that cannot be read.
    """
    whole = get_space(space) if isinstance(space, str) else space
    from_file = files and (isinstance(value, Path) or (isinstance(value, str) and is_path(value)))
    given = of_file(Path(str(value))) if from_file else value
    named, content, unreadable = None, None, None
    try:
        named, content = taken_apart(plain(given))
    except InvalidArchitectureError as error:  # unless a space of one's own has such words
        unreadable = error
    numbering: Numbering = None
    if isinstance(operations, str) and operations.strip().lower() in ORDERS:
        named = operations.strip().lower()
    elif operations is not None:
        names = operations.split(",") if isinstance(operations, str) else operations
        numbering = [name.strip() for name in names]
    spaces = [_base(whole)] if whole else [get_space(name) for name in SPACES]
    words = words_of(given, named, content) if any(map(has_own_words, spaces)) else []
    found, refused = _read(spaces, content, words, named, numbering)
    if not found:
        raise unreadable or _refusal(value, printed_in(named, content), whole, refused)
    first = _meant(value, found, in_words=from_file and is_result(Path(str(value))))
    if whole is None or whole is first.space:
        return first
    if not whole.valid(first.genes[None])[0]:
        raise InvalidArchitectureError(
            f"{first.space.describe(first.genes)} is an architecture of {whole.name!r}, but not one of this part of it."
        )
    return ParsedArchitecture(whole, first.genes, first.notation)


def formats(architecture: ParsedArchitecture) -> dict[str, str]:
    """An architecture in every notation of its space, by the name of the notation.

    Each text is read again by `parse(f"{name}: {text}", space)`, and gives the same genes; but a key is not where the
    space is too large to be listed.

    Example:
        >>> from predictornas.architectures import formats, parse
        >>> written = formats(parse("8:16:24:32:64"))
        >>> written["genes"], written["index"], written["key"]
        ('0,1,2,3,7', '671', '1030570820162767215')
    """
    space = _base(architecture.space)
    texts = {notation.name: notation.write(space, architecture.genes) for notation in notations_of(space)}
    return {name: text for name, text in texts.items() if text is not None}


def _base(space: SearchSpace) -> SearchSpace:
    while isinstance(space, RestrictedSpace):
        space = space.base
    return space


def _read(
    spaces: Sequence[SearchSpace], content: Any, words: Sequence[str], named: str | None, numbering: Numbering
) -> tuple[list[ParsedArchitecture], list[Refused]]:
    """Every reading of a value, one for each space and notation, and why others were none.

    Of a space of one's own there are two where its words are numbers, and would be other genes.
    """
    found: list[ParsedArchitecture] = []
    refused: list[Refused] = []
    for space in spaces:
        of_space: list[ParsedArchitecture] = []
        own = has_own_words(space)
        for notation in notations_of(space):
            if notation.name != named and (named is not None or notation.asked):
                continue
            if of_space and notation is not GENES:
                continue
            for value in words if own and notation is STRING else [content]:
                try:
                    row = notation.read(space, value, numbering)
                    if row is not None:
                        of_space.append(ParsedArchitecture(space, _valid(space, row[None])[0], notation.name))
                        break
                except PredictorNASError as error:
                    refused.append((space, notation, error))
            if of_space and not own:
                break
        found += of_space if len({one.genes.tobytes() for one in of_space}) > 1 else of_space[:1]
    return found, refused


def _valid(space: SearchSpace, rows: Genes) -> Genes:
    """The normal form.

    Raises:
        InvalidArchitectureError: there is none.
    """
    normal = space.normalise(rows)
    if not space.valid(normal)[0]:
        raise InvalidArchitectureError(f"{rows[0].tolist()} breaks the rules of {space.name!r}.")
    return normal


def _meant(value: object, found: list[ParsedArchitecture], *, in_words: bool) -> ParsedArchitecture:
    """The one of several readings that counts.

    Args:
        value: what was read, for messages.
        found: its readings, at least one.
        in_words: whether words of a space come before genes, as in the results that this package writes.

    Raises:
        ConfigurationError: they are different architectures, and nothing says which is meant.
    """
    first = found[0]
    if len({one.space.name for one in found}) > 1:
        in_darts = all(isinstance(one.space, DARTS) for one in found)
        # the same numbers mean other operations in each of the DARTS spaces
        if not in_darts or first.notation in ("genes", "naslib", "key"):
            raise _ambiguous(value, found)
    if len(found) > 1 and found[1].space is first.space:
        if not in_words:
            raise ConfigurationError(
                f"{quoted(value)} may be the words of {first.space.name!r} or genes, and they are different "
                "architectures. Write 'string: ' or 'genes: ' before it."
            )
        return next(one for one in found if one.notation == STRING.name)
    return first


def _ambiguous(value: object, found: list[ParsedArchitecture]) -> ConfigurationError:
    names = list(dict.fromkeys(one.space.name for one in found))
    return ConfigurationError(
        f"{quoted(value)} may be an architecture of {', '.join(names)}. Say of which (--space, or `space=`)."
    )


def _refusal(value: object, content: Any, space: SearchSpace | None, refused: list[Refused]) -> PredictorNASError:
    """Why nothing was found, with the notation that was meant, if one fits."""
    fits = [is_numbers(content) and space.num_genes == len(content) for space, _, _ in refused]
    errors = [error for _, (_, _, error) in sorted(zip(fits, refused, strict=True), key=lambda one: not one[0])]
    unknown = [error for error in errors if isinstance(error, UnknownNameError)]
    settings = [error for error in errors if isinstance(error, ConfigurationError) and error not in unknown]
    if space is not None and settings:
        return settings[0]
    fitting = _fitting(content, space)
    if not fitting and (
        unknown or (space is None and any(fits)) or len({notation.read for _, notation, _ in refused}) == 1
    ):
        return (unknown or errors)[0]
    where = f"architecture of {space.name!r}" if space else "architecture"
    told = f" ({errors[0]})" if space and errors else ""
    if fitting:
        return InvalidArchitectureError(f"{quoted(value)} is no {where}{told}. It fits {'; or '.join(fitting)}.")
    if space is None:
        return InvalidArchitectureError(f"{quoted(value)} is no architecture. Expected {_EXPECTED}.")
    example = formats(ParsedArchitecture(space, space.sample(1, np.random.default_rng(0))[0], ""))
    forms = "; ".join(f"{name}: {text if len(text) < 100 else text[:90] + '...'}" for name, text in example.items())
    return InvalidArchitectureError(f"{quoted(value)} is no {where}{told}. Architectures are written as {forms}.")


def _fitting(content: Any, space: SearchSpace | None) -> list[str]:
    """The notations that a value fits: of another space, of another toolkit, or numbered from one."""
    tried: list[tuple[str, SearchSpace, Writing, Any]] = []
    for name in SPACES:
        other = get_space(name)
        own = space is not None and _base(space) is other
        for notation in notations_of(other):
            label = f"{notation.name} of {name}" if notation.name != "genes" or not own else ""
            if label and (space is not None or notation.asked):
                tried.append((label, other, notation, content))
            if notation.name == "genes" and is_numbers(content) and (own or space is None):
                tried += [(f"genes of {name}, {how}", other, notation, row) for how, row in _altered(other, content)]
    found: dict[str, str] = {}
    for label, other, notation, attempt in tried:
        try:
            row = notation.read(other, attempt, None)
            if row is not None:
                found.setdefault(other.describe(_valid(other, row[None])[0]), label)
        except PredictorNASError:
            continue
    return [f"{label}: {text}" for text, label in list(found.items())[:_HINTS]]


def _altered(space: SearchSpace, numbers: list[int]) -> list[tuple[str, list[int]]]:
    """What people number otherwise: from one, the operation of an edge before its input, or widths for their places."""
    ways = [("if numbers begin with 1", [number - 1 for number in numbers])]
    if isinstance(space, NATSBenchSize) and set(numbers) <= set(WIDTHS):
        ways.append(("if these are the widths", [WIDTHS.index(number) for number in numbers]))
    if isinstance(space, DARTS) and len(numbers) == space.num_genes:
        pairs = np.array(numbers).reshape(-1, 2)
        ways.append(("if the operation comes before the input", pairs[:, ::-1].ravel().tolist()))
    return ways
