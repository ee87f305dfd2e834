"""The filters in the URL: they come back as they went, and whatever somebody types there is taken or explained."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from armazem.serve.dashboard.periods import GRAINS, Span
from armazem.serve.dashboard.view import EARLIEST, LATEST, PARAMETERS, REASONS, View, parse_view

DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))
TEXTS = st.text(max_size=60).map(str.strip)
VIEWS = st.builds(
    lambda days, **rest: View(days[0], days[1], dark=rest["theme"] == "dark", **rest),
    st.tuples(DAYS | st.none(), DAYS | st.none()).map(
        lambda days: tuple(sorted(days)) if days[0] and days[1] else days  # type: ignore[type-var]
    ),
    grain=st.sampled_from(GRAINS),
    state=TEXTS.map(str.upper).map(str.upper).map(str.strip),
    category=TEXTS,
    seller=TEXTS.map(str.lower).map(str.strip),
    reason=st.sampled_from(("", *REASONS)),
    order=TEXTS.map(str.lower).map(str.strip),
    locale=st.sampled_from(("en", "pt-BR")),
    theme=st.sampled_from(("", "light", "dark")),
)


@given(VIEWS)
def test_an_address_restores_the_view(view: View) -> None:
    query = urlsplit(view.url("/products")).query
    found, problems = parse_view(dict(parse_qsl(query)))
    # Letters that are no single one in the other case do not come back alike; no state or seller has them.
    if view.state.upper() == view.state and all(text.lower() == text for text in (view.seller, view.order)):
        assert found == view and not problems


@given(
    st.dictionaries(
        st.sampled_from((*PARAMETERS, "x")),
        st.text(max_size=300),
    )
)
def test_anything_may_stand_there(given_: dict[str, str]) -> None:
    view, problems = parse_view(given_)
    assert view.grain in GRAINS and view.locale in ("en", "pt-BR") and view.reason in ("", *REASONS)
    assert all(isinstance(problem, str) and len(problem) < 300 for problem in problems)
    assert not (view.start and view.end) or view.start <= view.end
    assert max(map(len, (view.state, view.category, view.seller))) <= 600
    # What was taken is a view like any other.
    assert view.url("/").startswith("/")


def test_the_period_before_has_the_same_length_and_ends_the_day_before() -> None:
    view = View(date(2018, 3, 1), date(2018, 3, 31), state="SP")
    before = view.before()
    assert before == View(date(2018, 1, 29), date(2018, 2, 28), state="SP")
    assert before is not None and before.days == view.days == 31
    assert View(end=date(2018, 3, 31)).before() is None


def test_dates_the_wrong_way_round_are_swapped_and_said() -> None:
    view, problems = parse_view({"from": "2018-05-01", "to": "2018-01-01"})
    assert (view.start, view.end) == (date(2018, 1, 1), date(2018, 5, 1))
    assert len(problems) == 1 and "wrong way round" in problems[0]


def test_dates_that_nobody_can_reckon_with_are_clamped_and_said() -> None:
    view, problems = parse_view({"from": "0001-01-01", "to": "9999-12-31", "sate": "SP"})
    assert (view.start, view.end) == (EARLIEST, LATEST)
    assert len(problems) == 3 and all("taken as" in problem for problem in problems[1:]) and "sate" in problems[0]
    before = view.before()
    assert before is not None and before.days == view.days


def test_sellers_are_told_apart_as_their_ids_are() -> None:
    def seller(text: str) -> str:
        return parse_view({"seller": text})[0].seller

    assert seller(" AbC1 ") == "AbC1" and seller("SP-1-23") == "SP-1-23"
    assert seller("0A7E6F70-1C1B-4C5E-9B52-3F0C9E3B1D11") == "0a7e6f701c1b4c5e9b523f0c9e3b1d11"


def test_a_view_is_as_long_as_its_data() -> None:
    data = Span(date(2018, 1, 10), date(2018, 8, 20))
    covered = View(date(2018, 1, 1), date(2018, 12, 31), data=data).as_covered()
    assert covered is not None and (covered.start, covered.end) == (data.first, data.last)
    assert View(date(2017, 1, 1), date(2017, 12, 31), data=data).as_covered() is None
    assert View(date(2018, 9, 1), data=data).as_covered() is None
    assert View(data=data).as_covered() == View(data=data)


def test_what_one_page_has_is_in_no_link_to_another() -> None:
    view = View(state="SP", reason="seller", order="o1")
    assert view.url("/forecast") == "/forecast?state=SP&reason=seller&order=o1"
    assert view.for_pages().url("/") == "/?state=SP"
    assert view.changed(view.with_(order="")) == {"order"}
    _, problems = parse_view({"reason": "weather"})
    assert len(problems) == 1 and "overdue" in problems[0]
