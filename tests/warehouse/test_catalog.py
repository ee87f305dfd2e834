"""In which order models are published: a reader finds what a row refers to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from armazem.targets.catalog import _steps

NAMES = ("stg", "dim", "fact", "agg", "other")


def steps(made_of: dict[str, set[str]], **refers_to: set[str]) -> dict[str, int]:
    return _steps({name: made_of.get(name, set()) for name in NAMES}, refers_to)


def test_what_a_model_is_made_of_comes_first() -> None:
    found = steps({"agg": {"fact"}, "fact": {"stg"}, "dim": {"stg", "source"}})
    assert found == {"stg": 1, "other": 1, "dim": 2, "fact": 2, "agg": 3}


def test_a_fact_comes_after_its_dimensions() -> None:
    assert steps({"fact": {"stg"}, "dim": {"stg"}}, fact={"dim", "fact"})["fact"] == 3


def test_a_dimension_that_is_computed_of_its_fact_comes_before_it() -> None:
    found = steps({"fact": {"stg"}, "dim": {"fact"}, "agg": {"fact"}}, fact={"dim"})
    assert found["stg"] < found["dim"] < found["fact"] < found["agg"]


def test_two_that_refer_to_each_other_come_together() -> None:
    found = steps({}, fact={"dim"}, dim={"fact"})
    assert found["fact"] == found["dim"]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(lambda pair: pair[0] > pair[1])),
    st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES))),
)
def test_every_model_has_its_step(below: list[tuple[int, int]], refers_to: dict[str, set[str]]) -> None:
    made_of = {name: {NAMES[low] for high, low in below if NAMES[high] == name} for name in NAMES}
    found = steps(made_of, **refers_to)
    assert set(found) == set(NAMES)
    assert set(found.values()) == set(range(1, max(found.values()) + 1))
    if not any(refers_to.values()):
        assert all(found[other] < found[name] for name in NAMES for other in made_of[name])
