"""How to repeat a study: its command line, what it was made with, and the checksum of its table."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from predictornas.report.facts import StudyFacts
from predictornas.report.markup import Content, element, joined
from predictornas.report.page import bullets, paragraphs

_OPTIONS = {
    "budget": "--budget",
    "budget_epochs": "--budget-epochs",
    "budget_seconds": "--budget-seconds",
    "signal": "--signal",
    "evaluation": "--evaluation",
}
"""What is always written out, so that the command means the same whatever the defaults become."""


def command_of(facts: StudyFacts) -> list[str]:
    """The command that runs the study: `search` for one run, else `gain`."""
    study, methods, seeds = facts.study, list(facts.methods), facts.seeds
    single = len(methods) == 1 and len(seeds) == 1
    # `search` has no option for these
    gain_only = study.get("budget_seconds") is not None or study["warm_start"] or study["engine"] != "indexed"
    words = ["predictornas", "search" if single and not gain_only else "gain", "--benchmark", study["benchmark"]]
    if words[1] == "search":
        words += ["--method", methods[0], "--seed", str(seeds[0])]
    else:
        words += ["--methods", ",".join(methods), "--seeds", seeds_text(seeds)]
    for name, option in _OPTIONS.items():
        if study.get(name) is not None:
            words += [option, str(study[name])]
    words += ["--preset", study["preset"]]
    if study["engine"] != "indexed":
        words += ["--engine", study["engine"]]
    return [*words, "--warm-start"] if study["warm_start"] else words


def seeds_text(seeds: Sequence[int]) -> str:
    """Seeds as the option `--seeds` takes them.

    Example:
        >>> seeds_text([0, 1, 2]), seeds_text([3]), seeds_text([0, 1, 5, 6, 7])
        ('3', '3,', '0-1,5-7')
    """
    ordered = sorted(seeds)
    if ordered == list(range(len(ordered))):
        return str(len(ordered))
    ranges: list[list[int]] = []
    for seed in ordered:
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    text = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)
    return f"{text}," if text.isdecimal() else text


def how_to_repeat(facts: StudyFacts) -> Content:
    """The section on repeating a study of searches."""
    named = [name for name in facts.methods if ":" in name]
    own = [name for name, entry in facts.methods.items() if entry.get("own") and name not in named]
    uneven = {tuple(entry["seeds"]) for entry in facts.methods.values()}
    remarks = []
    if own:
        remarks.append(f"{', '.join(own)}: given as an object from Python, so the command line cannot name it.")
    if named:
        modules = ", ".join(dict.fromkeys(name.partition("@")[0].partition(":")[0] for name in named))
        remarks.append(
            f"{', '.join(named)}: of your own, so the command finds {modules} only where Python can import it: name "
            "the folder that holds it in PYTHONPATH."
        )
    if len(uneven) > 1:
        remarks.append("Not every method has every seed; the command would add those that are missing.")
    if len(facts.made_with) > 1:
        remarks.append(f"manifest.json lists {len(facts.made_with)} versions that wrote into this folder.")
    last = facts.made_with[-1] if facts.made_with else {}
    data = {f"table {facts.study['benchmark']}": facts.study["data_sha256"]}
    return repeated_by(command_of(facts), last, data, remarks)


def repeated_by(
    command: Sequence[str],
    made_with: Mapping[str, Any],
    data: Mapping[str, str],
    remarks: Sequence[str] = (),
    *,
    out: str = ".",
    exact: bool = True,
) -> Content:
    """A command line, what it was made with and the checksums of its data.

    Args:
        command: its words; empty where no command says it all.
        made_with: as `predictornas.studies.provenance.surroundings`.
        data: SHA-256 of what was searched, by name.
        remarks: what the command does not say.
        out: the folder that it writes into; by default the one that it is run in, so that a page does not say where
            it was written.
        exact: whether it gives the same numbers; else they depend on which of several trainings ends first.
    """
    told = "This command gives the same numbers." if exact else "This command asks for the same search."
    if out == ".":
        told += " Run in the folder of this page it adds nothing; run in an empty one it makes all of it anew."
    shown = [paragraphs(told), element("pre", element("code", shlex.join([*command, "--out", out])))]
    versions = made_with.get("versions", {})
    items: list[Content] = [joined(f"{name} ", element("code", str(number))) for name, number in versions.items()]
    if made_with.get("commit"):
        items.append(joined("commit ", element("code", made_with["commit"])))
    items += [joined(f"{name}, SHA-256 of its data ", element("code", checksum)) for name, checksum in data.items()]
    return joined(shown if command else None, bullets(*remarks), paragraphs("It was made with:"), bullets(*items))


def command_with(verb: str, options: Mapping[str, Any]) -> list[str]:
    """A command line of options by name; those that are None or False are left out, those that are True are flags.

    Example:
        >>> command_with("predictors", {"sizes": (100, 424), "train_on": None, "draws": 10})
        ['predictornas', 'predictors', '--sizes', '100,424', '--draws', '10']
    """
    words = ["predictornas", verb]
    for name, value in options.items():
        if value is True:
            words.append(_flag(name))
        elif value is not None and value is not False:
            text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            words += [_flag(name), text]
    return words


def _flag(name: str) -> str:
    """The option of a name; Python's own words end in an underscore there: `from_`, `lambda_`."""
    return f"--{name.rstrip('_').replace('_', '-')}"
