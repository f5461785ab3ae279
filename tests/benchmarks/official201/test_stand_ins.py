"""What answers when a pickle asks for a type."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.benchmarks.official201.stand_ins import DataType, stand_in
from predictornas.errors import DataError


def test_a_scalar_is_made_of_its_type_and_bytes() -> None:
    kind = stand_in("numpy", "dtype").answer("f8", False, True)
    big = kind.in_order((3, ">", None, None, None, -1, -1, 0))
    scalar = stand_in("numpy.core.multiarray", "scalar")
    assert scalar.answer(kind, np.float64(1.25).tobytes()) == 1.25
    assert scalar.answer(big, np.array(1.25, ">f8").tobytes()) == 1.25
    assert type(scalar.answer(DataType(np.dtype("i4")), b"\x02\0\0\0")) is int


def test_bytes_sets_and_ordered_dictionaries_are_known() -> None:
    assert stand_in("_codecs", "encode").answer("\xff", "latin1") == b"\xff"
    assert stand_in("builtins", "set").answer([1, 2, 1]) == {1, 2}
    assert stand_in("collections", "OrderedDict").makes_dictionary


@pytest.mark.parametrize(("module", "name"), [("os", "system"), ("numpy", "load"), ("builtins", "eval")])
def test_every_other_name_is_refused(module: str, name: str) -> None:
    with pytest.raises(DataError, match=f"it asks for {module}.{name}; only OrderedDict and the scalars of numpy"):
        stand_in(module, name)


def test_what_is_no_number_is_refused() -> None:
    make = stand_in("numpy", "dtype").answer
    for code in ("O8", "V8", "f8,f8", 5):
        with pytest.raises(DataError, match="a data type"):
            make(code, False, True)
    with pytest.raises(DataError, match="no plain number"):
        make("f8").in_order((3, "|", None, ("a",), {}, 8, 1, 0))
    with pytest.raises(DataError, match="without type or content"):
        stand_in("numpy._core.multiarray", "scalar").answer(make("f8"), b"1234")
    with pytest.raises(DataError, match="unknown encoding"):
        stand_in("_codecs", "encode").answer("a", "rot13")
    with pytest.raises(DataError, match="what is no list"):
        stand_in("builtins", "set").answer("ab")
