"""Checks that a search space keeps every rule of the `SearchSpace` protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Int64
from scipy.special import chdtrc

from predictornas.errors import ConfigurationError
from predictornas.spaces.base import MOST, Genes, Keys, SearchSpace
from predictornas.spaces.restricted import part_of
from predictornas.testing.conformance import attempt, require, require_array, require_rows, twice
from predictornas.testing.views import check_description, check_graphs, check_relaxation, check_sequences

UNLIKELY = 1e-6
"""Probability with which the test of uniformity refuses a space that is uniform (ours)."""

_ROWS_A_BUCKET = 20  # draws expected in each bucket of the chi-squared test (ours)
_REDRAW = 0.5
_ROWS_OF_A_PART = 200  # the restricted space holds half of them, and is tried on them


def check_space(space: SearchSpace, *, rng: np.random.Generator, samples: int = 1000) -> None:
    """Checks every rule of `SearchSpace`, and those of `RelaxableSpace` where the space has a `relaxation`.

    What concerns the whole space is checked on all of it at once, so that hundreds of thousands of architectures take
    seconds; the rest on `samples` architectures. A space of more than 2^24 cannot be listed: it has to say so, and what
    concerns the whole of it is left out.

    Args:
        space: the space; its own restriction is checked too.
        rng: the only source of randomness.
        samples: architectures drawn, >= 1.

    Raises:
        ConformanceError: a rule is broken; names the rule, the architecture and the remedy.
    """
    check_numbers(space)
    listed = len(space) <= MOST
    if listed:
        check_members(space)
    else:
        check_refusals(space)
    genes = space.sample(samples, rng)
    _require_drawn(space, genes, samples)
    check_batches(space, genes, rng)
    if listed:
        check_sampling(space, genes, rng)
        check_keys(space, genes, rng)
        check_normal_form(space, genes, rng)
    check_variation(space, genes, rng)
    check_graphs(space, genes)
    check_sequences(space, genes)
    check_relaxation(space, genes)
    check_description(space, genes)
    check_restriction(space, genes, rng)


def check_numbers(space: SearchSpace) -> None:
    """Members of the protocol, genes and their choices, and the size."""
    require(isinstance(space, SearchSpace), "a space has every member of SearchSpace", _lacking(space), "add them")
    choices = space.num_choices
    good = isinstance(choices, tuple) and len(choices) == space.num_genes and all(1 <= c <= 127 for c in choices)
    require(good, "num_choices is a tuple, 1 to 127 for each of num_genes genes", choices, "genes are int8")
    require(len(space) > 0, "a space holds at least one architecture", len(space), "correct __len__")


def check_refusals(space: SearchSpace) -> None:
    """A space too large to be listed says so, instead of filling the memory."""
    none = np.empty(0, np.uint64)
    calls: dict[str, Callable[[], object]] = {
        "enumerate()": space.enumerate,
        "enumerated_keys()": space.enumerated_keys,
        "restricted_to()": lambda: space.restricted_to(none),
    }
    for name, call in calls.items():
        try:
            call()
        except ConfigurationError:
            continue
        rule = f"{name} of a space with more than {MOST:,} architectures raises ConfigurationError"
        require(False, rule, "an answer", "say which methods do without the whole space")


def check_members(space: SearchSpace) -> None:
    """What a space enumerates."""
    choices = space.num_choices
    genes, keys = space.enumerate(), space.enumerated_keys()
    require_array(genes, np.int8, (len(space), space.num_genes), "enumerate()")
    require_array(keys, np.uint64, (len(space),), "enumerated_keys()")
    for name, first, again in (
        ("enumerate()", genes, space.enumerate()),
        ("enumerated_keys()", keys, space.enumerated_keys()),
    ):
        require(first is again, f"{name} is the same object at every call", "another one", "keep it, cached_property")
        require(not first.flags.writeable, f"{name} is read-only", "a writeable array", "call setflags(write=False)")
    inside = ((genes >= 0) & (genes < np.asarray(choices))).all(axis=1)
    require_rows(inside, space, genes, "gene i takes 0 .. num_choices[i] - 1", "correct num_choices or enumerate()")
    _require_valid(space, genes, "enumerate()")
    computed = space.keys(genes)
    require_array(computed, np.uint64, (len(genes),), "keys()")
    require_rows(computed == keys, space, genes, "enumerated_keys() is keys(enumerate())", "compute it from them")
    distinct = np.isin(np.arange(len(keys)), np.unique(keys, return_index=True)[1])
    require_rows(distinct, space, genes, "enumerate() gives each architecture once (keys differ)", "drop repetitions")


def check_sampling(space: SearchSpace, genes: Genes, rng: np.random.Generator) -> None:
    """Draws: distinct, valid, of the size asked for, reproducible, uniform."""
    for count in (0, 1):
        _require_drawn(space, space.sample(count, rng), count)
    everything = _require_drawn(space, space.sample(len(space) + 1, rng), len(space))
    require(
        np.array_equal(np.sort(everything), np.sort(space.enumerated_keys())),
        "sample(n) gives all of S where n >= len(space)",
        "other architectures than enumerate() gives",
        "draw rows of enumerate() without replacement",
    )
    _require_reproducible(twice(lambda same: space.sample(len(genes), same), rng), "sample")
    _require_uniform(space, len(genes), rng)


def check_keys(space: SearchSpace, genes: Genes, rng: np.random.Generator) -> None:
    """Keys are a function of the row alone, and all keys belong to the space."""
    order = rng.permutation(len(genes))
    for name, keys_of in (("keys", space.keys), ("graph_keys", space.graph_keys)):
        keys = keys_of(genes)
        require_array(keys, np.uint64, (len(genes),), f"{name}()")
        for rows in (order, order[:1], np.repeat(order[:1], 2)):
            same = keys_of(genes[rows]) == keys[rows]
            rule = f"{name} of a row do not depend on the other rows or their order"
            require_rows(same, space, genes[rows], rule, f"compute {name} row by row")
    known = np.isin(space.keys(genes), space.enumerated_keys())
    require_rows(known, space, genes, "sample() draws what enumerate() gives", "draw rows of enumerate()")


def check_normal_form(space: SearchSpace, genes: Genes, rng: np.random.Generator) -> None:
    """`valid` holds for members of S alone; `normalise` is idempotent and leaves members as they are."""
    choices = np.asarray(space.num_choices)
    rows = rng.integers(choices, size=genes.shape).astype(np.int8)
    valid = space.valid(rows)
    require_array(valid, np.bool_, (len(rows),), "valid()")
    known = np.isin(space.keys(rows[valid]), space.enumerated_keys())
    require_rows(known, space, rows[valid], "valid rows are members of S", "correct valid() or enumerate()")
    for wrong in (-1, choices[0]):
        outside = np.array(genes)
        outside[:, 0] = wrong
        rule = "rows with a gene outside num_choices are not valid"
        require_rows(~space.valid(outside), space, outside, rule, "check the range in valid()")
    same = (space.normalise(genes) == genes).all(axis=1)
    require_rows(same, space, genes, "normalise() leaves valid rows as they are", "return such rows unchanged")
    once = space.normalise(rows)
    require_array(once, np.int8, rows.shape, "normalise()")
    idempotent = (space.normalise(once) == once).all(axis=1)
    require_rows(idempotent, space, once, "normalise() of a normal form is that form", "normalise to the end")


def check_variation(space: SearchSpace, genes: Genes, rng: np.random.Generator) -> None:
    """Children: valid, one a parent, reproducible; a low rate keeps the parent and a high one does not."""
    keys = space.keys(genes)
    others = genes[rng.permutation(len(genes))]
    tried = np.where(rng.random(genes.shape) < _REDRAW, rng.integers(space.num_choices, size=genes.shape), genes)
    mixed = np.where(rng.random(genes.shape) < _REDRAW, genes, others)
    for name, vary, plain in (
        ("mutate", lambda same: space.mutate(genes, same, rate=_REDRAW), tried.astype(np.int8)),
        ("crossover", lambda same: space.crossover(genes, others, same), mixed),
    ):
        children, again = twice(vary, rng)
        _require_reproducible((children, again), name)
        require_array(children, np.int8, genes.shape, f"{name}()")
        _require_valid(space, children, f"{name}()")
        reachable = space.normalise(plain)
        reachable = reachable[space.valid(reachable) & ~(reachable == genes).all(axis=1)]
        changed = (space.keys(children) != keys).any()
        require(
            bool(changed) or len(reachable) < len(genes) / 10,
            f"{name}() changes architectures",
            f"{len(genes)} children that are their parents",
            "use the generator and the rate, and try again where a child is not valid",
        )
    kept = space.keys(space.mutate(genes, rng, rate=1e-6)) == keys
    rule = "mutate() at a rate near 0 returns the parents, child i of parent i"
    require(kept.mean() > 0.99, rule, f"{kept.mean():.0%} kept", "redraw each gene with probability `rate`")
    cloned = space.keys(space.crossover(genes, genes, rng)) == keys
    require_rows(cloned, space, genes, "crossover() of twins is the twin", "take each gene from either parent")


def check_batches(space: SearchSpace, genes: Genes, rng: np.random.Generator) -> None:
    """Methods take a batch of none and leave their arguments as they are."""
    calls: dict[str, Callable[[Genes], Any]] = {
        "keys": space.keys,
        "graph_keys": space.graph_keys,
        "valid": space.valid,
        "normalise": space.normalise,
        "graphs": space.graphs,
        "sequences": space.sequences,
        "mutate": lambda rows: space.mutate(rows, rng, rate=_REDRAW),
        "crossover": lambda rows: space.crossover(rows, rows, rng),
    }
    for name, call in calls.items():
        given = np.array(genes)
        call(given)
        unchanged = (given == genes).all(axis=1)
        require_rows(unchanged, space, genes, f"{name}() leaves its argument as it is", "work on a copy")
        rule, nothing = f"{name}() of no rows is empty", np.empty((0, space.num_genes), np.int8)
        count = len(attempt(rule, "allow batches of none", call, nothing))
        require(count == 0, rule, f"{count} rows", "allow batches of none")


def check_restriction(space: SearchSpace, genes: Genes, rng: np.random.Generator) -> None:
    """A part of the space is closed under drawing and variation."""
    genes = genes[:_ROWS_OF_A_PART]
    keys = space.keys(genes)
    inside, outside = genes[: (len(genes) + 1) // 2], genes[(len(genes) + 1) // 2 :]
    part = part_of(space, inside, keys[: len(inside)])
    rule = "restricted_to(keys) holds the architectures with these keys"
    same = len(part) == len(inside) and np.array_equal(np.sort(part.enumerated_keys()), np.sort(keys[: len(inside)]))
    require(same, rule, f"{len(part)} for {len(inside)} keys", "return RestrictedSpace(self, keys)")
    require(part.name == space.name, "a restricted space keeps the name of its base", part.name, "return that name")
    check_members(part)
    require_rows(~part.valid(outside), space, outside, "valid() of a restricted space refuses the rest", "look at keys")
    for name, children in (
        ("sample", part.sample(len(inside), rng)),
        ("mutate", part.mutate(inside, rng, rate=_REDRAW)),
        ("crossover", part.crossover(inside, inside[::-1], rng)),
    ):
        _require_valid(part, children, f"{name}() of a restricted space")


def _lacking(space: object) -> str:
    members = [name for name in dir(SearchSpace) if not name.startswith("_")] + ["__len__"]
    return f"{type(space).__name__} without {', '.join(name for name in members if not hasattr(space, name))}"


def _require_drawn(space: SearchSpace, drawn: Any, count: int) -> Keys:
    """Requires a draw of this size, valid and distinct, and returns its keys."""
    require_array(drawn, np.int8, (min(count, len(space)), space.num_genes), f"sample({count})")
    _require_valid(space, drawn, "sample()")
    keys = space.keys(drawn)
    distinct, rule = len(np.unique(keys)), "sample() draws distinct architectures"
    require(distinct == len(drawn), rule, f"{distinct} of {len(drawn)}", "draw without replacement")
    return keys


def _require_valid(space: SearchSpace, genes: Any, what: str) -> None:
    good = space.valid(genes)
    require_array(good, np.bool_, (len(genes),), "valid()")
    require_rows(good, space, genes, f"{what} gives valid rows", "normalise them, or try again until they are")


def _require_reproducible(results: tuple[Genes, Genes], what: str) -> None:
    require(
        np.array_equal(*results),
        f"{what}() is a function of its arguments and the generator",
        "two results from one state",
        "draw every random number from the generator that is handed in",
    )


def _require_uniform(space: SearchSpace, count: int, rng: np.random.Generator) -> None:
    """Chi-squared over stretches of `enumerate()`, where what is alike stands together.

    Draws of k out of N without replacement vary less than independent ones, by (N - k) / (N - 1).
    """
    total = len(space)
    size = max(1, min(total // 4, 20))
    draws = -(-count // size)
    buckets = min(total, max(2, draws * size // _ROWS_A_BUCKET))
    if total == 1:
        return
    order = np.argsort(space.enumerated_keys())
    bucket_of_row = np.arange(total) * buckets // total
    found = np.concatenate([_positions(space, space.sample(size, rng), order) for _ in range(draws)])
    counts = np.bincount(bucket_of_row[found], minlength=buckets)
    expected = np.bincount(bucket_of_row, minlength=buckets) * (len(found) / total)
    statistic = float(((counts - expected) ** 2 / expected).sum()) * (total - 1) / max(total - size, 1)
    probability = float(chdtrc(buckets - 1, statistic))
    most = int(np.argmax(np.abs(counts - expected)))
    require(
        probability > UNLIKELY,
        "sample() is uniform over the distinct architectures",
        f"{counts[most]} draws where {expected[most]:.0f} were expected, around "
        f"{space.describe(space.enumerate()[int(np.argmax(bucket_of_row == most))])} (p = {probability:.1e})",
        "draw rows of enumerate(), not random genes: several rows may be one architecture",
    )


def _positions(space: SearchSpace, genes: Genes, order: Int64[np.ndarray, " s"]) -> Int64[np.ndarray, " n"]:
    """Rows of `enumerate()`."""
    keys = space.enumerated_keys()
    return np.asarray(order[np.searchsorted(keys, space.keys(genes), sorter=order)])
