"""What a pickle may refer back to: every text it held, at four bytes each, and of the rest what is still wanted.

An official file names some hundred million texts (`x-valid@17`), a few thousand of them different, and a later
architecture may refer to any. Kept as python's unpickler keeps them they would fill tens of gigabytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int

from predictornas.errors import DataError

MOST_ENTRIES = 1 << 29
"""Of one pickle: two gigabytes of numbers at worst; the official files make a fourth of them."""

MOST_TEXTS, MOST_CHARACTERS = 1 << 20, 1 << 26
"""Different texts of one pickle, and their characters."""

_GROWTH = 1.25
_MOST_LISTS = 1 << 12


class PickleMemory:
    """The memo of a pickle: texts by the number of their content, other objects until `forget`."""

    def __init__(self) -> None:
        self.next = 0
        self.texts: list[str] = [""]  # number 0 stands for no text
        self._numbers: dict[str, int] = {}
        self._characters = 0
        self._text_of = np.zeros(1 << 12, np.int32)
        self._objects: dict[int, Any] = {}
        self._passing: list[int] = []
        self._keys: dict[tuple[str | int, ...], tuple[str | int, ...]] = {}
        self._lists: dict[tuple[bytes, int], tuple[list[str], Int[np.ndarray, " n"]]] = {}

    def number(self, text: str) -> int:
        """The number of a text, a new one where it is met for the first time."""
        found = self._numbers.get(text)
        if found is None:
            self._characters += len(text)
            if len(self.texts) > MOST_TEXTS or self._characters > MOST_CHARACTERS:
                raise DataError("more different texts than any official file has")
            found = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return found

    def same_length(self, content: bytes, size: int) -> tuple[list[str], Int[np.ndarray, " n"]] | None:
        """Texts of `size` bytes each, one behind the other, and their numbers; None where they are not plain ASCII."""
        found = self._lists.get((content, size))
        if found is not None:
            return found
        if not content.isascii() or not size:
            return None
        text = content.decode("ascii")
        texts = [text[start : start + size] for start in range(0, len(text), size)]
        found = texts, np.array([self.number(each) for each in texts], np.int32)
        if len(self._lists) < _MOST_LISTS:  # the same names of epochs come back in every architecture
            self._lists[content, size] = found
        return found

    def put(self, index: int, value: Any) -> None:
        """Remembers the value under an index."""
        self._reach(index)
        if type(value) is str:
            self._text_of[index] = self.number(value)
            return
        self._text_of[index] = 0
        if type(value) is tuple and all(type(part) in (str, int) for part in value):
            value = self._keys.setdefault(value, value)  # a data set and a seed: some twenty different ones
        elif isinstance(value, (dict, list, set, tuple, bytes)):
            self._passing.append(index)
        self._objects[index] = value

    def put_texts(self, indexes: Int[np.ndarray, " n"], numbers: Int[np.ndarray, " n"]) -> None:
        """Remembers many texts, given by their numbers."""
        self._reach(int(indexes.max()))
        self._text_of[indexes] = numbers

    def get(self, index: int) -> Any:
        """What is remembered under an index.

        Raises:
            DataError: nothing, or a container of an architecture that has been dealt with.
        """
        number = int(self._text_of[index]) if index < len(self._text_of) else 0
        if number:
            return self.texts[number]
        if index in self._objects:
            return self._objects[index]
        if index < self.next:
            raise DataError(
                "an architecture shares a container with an earlier one, which is no longer held; the official files "
                "do not do that"
            )
        raise DataError(f"a reference to the object {index}, of which there is none")

    def get_texts(self, indexes: Int[np.ndarray, " n"]) -> list[str] | None:
        """What is remembered under the indexes; None where one is no text."""
        if int(indexes.max()) >= len(self._text_of):
            return None
        numbers = self._text_of[indexes].tolist()
        return [self.texts[number] for number in numbers] if all(numbers) else None

    def forget(self) -> None:
        """Drops the containers remembered since the last time; texts, numbers and types stay."""
        for index in self._passing:
            self._objects.pop(index, None)
        self._passing.clear()

    def _reach(self, index: int) -> None:
        if index >= MOST_ENTRIES:
            raise DataError(f"it remembers an object under {index}; no official file has so many")
        self.next = max(self.next, index + 1)
        if index >= len(self._text_of):
            if index > _GROWTH * len(self._text_of) + (1 << 16):
                raise DataError(f"it remembers an object under {index} out of turn")
            size = min(int(_GROWTH * (index + (1 << 16))), MOST_ENTRIES)
            self._text_of.resize(size, refcheck=False)  # grows in place: large blocks are moved by the system
