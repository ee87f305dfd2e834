"""Periods: which there are, which are whole, what is compared with what, and how the cards say it."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armazem.contract.states import STATES
from armazem.serve.dashboard.cards import Card, Figure, sparkline
from armazem.serve.dashboard.choices import Choices, first_view
from armazem.serve.dashboard.choosers import match
from armazem.serve.dashboard.compare import Parts, Record, Values, compared, comparison
from armazem.serve.dashboard.formats import Format
from armazem.serve.dashboard.maps import frame, map_of
from armazem.serve.dashboard.options import dashed
from armazem.serve.dashboard.periods import (
    GRAINS,
    Span,
    end_of,
    is_partial,
    months_later,
    on_axis,
    start_of,
    starts,
    whole,
)
from armazem.serve.dashboard.theme import LIGHT
from armazem.serve.dashboard.view import View
from armazem.shop.history.places import STATES as KNOWN
from armazem.targets.rows import Rows

TODAY = date(2026, 11, 29)
DAYS = st.dates(date(2016, 1, 1), date(2027, 6, 1))
DATA = Span(date(2025, 1, 15), date(2026, 11, 28), TODAY)


def _choices(span: Span, busy: Span | None = None) -> Choices:
    return Choices(span, busy or span, (), (), {})


@given(DAYS, DAYS, st.sampled_from(GRAINS))
def test_periods_follow_each_other(one: date, other: date, grain: str) -> None:
    first, last = sorted((one, other))
    found = starts(first, last, grain)

    assert found[0] <= first <= end_of(found[0], grain) and found[-1] <= last <= end_of(found[-1], grain)
    for start, after in itertools.pairwise(found):
        assert end_of(start, grain) + timedelta(days=1) == after
    assert all(start_of(start, grain) == start == start_of(end_of(start, grain), grain) for start in found)
    assert grain != "week" or all(start.weekday() == 0 for start in found)
    assert grain != "month" or [months_later(found[0], at) for at in range(len(found))] == found


@given(DAYS, DAYS, DAYS, st.sampled_from(GRAINS))
def test_whole_periods_hold_no_day_without_data_and_not_today(one: date, other: date, today: date, grain: str) -> None:
    span = Span(*sorted((one, other)), today)
    found = whole(span, grain)
    cut = [start for start in starts(span.first, span.last, grain) if not is_partial(View(data=span), start, grain)]

    kept = [start for start in cut if end_of(start, grain) < today]
    assert found == ((kept[0], end_of(kept[-1], grain)) if kept else None)


@given(DAYS, DAYS, DAYS, st.sampled_from(("", *GRAINS)))
def test_the_first_view_shows_no_cut_period_where_there_is_a_whole_one(
    one: date, other: date, today: date, grain: str
) -> None:
    span = Span(*sorted((one, other)), today)
    view = first_view(View(), _choices(span), grain=grain)

    assert view.start is not None and view.end is not None and view.data == span
    assert span.first <= view.start <= view.end <= span.last and (not grain or view.grain == grain)
    assert view.end - view.start <= timedelta(days=366) or whole(span, view.grain) is None
    if whole(span, view.grain):
        assert not any(is_partial(view, start, view.grain) for start in starts(view.start, view.end, view.grain))


@given(DAYS, DAYS, DAYS, st.sampled_from(("", *GRAINS)))
def test_the_first_view_is_compared_where_half_a_year_can_be(one: date, other: date, today: date, grain: str) -> None:
    span = Span(*sorted((one, other)), today)
    view = first_view(View(), _choices(span), grain=grain)
    there = whole(span, view.grain)

    if there and (there[1] - there[0]).days >= 2 * 184 + 31:
        assert view.days >= 181 and comparison(view).before is not None


def test_the_first_view_is_of_twelve_months_and_without_stragglers() -> None:
    long = Span(date(2024, 9, 15), DATA.last, TODAY)
    view = first_view(View(state="SP"), _choices(long))
    assert (view.start, view.end, view.grain, view.state) == (date(2025, 11, 1), date(2026, 10, 31), "month", "SP")
    view = first_view(View(), _choices(DATA))  # 21 whole months: ten, which have ten before
    assert (view.start, view.end, view.grain) == (date(2026, 1, 1), date(2026, 10, 31), "month")
    view = first_view(View(), _choices(Span(date(2025, 12, 5), DATA.last, TODAY)))  # ten: no half year with one before
    assert (view.start, view.end, view.grain) == (date(2026, 1, 1), date(2026, 10, 31), "month")
    olist = Span(date(2016, 9, 4), date(2018, 10, 17), TODAY)
    busy = Span(date(2017, 1, 1), date(2018, 8, 31), TODAY)
    view = first_view(View(), _choices(olist, busy))
    assert (view.start, view.end, view.data) == (date(2017, 11, 1), date(2018, 8, 31), olist)
    few = Span(date(2026, 11, 19), date(2026, 11, 28), TODAY)
    view = first_view(View(), _choices(few))
    assert (view.start, view.end, view.grain) == (few.first, few.last, "day")


ROWS = Rows(("period", "place", "units", "days"), ((date(2026, 1, 1), 1, 5, 2.5), (date(2026, 4, 1), 2, 7, 1.5)))


def test_each_period_has_a_row_for_each_key_and_says_whether_it_is_cut() -> None:
    view = View(start=date(2025, 12, 5), end=date(2026, 5, 31), data=Span(date(2025, 1, 1), date(2026, 5, 20)))
    found = on_axis(view, ROWS, {"units": 0, "days": None}, ("place",))

    assert found.columns == (*ROWS.columns, "partial")
    assert [row[:2] for row in found.rows] == [
        (month, place) for month in starts(date(2025, 12, 1), date(2026, 5, 1), "month") for place in (1, 2)
    ]
    assert sum(row[2] for row in found.rows) == 12
    assert all((row[2], row[3]) == (0, None) for row in found.rows if row[:4] not in ROWS.rows)
    assert [row[4] for row in found.rows] == [True, True, *[False] * 8, True, True]


def test_nothing_stays_nothing_and_a_lonely_order_of_long_ago_makes_no_endless_axis() -> None:
    view = View(grain="day", data=Span(date(1970, 1, 1), TODAY))
    assert not on_axis(view, Rows(("period",), ()), {}).rows
    assert len(on_axis(view, Rows(("period",), ((date(1970, 1, 1),), (TODAY,))), {}).rows) == 2


@pytest.mark.parametrize(
    ("start", "end", "before", "note"),
    [
        # Whole months, and as many days just before.
        (date(2026, 3, 1), date(2026, 3, 31), (date(2026, 1, 29), date(2026, 2, 28)), "vs. 31 days before"),
        # A month so far, also where the dates go on after the data.
        (date(2026, 11, 1), date(2026, 11, 28), (date(2026, 10, 1), date(2026, 10, 28)), "vs. same days of Oct 2026"),
        (date(2026, 11, 1), date(2026, 12, 31), (date(2026, 10, 1), date(2026, 10, 28)), "vs. same days of Oct 2026"),
        # The month before has fewer days.
        (date(2026, 3, 1), date(2026, 3, 30), (date(2026, 1, 30), date(2026, 2, 28)), "vs. 30 days before"),
        (date(2026, 11, 28), date(2026, 11, 28), (date(2026, 11, 27), date(2026, 11, 27)), "vs. 1 day before"),
        # What the data do not cover.
        (date(2025, 2, 1), date(2025, 2, 28), None, "no data for 4 Jan 2025 – 14 Jan 2025"),
        (date(2024, 1, 1), date(2025, 2, 28), None, "no data for 1 Dec 2024 – 14 Jan 2025"),
        (date(1999, 1, 1), date(1999, 12, 31), None, "no data for 1 Jan 1999 – 31 Dec 1999"),
        (None, date(2026, 1, 1), None, ""),
        (date(1900, 1, 1), date(2199, 12, 31), None, "no data for 4 Mar 2023 – 14 Jan 2025"),
    ],
)
def test_what_is_compared_has_the_same_length_and_is_covered(
    start: date | None, end: date, before: tuple[date, date] | None, note: str
) -> None:
    found = comparison(View(start, end, data=DATA))

    assert (found.before and (found.before.start, found.before.end), found.note) == (before, note)


def test_a_day_that_is_not_over_is_compared_with_nothing() -> None:
    span = Span(date(2026, 1, 1), TODAY, TODAY)
    assert comparison(View(TODAY, TODAY, data=span)).note == "today is not over"
    assert is_partial(View(data=span), TODAY, "day")


@given(DAYS, DAYS)
def test_all_comparisons_are_of_equal_lengths(one: date, other: date) -> None:
    view = View(*sorted((one, other)), data=DATA)
    before, now = comparison(view).before, view.as_covered()

    assert before is None or (now is not None and before.days == now.days)
    assert before is None or (before.start in DATA and before.end in DATA)


def _measured(record: Record) -> Values:
    return [record["money"], record["late"]]


def _card(now: Any, before: Any, form: Format = Format()) -> tuple[str, str]:  # noqa: B008 - frozen
    view = View(date(2026, 3, 1), date(2026, 3, 31), data=DATA, locale=form.locale)
    form = view.format
    parts = Parts(now, before, [{"period": date(2026, 3, 1), **now}])
    nothing = {"money": 0, "late": None}
    money, late = compared(view, parts, nothing, _measured, (form.money, form.percent))
    return Card("Money", "")._said(money, form), Card("Late", "", "bad")._said(late, form)


def test_shares_change_in_points_and_more_late_is_bad() -> None:
    now, before = {"money": Decimal(12), "late": Decimal("0.08")}, {"money": Decimal(10), "late": Decimal("0.05")}
    money, late = _card(now, before)
    assert '"good">▲ +20.0%' in money and '"bad">▲ +3.0 pp<' in late
    assert '"good">▼ −3.0 pp<' in _card(before, now)[1]
    assert "+3,0 p.p." in _card(now, before, Format("pt-BR"))[1]
    assert '"">= 0.0 pp<' in _card(now, now | {"late": Decimal("0.0799")})[1]
    money, late = _card(now, {"money": 0, "late": None})
    assert (money, late) == ("none 31 days before",) * 2


def test_a_line_has_gaps_and_dashes() -> None:
    lines = sparkline([1, 2, None, 3, 4], "#000", [False, False, False, False, True])
    assert lines.count("<polyline") == 2 and lines.count("dasharray") == 1
    assert sparkline([None, None], "#000") == "" and sparkline([1], "#000") == ""
    assert "dasharray" not in sparkline([1, 2], "#000")
    # Between whole and cut the line goes on.
    assert sparkline([1, 2, 3], "#000", [True, False, False]).count("60.0,15.0") == 2
    series = {"name": "Orders", "data": [1, 2, 3]}
    whole_line, rest = dashed(series, [False, False, True])
    assert (whole_line["data"], rest["data"]) == ([1, 2, None], [None, 2, 3])
    assert dashed(series, [False] * 3) == [series]
    assert Figure("1").cut == ()


def test_what_is_typed_finds_the_option() -> None:
    names = {code: state.name for code, state in STATES.items()}
    states = {code: code for code in STATES}
    assert [match(text, states, names) for text in ("sp", "SP ", "São Paulo", "bahia", "rio grande do s")] == [
        "SP", "SP", "SP", "BA", "RS",
    ]  # fmt: skip
    assert match("zz", states, names) is None and match("  ", states, names) is None
    assert match("bed bath", {"auto": "auto", "bed_bath_table": "bed_bath_table"}) == "bed_bath_table"
    # Ids differ by case.
    assert match("AbC1", {"aBc1": "aBc1 · Campinas, SP", "AbC1": "AbC1 · Santos, SP"}) == "AbC1"
    assert match("santos", {"aBc1": "aBc1 · Campinas, SP", "AbC1": "AbC1 · Santos, SP"}) == "AbC1"


COLUMNS = ("lng", "lat", "drawn_at", "revenue", "orders", "late", "delivered", "city", "state")


def test_a_map_says_what_it_is_drawn_from() -> None:
    def note(*rows: tuple[Any, ...]) -> str:
        return str(map_of("revenue")(View(), Rows(COLUMNS, rows), LIGHT)[1])

    square = (-46.5, -23.5, None, Decimal(9), 3, 1, 2, "santos", "SP")
    middle = (None, None, "BA", Decimal(5), 2, 0, 0, None, "BA")
    nowhere = (None, None, "unknown", Decimal(5), 4, 0, 0, None, None)
    assert note(square).endswith("Squares of half a degree.")
    assert note(square, middle).endswith(
        "half a degree. 2 orders without a point in the middle of their state (diamonds)."
    )
    assert note(middle, nowhere).endswith(
        "The data have no points: all in the middle of their state. 4 of no known place are not on it."
    )
    assert "4 of no known place" in note(nowhere)


def test_a_map_is_as_wide_as_high() -> None:
    for places in ([(-46.6, -23.5)], [(-53.0, -25.0), (-44.0, -20.0)], [(-74.0, -34.0), (-34.0, 5.0)]):
        axes = frame(places)
        wide, high = (axes[name]["max"] - axes[name]["min"] for name in ("xAxis", "yAxis"))
        assert wide == pytest.approx(high, abs=0.02) and wide >= 6
        assert all(axes["xAxis"]["min"] < lng < axes["xAxis"]["max"] for lng, _ in places)
        assert all(axes["yAxis"]["min"] < lat < axes["yAxis"]["max"] for _, lat in places)


def test_the_middles_lie_where_the_cities_are() -> None:
    assert {state.code for state in KNOWN} == set(STATES) and len(STATES) == 27
    for state in KNOWN:
        middle = STATES[state.code]
        away = min(abs(city.lat - middle.latitude) + abs(city.lng - middle.longitude) for city in state.cities)
        assert away < 9, (state.code, away)
