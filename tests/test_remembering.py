from __future__ import annotations

from dataclasses import dataclass

from predictornas.remembering import remembered


@dataclass
class Compared:
    number: int


def test_what_can_be_hashed_is_remembered_and_what_cannot_is_worked_out_anew() -> None:
    asked: list[object] = []

    @remembered(2)
    def double(of: object, times: int = 2) -> int:
        asked.append(of)
        return times * (of.number if isinstance(of, Compared) else int(str(of)))

    assert [double(3), double(3), double(3, times=4), double(3, times=4)] == [6, 6, 12, 12]
    assert asked == [3, 3]
    changing = Compared(5)
    assert double(changing) == 10
    changing.number = 7
    assert double(changing) == 14
    assert len(asked) == 4


def test_the_oldest_is_forgotten() -> None:
    asked: list[int] = []

    @remembered(2)
    def same(number: int) -> int:
        """Gives it back."""
        asked.append(number)
        return number

    assert [same(number) for number in (1, 2, 3, 3, 2, 1)] == [1, 2, 3, 3, 2, 1]
    assert asked == [1, 2, 3, 1]
    assert same.__doc__ == "Gives it back."
