"""Schedulers by name; each is two methods too: with random newcomers, and (`rank-...`) with those of a predictor."""

from __future__ import annotations

from predictornas.registry import Look, Registered, Registry

_SETTINGS = ("levels", "ratio")
_SHARE = "r = {} %"

SCHEDULERS = Registry(
    "scheduler",
    (
        Registered(
            name="full",
            target="predictornas.schedulers.full:Full",
            help="trains everything to the end at once",
            takes=("levels",),
        ),
        Registered(
            name="nosh",
            target="predictornas.schedulers.nosh:NOSH",
            help="non-uniform successive halving: a pyramid that nobody leaves (RANK-NOSH: Wang et al. 2021)",
            label="NOSH, random newcomers",
            takes=_SETTINGS,
            number="optional",
            number_label=_SHARE,
            looks={30: Look("#B57EC9", "D")},
        ),
        Registered(
            name="successive-halving",
            target="predictornas.schedulers.halving:SuccessiveHalving",
            help="each batch of newcomers is halved by itself (Jamieson and Talwalkar 2016)",
            label="successive halving",
            takes=_SETTINGS,
            number="optional",
            number_label=_SHARE,
            looks={30: Look("#7A1F5C", "p")},
        ),
        Registered(
            name="asha",
            target="predictornas.schedulers.halving:ASHALike",
            help="promotes whoever is in the best share of a level (Li, Jamieson et al. 2020)",
            label="ASHA-like",
            takes=_SETTINGS,
            number="optional",
            number_label=_SHARE,
            looks={30: Look("#E0B000", "h")},
        ),
    ),
    group="predictornas.schedulers",
    takes=_SETTINGS,
    number="optional",
)
"""Settings for the targets: `levels` (epochs, ascending) and `ratio` (the share r that is promoted, a Fraction).

The number of a name is r in percent, 50 where there is none.
"""
