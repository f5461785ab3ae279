"""Mutated files: one seeded engine, and a table of the places where files from outside come in.

`python -m tests.fuzz ENTRY --cases N --seed S` (ENTRY or `all`) prints what became of N altered files of each entry and
exits with 1 if any of them was bad. A case is a function of entry, seed and number, so it can be looked at again:
`python -m tests.fuzz ENTRY --seed S --only NUMBER`.

    mutations.py   bytes, JSON and numbers altered at random
    engine.py      an entry, one case, and how its outcome is judged
    canary.py      what code in a hostile file would call
    entries.py     the table of entries; each of them is made in a module of its own
"""
