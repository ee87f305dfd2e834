"""What was predicted of deliveries, and what came of them: calibration, and the promise of the shop beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from armazem.build.descriptions import meaning
from armazem.serve.dashboard.formats import Format
from armazem.serve.dashboard.grids import Column
from armazem.serve.dashboard.options import Options, axis, dashed, legend, point, records, values
from armazem.serve.dashboard.pages.forecast_worklist import TABLE
from armazem.serve.dashboard.periods import PARTIAL, named
from armazem.serve.dashboard.queries import Query, orders
from armazem.serve.dashboard.theme import Colors
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

STAGES = {"purchase": "when bought", "handover": "when the carrier has it"}
NONE = (
    "No order with a prediction whose promised day has passed was delivered that matches these filters.\n"
    "Widen the dates or take a filter away."
)
COUNTED = (
    "Of valid sales bought in the dates of the bar whose promised day has passed: those that are delivered. Of the "
    "newest orders the quick ones alone would be known."
)
_DAY = 86_400
_ENOUGH = 100  # orders in a tenth; below it chance moves its share by points

# A day that is promised has passed when the newest day of the data is over.
_JUDGED = (
    ", judged as (select period, placed, delivered, f.late_permille, f.expected_s, f.lower_s, f.upper_s, f.promised_s, "
    "f.was_late, order_id, date_diff('second', placed, delivered) as taken_s, "
    "cast(estimated as date) <= (select cast(max(order_purchase_timestamp) as date) from marts.fact_orders) as is_due "
    f"from orders join features.{TABLE} f using (order_id) where f.stage = ? and f.late_permille is not null), "
    "known as (select * from judged where is_due and delivered is not null)"
)


def _judged(view: View, select: str, stage: str = "purchase") -> Query:
    return orders(view, f"{_JUDGED} {select}", stage)


def calibration(stage: str) -> Callable[[View], Query]:
    """The deliveries in ten parts of equal size, by the probability that was said: what was said, what was late."""

    def query(view: View) -> Query:
        return _judged(
            view,
            ", tenths as (select *, ntile(10) over (order by late_permille, order_id) as tenth from known) "
            "select tenth, count(*) as orders, min(late_permille) / 1000.0 as lowest, "
            "max(late_permille) / 1000.0 as highest, avg(late_permille) / 1000.0 as said, "
            "count(*) filter (was_late) as late, avg(cast(was_late as integer)) as happened, "
            "(select count(*) from judged where is_due and delivered is null) as not_delivered "
            "from tenths group by tenth order by tenth",
            stage,
        )

    return query


def tenths(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """What was late as bars, what was said as points."""
    form, found = view.format, records(rows)

    def words(row: Any) -> str:
        return (
            f"Tenth {row['tenth']}: said {form.percent(row['lowest'])} to {form.percent(row['highest'])}\n"
            f"Said on average {form.percent(row['said'])}\nLate {form.percent(row['happened'])}, "
            f"{form.number(row['late'])} of {form.number(row['orders'])} orders"
        )

    def data(name: str) -> list[Options]:
        return [point(round(100 * float(row[name]), 2), words(row)) for row in found]

    options = {
        "legend": legend(shades),
        "grid": {"left": 8, "right": 12, "top": 34, "bottom": 26, "containLabel": True},
        "xAxis": axis(
            shades, type="category", data=[str(row["tenth"]) for row in found], splitLine={"show": False},
            name="Tenth of the orders, by the probability said", nameLocation="middle", nameGap=28,
        ),
        "yAxis": values(shades, "{value}%", min=0),
        "series": [
            {"name": "Late", "type": "bar", "barMaxWidth": 34, "data": data("happened"),
             "itemStyle": {"color": shades.first, "borderRadius": [3, 3, 0, 0]}},
            {"name": "Said", "type": "scatter", "symbol": "diamond", "symbolSize": 12, "data": data("said"),
             "itemStyle": {"color": shades.series[1], "borderColor": shades.text, "borderWidth": 1}},
        ],
    }  # fmt: skip
    return options, _calibrated(found, form)


def _calibrated(found: list[Any], form: Format) -> str:
    count, late = (sum(row[name] for row in found) for name in ("orders", "late"))
    said = sum(float(row["said"]) * row["orders"] for row in found) / count
    missing = found[0]["not_delivered"]
    return (
        f"{form.number(count)} delivered orders: said {form.percent(said)}, late {form.percent(late / count)}."
        + (f" {form.number(missing)} more are overdue and not delivered; they are not in it." if missing else "")
        + (" With so few orders chance moves each bar a lot." if count < 10 * _ENOUGH else "")
    )


def kept(view: View) -> Query:
    """Of each period of purchase: what was promised, what was expected, what came late; the stage is the purchase."""
    return _judged(
        view,
        "select period, count(*) filter (known) as orders, count(*) filter (known and was_late) as late, "
        "avg(cast(was_late as integer)) filter (known) as late_share, "
        "avg(late_permille) filter (known) / 1000.0 as said, "
        f"median(promised_s) filter (known) / {_DAY} as promised_days, "
        f"median(expected_s) filter (known) / {_DAY} as expected_days, "
        f"median(taken_s) filter (known) / {_DAY} as taken_days, "
        "avg(cast(taken_s < promised_s as integer)) filter (known) as promise_kept, "
        "avg(cast(taken_s <= upper_s as integer)) filter (known) as by_upper, "
        "avg(cast(taken_s between lower_s and upper_s as integer)) filter (known) as in_band, "
        f"median(upper_s) filter (known) / {_DAY} as upper_days, "
        f"count(*) filter (not known) as not_known, "
        f"bool_or(not is_due) as {PARTIAL} "
        "from (select *, is_due and delivered is not null as known from judged) "
        "group by period having count(*) filter (known) > 0 order by period",
    )


def late_by_period(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """The share that came late, and the probability that was said of the same orders."""
    form, found = view.format, records(rows)
    lines = {"late_share": "Late", "said": "Said"}

    def words(row: Any) -> str:
        return (
            f"{_named(view, row)}\nLate {form.percent(row['late_share'])}, said {form.percent(row['said'])}\n"
            f"{form.number(row['orders'])} delivered orders"
        )

    options = _lines(view, found, lines, shades, "{value}%", lambda value: round(100 * float(value), 2), words)
    return options, f"By the {view.grain} of the purchase.{_not_due(found)}"


def days_by_period(view: View, rows: Rows, shades: Colors) -> tuple[Options, str]:
    """The medians of what the shop promised, what was expected, and what it took."""
    form, found = view.format, records(rows)
    lines = {"promised_days": "Promised", "upper_days": "Band to", "expected_days": "Expected", "taken_days": "Took"}

    def words(row: Any) -> str:
        said = "\n".join(f"{name} {form.days(row[column])}" for column, name in lines.items())
        return f"{_named(view, row)}\n{said}\n{form.number(row['orders'])} delivered orders"

    options = _lines(view, found, lines, shades, "{value}", lambda value: round(float(value), 2), words)
    return options, f"Medians in days, by the {view.grain} of the purchase.{_not_due(found)}"


def _named(view: View, row: Any) -> str:
    return named(view, row["period"], view.grain, partial=False)


def _not_due(found: list[Any]) -> str:
    return " Dashed: not all promised days of that time have passed." if any(row[PARTIAL] for row in found) else ""


def _lines(
    view: View, found: list[Any], lines: dict[str, str], shades: Colors, label: str,
    write: Callable[[Any], float], words: Callable[[Any], str],
) -> Options:  # fmt: skip
    partial = [bool(row[PARTIAL]) for row in found]
    said = [words(row) for row in found]
    series: list[Options] = []
    for (column, name), color in zip(lines.items(), shades.series, strict=False):
        data = [
            None if row[column] is None else point(write(row[column]), text)
            for row, text in zip(found, said, strict=True)
        ]
        line = {"name": name, "type": "line", "symbolSize": 6, "itemStyle": {"color": color}, "data": data}
        series += dashed(line, partial)
    return {
        "legend": legend(shades, data=list(lines.values())),
        "xAxis": axis(
            shades, type="category", data=[view.format.period(row["period"], view.grain) for row in found],
            splitLine={"show": False},
        ),
        "yAxis": values(shades, label, min=0),
        "series": series,
    }  # fmt: skip


def table(view: View) -> Query:
    """The same, with what the table has."""
    query = kept(view)
    return Query(f"select {', '.join(column.name for column in kept_columns())} from ({query.sql})", query.parameters)


def kept_columns() -> tuple[Column, ...]:
    return (
        Column("period", "Period", "date", "First day of the period of the purchase.", 110),
        Column("orders", "Orders", "number", COUNTED),
        Column("late_share", "Late", "percent", meaning(f"{TABLE}.was_late")),
        Column("said", "Said", "percent", f"Mean of these orders. {meaning(f'{TABLE}.late_permille')}"),
        Column("promised_days", "Promised days", "days", f"Median. {meaning(f'{TABLE}.promised_s')}", 120),
        Column("expected_days", "Expected days", "days", f"Median. {meaning(f'{TABLE}.expected_s')}", 120),
        Column("taken_days", "Days taken", "days", "Median from purchase to customer.", 110),
        Column("promise_kept", "Promise kept", "percent", "Came by the end of the day promised.", 116),
        Column("by_upper", "By band's end", "percent", "Came by the upper end of the band: nine in ten should.", 116),
        Column("in_band", "In band", "percent", "Came within the band: eight in ten should."),
        Column("not_known", "Not counted", "number", "Not delivered, or the promised day is still to come.", 110),
    )  # fmt: skip
