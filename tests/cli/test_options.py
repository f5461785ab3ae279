from __future__ import annotations

import os

import pytest

from predictornas.cli.options import Where, parsed_seeds, pictures_as, worker_count
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.executors.processes import Processes
from predictornas.executors.serial import Serial
from predictornas.studies.tasks import Share


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", (0, 1, 2)),
        ("0", ()),
        ("3,", (3,)),
        ("3,7", (3, 7)),
        ("9-11, 1", (1, 9, 10, 11)),
        ("5-5", (5,)),
        ("1,1", (1,)),
    ],
)
def test_seeds_are_a_count_a_range_or_a_list(text: str, seeds: tuple[int, ...]) -> None:
    assert parsed_seeds(text) == seeds


@pytest.mark.parametrize("text", ["-3", "a", "7-5", "1-", "1.5", "3;4", "1-2-3"])
def test_what_are_no_seeds(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--seeds takes a count"):
        parsed_seeds(text)


def test_where_tasks_run() -> None:
    assert Where(1).get_executor() == Serial()
    assert Where(3).get_executor() == Processes(3)
    assert Where(3, "serial").get_executor() == Serial()
    assert Where(1).share is None
    assert Where(1, part="2/3").share == Share(2, 3)
    with pytest.raises(ConfigurationError, match="Ray cluster"):
        Where(3, "processes", "auto").get_executor()


def test_no_number_of_workers_takes_one_for_each_core() -> None:
    assert worker_count(0) == len(os.sched_getaffinity(0))
    assert worker_count(5) == worker_count(5, threads=2) == 5
    assert worker_count(0, threads=len(os.sched_getaffinity(0)) + 1) == 1
    with pytest.raises(ConfigurationError, match="--workers must be 0"):
        worker_count(-1)


def test_figures_are_png_and_svg_on_a_screen_pdf_in_a_paper_and_whatever_is_asked_for() -> None:
    assert pictures_as(None, "screen").formats == ("png", "svg")
    assert pictures_as(None, "paper-wide").formats == ("pdf",)
    assert pictures_as("PDF, png,pdf", "paper").formats == ("pdf", "png")
    with pytest.raises(UnknownNameError, match="'pdf'"):
        pictures_as("pfd", "screen")
    with pytest.raises(ConfigurationError, match="commas"):
        pictures_as(" ,", "screen")
