"""What a value, a text or a file holds: the notation that it names, and the lists, numbers or words that it is."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from predictornas.architectures.any_space import GENES, STRING, tight
from predictornas.architectures.darts_notations import genotype_text
from predictornas.architectures.nasbench_notations import cell_text
from predictornas.architectures.notations import NOTATIONS
from predictornas.errors import DataError, InvalidArchitectureError, quoted
from predictornas.literals import read_literal, read_numbers
from predictornas.reading import parse_json, shown_path
from predictornas.spaces.genotypes import NAMED_GENOTYPES

MOST_BYTES = 1 << 26
"""Size in bytes of a file, such as a log, in which an architecture is looked for."""

RESULTS = ("recommended.txt", "genotype.txt", "architecture.txt")
"""Files in folders of results that hold the architecture that was found."""

_NAMED = re.compile(r"([a-z][a-z0-9]+)\s*:\s*(.*)", re.DOTALL | re.IGNORECASE)
_SPREAD = re.compile(r"(?<=[\d\]])\s+(?=[\d\[])")
_PRINTED = re.compile(
    r"(\w+\.)*(ModelSpec|Arch|array|asarray|tensor|range|arange|OrderedDict|dict|list|tuple|set|frozenset)\s*\("
)
_FILE = re.compile(r"\S*\.(txt|json|log|out|py|csv|parquet)", re.IGNORECASE)


def plain(value: Any) -> Any:
    """A value of lists, numbers and texts."""
    if isinstance(value, str):
        return _unquoted(value)
    if hasattr(value, "tolist"):  # arrays and numbers of numpy, tensors
        return plain(value.tolist())
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if hasattr(value, "matrix") and hasattr(value, "ops"):
        return plain({"matrix": value.matrix, "ops": value.ops})
    if hasattr(value, "link") and hasattr(value, "ops"):  # `Arch` of NAS-Bench-Graph
        return plain({"link": value.link, "ops": value.ops})
    if hasattr(value, "tostr") and hasattr(value, "nodes"):  # `Structure` of the code of NAS-Bench-201
        return plain(value.nodes)
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, range, set, frozenset)):
        return [plain(one) for one in value]
    return value


def _unquoted(text: str) -> str:
    """A text without the space and the quotes around it, and without the mark with which Windows begins files."""
    text = text.removeprefix("\ufeff").strip()
    is_quoted = len(text) > 1 and text[0] in "'\"" and text[-1] == text[0] and text[0] not in text[1:-1]
    return text[1:-1].strip() if is_quoted else text


def is_path(text: str) -> bool:
    """Whether a text is the path of something that is there.

    Raises:
        DataError: it can be nothing but the path of a file, and there is none.
    """
    if not text.strip() or len(text) > 1000 or "\n" in text or "\0" in text or text in NAMED_GENOTYPES:
        return False
    with suppress(OSError, ValueError):  # a long genotype is no name that a file could have
        if Path(text).exists():
            return True
    if _FILE.fullmatch(text):
        raise DataError(f"There is no file {quoted(text)}.")
    return False


def of_file(path: Path) -> Any:
    """What a file of an architecture holds: a text, or the part of a JSON object that is about the architecture.

    Raises:
        DataError: no file, one that is empty, too large or no JSON, or a folder without any of `RESULTS`.
    """
    if path.is_dir():
        held = [path / name for name in RESULTS if (path / name).is_file()]
        if not held:
            raise DataError(f"{shown_path(path)} holds none of {', '.join(RESULTS)}. Give the file itself.")
        path = held[0]
    if path.exists() and not path.is_file():  # a device may have no end
        raise DataError(f"{shown_path(path)} is no file.")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(
                f"{shown_path(path)} has more than {MOST_BYTES >> 20} MiB. Give the part with the architecture."
            )
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{shown_path(path)} cannot be read: {error.strerror or error}.") from error
    whole = content.decode("utf-8", errors="replace")  # logs hold bytes of all kinds
    text = _unquoted(whole)
    if not text:
        raise DataError(f"{shown_path(path)} is empty.")
    if text[0] == "{" or path.suffix.lower() == ".json":
        value = parse_json(content, shown_path(path), remedy="Give a file that holds an architecture.")
        return _about_architecture(value)
    return whole.rstrip("\r\n")


def is_result(path: Path) -> bool:
    """Whether a file or folder is one that this package has written."""
    return path.is_dir() or path.name in RESULTS


def words_of(given: Any, named: str | None, content: Any) -> list[str]:
    """The texts that a space of one's own is asked to read: as it stands, then without what people put around it."""
    text = _about_architecture(given)
    if not isinstance(text, str) or named not in (None, STRING.name):
        return []
    if named:
        text = text[text.index(":") + 1 :].removeprefix(" ")
    bare = _unquoted(text)
    texts = [text, bare, tight(bare), *([tight(content)] if isinstance(content, str) else [])]
    return [one for one in dict.fromkeys(texts) if one or named]


