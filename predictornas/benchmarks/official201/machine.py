"""A pickle machine for large official files: runs nothing, and hands each architecture on as soon as it is complete.

Python's unpickler, the one in C too, remembers every container and text until the end, which for nine gigabytes of
pickle needs nearly thirty. Here the values of one dictionary (`watch`) are handed on one by one and dropped. An
interpreter in Python takes about a third of a microsecond an instruction and such a file has a milliard of them, so
`float_runs` reads the instructions that repeat (a key and a number, two hundred times) at once, with numpy.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Iterator
from typing import Any

from predictornas.benchmarks.official201.float_runs import read_run
from predictornas.benchmarks.official201.memory import PickleMemory
from predictornas.benchmarks.official201.stand_ins import DataType, Function, stand_in
from predictornas.errors import DataError

MOST_INSTRUCTIONS = 1 << 23
"""Between two architectures, and so the size of one; the largest official one has about 70,000."""

DEEPEST = 64
"""Containers inside one another; the official files have seven."""

LONGEST_TEXT = 1 << 16
"""Bytes of a text; the longest official one has some two hundred."""

_RESERVE = 2 * LONGEST_TEXT  # held ready in the buffer, so that no instruction has to look whether it is all there
_REFUSED = {pickle.PERSID[0], pickle.BINPERSID[0]}
_DOUBLE, _INT, _UNSIGNED, _SHORT = struct.Struct(">d"), struct.Struct("<i"), struct.Struct("<I"), struct.Struct("<H")

Sink = Callable[[int, Any], None]


class PickleMachine:
    """Reads pickles, one behind the other, from blocks of bytes.

    Example:
        >>> import pickle
        >>> content = pickle.dumps({"a": [1, 2.5, None], "b": {"c": (1, "d")}})
        >>> PickleMachine(iter([content])).load()
        {'a': [1, 2.5, None], 'b': {'c': (1, 'd')}}
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self.buffer = b""
        self.at = 0
        self._passed = 0  # bytes before the buffer
        self._ended = False
        self.memory = PickleMemory()
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._item = -1  # where the item of a dictionary began that a number may end
        self._watch: str | None = None
        self._sink: Sink | None = None
        self._watched = -1  # depth of the marks inside the watched dictionary
        self._emptied: dict[Any, Any] | None = None  # the watched dictionary
        self._left = MOST_INSTRUCTIONS

    def load(self, *, watch: str | None = None, sink: Sink | None = None) -> Any:
        """The next pickle.

        Args:
            watch: key of the outermost dictionary whose value is a dictionary to be handed on item by item.
            sink: given each of its keys and values; the values are None in what is returned.

        Raises:
            DataError: the pickle ends too early, breaks the format, asks for anything but containers, numbers and
                texts, or is larger than any official file; says at which byte.
        """
        self.memory, self.stack, self._marks = PickleMemory(), [], []
        self._item, self._watched, self._left = -1, -1, MOST_INSTRUCTIONS
        self._watch, self._sink, self._emptied = watch, sink, None
        try:
            return self._run()
        except DataError as error:
            raise DataError(f"byte {self._passed + self.at:,}: {error}. Fetch it again, or do not use it.") from error
        except (IndexError, struct.error, TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            raise DataError(
                f"byte {self._passed + self.at:,}: it is no complete pickle ({type(error).__name__}: {error}). "
                "Fetch it again."
            ) from error

    def _run(self) -> Any:
        instructions = _INSTRUCTIONS
        while True:
            self._left -= 1
            if self._left < 0:
                raise DataError(f"more than {MOST_INSTRUCTIONS:,} instructions for one architecture")
            if len(self.buffer) - self.at < _RESERVE and not self._ended:
                self._refill()
            code = self.buffer[self.at]
            self.at += 1
            if code == _STOP:
                (value,) = self.stack
                return value
            instruction = instructions.get(code)
            if instruction is None:
                raise DataError(_reason(code))
            instruction(self)

    def _refill(self) -> None:
        parts, held = [self.buffer[self.at :]], len(self.buffer) - self.at
        while held < _RESERVE:
            block = next(self._blocks, b"")
            if not block:
                self._ended = True
                break
            parts.append(block)
            held += len(block)
        self._passed += self.at
        self.buffer, self.at, self._item = b"".join(parts), 0, -1

    def _take(self, count: int) -> bytes:
        taken = self.buffer[self.at : self.at + count]
        if len(taken) < count or count > LONGEST_TEXT:
            raise DataError(f"{count:,} bytes are announced, {len(taken):,} are there (at most {LONGEST_TEXT:,})")
        self.at += count
        return taken

    def _number(self, kind: struct.Struct) -> Any:
        value = kind.unpack_from(self.buffer, self.at)[0]
        self.at += kind.size
        return value

    def _byte(self) -> int:
        self.at += 1
        return self.buffer[self.at - 1]

    # --- numbers and texts

    def _float(self) -> None:
        self.stack.append(self._number(_DOUBLE))
        begun, self._item = self._item, self.at
        if begun >= 0:
            pushed = read_run(self, begun)
            self._left -= pushed
            self._item = self.at if pushed else self._item

    def _integer(self) -> None:
        self.stack.append(self._number(_INT))

    def _integer1(self) -> None:
        self.stack.append(self._byte())

    def _integer2(self) -> None:
        self.stack.append(self._number(_SHORT))

    def _long(self) -> None:
        content = self._take(self._byte())
        if len(content) > 16:
            raise DataError(f"a whole number of {len(content)} bytes")
        self.stack.append(int.from_bytes(content, "little", signed=True))

    def _text(self) -> None:
        self.stack.append(self._take(self._number(_UNSIGNED)).decode("utf-8"))

    def _short_text(self) -> None:
        self.stack.append(self._take(self._byte()).decode("utf-8"))

    def _short_bytes(self) -> None:
        self.stack.append(self._take(self._byte()))

    def _constant(self, value: Any) -> None:
        self.stack.append(value)

    # --- containers

    def _mark(self) -> None:
        if len(self._marks) >= DEEPEST:
            raise DataError(f"containers inside one another, more than {DEEPEST}")
        self._marks.append(len(self.stack))
        self._item = self.at

    def _popped(self) -> list[Any]:
        mark = self._marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        self._item = -1
        return items

    def _dictionary(self) -> None:
        if self._watched < 0 and len(self._marks) == 1 and self.stack[-1] == self._watch and self._watch is not None:
            self._watched = 2
            self._emptied = {}
            self.stack.append(self._emptied)
            return
        self.stack.append({})

    def _set_items(self) -> None:
        items = self._popped()
        if len(items) % 2:
            raise DataError("a key without a value")
        target = self.stack[-1]
        if type(target) is not dict:
            raise DataError("items are put where no dictionary is")
        if target is self._emptied:
            items[1::2] = [self._handed(key, value) for key, value in zip(items[::2], items[1::2], strict=True)]
        target.update(zip(items[::2], items[1::2], strict=True))
        self._hand_on()

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        if type(self.stack[-1]) is not dict:
            raise DataError("an item is put where no dictionary is")
        self.stack[-1][key] = self._handed(key, value) if self.stack[-1] is self._emptied else value
        self._hand_on()

    def _hand_on(self) -> None:
        """Gives the sink the value that has just been filled, where it is one of the watched dictionary."""
        if len(self._marks) != self._watched or self._sink is None:
            return
        if self.stack[self._marks[-1] - 1] is not self._emptied:
            return  # an item that stands alone has no mark before it: this one is inside its value
        inside = len(self.stack) - self._marks[-1]
        # of an item inside the value, which needs no mark where it is the only one, the value would stand before it
        if inside % 2 == 0 and (inside == 2 or self.stack[-3] is None):
            self.stack[-1] = self._handed(self.stack[-2], self.stack[-1])
            self.memory.forget()
            self._left = MOST_INSTRUCTIONS

    def _handed(self, key: Any, value: Any) -> Any:
        """None in place of a value, which the sink is given where it has not been yet: an empty or a single one."""
        if self._sink is not None and value is not None:
            self._sink(key, value)
        return None

    def _append(self) -> None:
        self._extend([self.stack.pop()])

    def _appends(self) -> None:
        self._extend(self._popped())

    def _extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise DataError("an entry is put where no list is")
        self.stack[-1].extend(items)

    def _add_items(self) -> None:
        items = self._popped()
        if type(self.stack[-1]) is not set:
            raise DataError("an entry is put where no set is")
        self.stack[-1].update(items)

    def _tuple(self, count: int | None = None) -> None:
        if count is None:
            parts = self._popped()
        else:
            parts = self.stack[len(self.stack) - count :]
            del self.stack[len(self.stack) - count :]
        if any(type(part) is tuple for part in parts):  # nested ones can take for ever to hash
            raise DataError("a tuple inside a tuple")
        self.stack.append(tuple(parts))

    # --- what is remembered

    def _put(self) -> None:
        self.memory.put(self._byte(), self.stack[-1])

    def _long_put(self) -> None:
        self.memory.put(self._number(_UNSIGNED), self.stack[-1])

    def _memoize(self) -> None:
        self.memory.put(self.memory.next, self.stack[-1])

    def _get(self) -> None:
        self.stack.append(self.memory.get(self._byte()))

    def _long_get(self) -> None:
        self.stack.append(self.memory.get(self._number(_UNSIGNED)))

    # --- types, which stand-ins of ours answer for

    def _global(self) -> None:
        end = self.buffer.index(b"\n", self.at, self.at + LONGEST_TEXT)
        end = self.buffer.index(b"\n", end + 1, end + LONGEST_TEXT)
        module, name = self.buffer[self.at : end].decode("utf-8").split("\n")
        self.at = end + 1
        self.stack.append(stand_in(module, name))

    def _stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(stand_in(module, name))

    def _reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if type(function) is not Function or type(arguments) is not tuple:
            raise DataError("a call of what cannot be called")
        if function.makes_dictionary:
            self._dictionary()  # an ordered one may be the watched one
        else:
            self.stack.append(function.answer(*arguments))

    def _build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if type(target) is not DataType:
            raise DataError("a state is given to what has none")
        self.stack[-1] = target.in_order(state)

    def _protocol(self) -> None:
        if self._byte() > pickle.HIGHEST_PROTOCOL:
            raise DataError("a pickle of an unknown protocol")

    def _frame(self) -> None:
        self._take(8)


def _reason(code: int) -> str:
    if code in _REFUSED:
        return "it holds weights of networks (objects outside the pickle); only files of results are read"
    return f"the instruction {chr(code)!r}; only containers, numbers and texts are read"


_STOP = pickle.STOP[0]
_INSTRUCTIONS: dict[int, Callable[[PickleMachine], None]] = {
    code[0]: instruction
    for code, instruction in {
        pickle.PROTO: PickleMachine._protocol,
        pickle.FRAME: PickleMachine._frame,
        pickle.BINFLOAT: PickleMachine._float,
        pickle.BININT: PickleMachine._integer,
        pickle.BININT1: PickleMachine._integer1,
        pickle.BININT2: PickleMachine._integer2,
        pickle.LONG1: PickleMachine._long,
        pickle.BINUNICODE: PickleMachine._text,
        pickle.SHORT_BINUNICODE: PickleMachine._short_text,
        pickle.SHORT_BINBYTES: PickleMachine._short_bytes,
        pickle.NONE: lambda machine: machine._constant(None),
        pickle.NEWTRUE: lambda machine: machine._constant(True),
        pickle.NEWFALSE: lambda machine: machine._constant(False),
        pickle.MARK: PickleMachine._mark,
        pickle.EMPTY_DICT: PickleMachine._dictionary,
        pickle.EMPTY_LIST: lambda machine: machine._constant([]),
        pickle.EMPTY_SET: lambda machine: machine._constant(set()),
        pickle.EMPTY_TUPLE: lambda machine: machine._constant(()),
        pickle.SETITEMS: PickleMachine._set_items,
        pickle.SETITEM: PickleMachine._set_item,
        pickle.APPEND: PickleMachine._append,
        pickle.APPENDS: PickleMachine._appends,
        pickle.ADDITEMS: PickleMachine._add_items,
        pickle.TUPLE: PickleMachine._tuple,
        pickle.TUPLE1: lambda machine: machine._tuple(1),
        pickle.TUPLE2: lambda machine: machine._tuple(2),
        pickle.TUPLE3: lambda machine: machine._tuple(3),
        pickle.BINPUT: PickleMachine._put,
        pickle.LONG_BINPUT: PickleMachine._long_put,
        pickle.MEMOIZE: PickleMachine._memoize,
        pickle.BINGET: PickleMachine._get,
        pickle.LONG_BINGET: PickleMachine._long_get,
        pickle.GLOBAL: PickleMachine._global,
        pickle.STACK_GLOBAL: PickleMachine._stack_global,
        pickle.REDUCE: PickleMachine._reduce,
        pickle.BUILD: PickleMachine._build,
    }.items()
}
