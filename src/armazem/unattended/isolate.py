"""Which loads a build takes in where one of them fails its audit: the others must not wait for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Attempt = Callable[[Sequence[str]], bool]
"""Builds with these new loads and no others; whether that was published."""


def isolate(loads: Sequence[str], attempt: Attempt) -> list[str]:
    """Publish as many of these loads as pass, oldest first, after a build with all of them has failed.

    Return those that do not, alone or after the others. Takes two builds for each halving of what fails: some 2·log₂(n)
    for one poisoned load among n.
    """
    held = _isolate(list(loads), attempt)
    # One that came before what it belongs to may fit by now; a wrong extract is harmless once a right one is newer.
    if 0 < len(held) < len(loads) and attempt(held):
        return []
    return held


def _isolate(failed: list[str], attempt: Attempt) -> list[str]:
    if len(failed) <= 1:
        return failed
    middle = len(failed) // 2
    held: list[str] = []
    for half in (failed[:middle], failed[middle:]):
        if not attempt(half):
            held += _isolate(half, attempt)
    return held