def _about_architecture(value: Any) -> Any:
    """What a result of ours says of its architecture; any other value as it is."""
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0]
    for name in ("recommended", "genes", "architecture", "notation", "genotype", "arch"):
        if isinstance(value, dict) and name in value:
            about = _about_architecture(value[name])
            return f"{GENES.name}: {about}" if name == GENES.name and isinstance(about, str) else about
    return value


def taken_apart(value: Any) -> tuple[str | None, Any]:
    """The notation that a text names, and what the text prints: a list, a call, or itself.

    Raises:
        InvalidArchitectureError: it prints something that cannot be read.
    """
    if isinstance(value, dict) and (about := _about_architecture(value)) is not value:
        return taken_apart(about)
    if not isinstance(value, str):
        return None, value
    named, text = None, value
    if (met := _NAMED.fullmatch(value)) and any(met[1].lower() == notation.name for notation in NOTATIONS):
        named, text = met[1].lower(), _unquoted(met[2])
    text = cell_text(text) or text
    if named == STRING.name:
        return named, text
    try:
        printed = genotype_text(text)
        if printed is not None:
            return named, read_literal(printed)
        if re.fullmatch(r"\d{10,}", text):
            return named, text  # a key, or a hash without letters
        numbers = read_numbers(text)
        if numbers is not None:
            return named, numbers[0] if re.fullmatch(r"-?\d+", text) else numbers
    except ValueError as error:
        raise InvalidArchitectureError(f"{quoted(value)} cannot be read as an architecture: {error}.") from None
    if text[:1] in tuple("([{") or _PRINTED.match(text):
        printed = _literal(text)
        return taken_apart(printed) if _is_named(printed) else (named, printed)
    return named, text


def _is_named(value: Any) -> bool:
    """Whether it is what `_about_architecture` makes of a text that an object calls its genes."""
    return isinstance(value, str) and value.startswith(f"{GENES.name}: ")


def printed_in(named: str | None, content: Any) -> Any:
    """What a text that was said to be in the words of its space prints, for what else it might be."""
    if named != STRING.name:
        return content
    try:
        return taken_apart(content)[1]
    except InvalidArchitectureError:
        return content


def _literal(text: str) -> Any:
    """What a text prints; two values side by side become a list, and what prints none stays a text."""
    spread = _SPREAD.sub(", ", text) if re.fullmatch(r"[\[\]\s\d]+", text) else text
    for attempt in (spread, re.sub(r"(\)|\])[\s;,]+(\[|\()", r"\1, \2", f"({spread})")):
        try:
            return _about_architecture(read_literal(attempt))
        except ValueError as error:
            reason = error
    if re.match(r"[\[({][\s\[({]*['\"\d]", text) is None:
        raise InvalidArchitectureError(f"{quoted(text)} cannot be read as an architecture: {reason}.")
    try:
        return _about_architecture(json.loads(text))  # true, false and null are no names of Python
    except (ValueError, RecursionError):
        pass
    if re.fullmatch(r"[\[\]01,\s]+[\s,;]+\[?\s*['\"]?[a-z].*", text, re.DOTALL):
        return text  # a matrix, then names without quotes
    raise InvalidArchitectureError(f"{quoted(text)} cannot be read as an architecture: {reason}.")
