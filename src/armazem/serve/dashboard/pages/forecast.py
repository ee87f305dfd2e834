"""Forecast: open orders by their risk, how well that was predicted before, and the days to come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import ui

from armazem.build.descriptions import meaning
from armazem.serve.dashboard.cards import Card, CardsPanel, Figure
from armazem.serve.dashboard.components import Ask, ChartPanel
from armazem.serve.dashboard.formats import NOTHING
from armazem.serve.dashboard.frame import Frame
from armazem.serve.dashboard.grids import GridPanel
from armazem.serve.dashboard.options import records
from armazem.serve.dashboard.pages import forecast_days, forecast_kept, forecast_worklist
from armazem.serve.dashboard.pages.forecast_chart import picture
from armazem.serve.dashboard.pages.forecast_order import OrderWindow
from armazem.serve.dashboard.pages.forecast_worklist import WorklistPanel
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

MISSING = (
    "What is published has no {what} yet: it was built without.\n"
    "Build it anew:  armazem build\n"
    "This page fills by itself as soon as that build is published."
)
_FILTERED = "The dates of the bar do not count here: it is what comes after the newest day of the data."


def order_cards() -> tuple[Card, ...]:
    at = "At the end of the newest day of the data, whatever the dates of the bar. From features.feat_order_delivery."
    return (
        Card("Open orders", f"Orders neither delivered nor canceled nor unavailable. {at}", "neither"),
        Card("Overdue", f"Open orders whose promised day has passed. {at}", "bad"),
        Card(
            "Late to come",
            f"How many of the open orders that are not overdue will be late: the sum of their probabilities. {at}",
            "bad",
        ),
    )


def order_figures(view: View, ask: Ask) -> Sequence[Figure]:
    form = view.format
    [found] = records(ask(forecast_worklist.counted(view)))
    count, overdue, waiting = found["open"], found["overdue"], found["open"] - found["overdue"]
    return [
        Figure(form.number(count), note="on their way"),
        Figure(
            form.number(overdue),
            note=f"the longest for {form.number(found['longest'])} days" if overdue else "",
        ),
        Figure(
            NOTHING if found["late"] is None and waiting else form.number(found["late"] or 0),
            note=f"of {form.number(waiting)} that are not overdue",
        ),
    ]


def day_cards() -> tuple[Card, ...]:
    of = "Of the 14 days after the last complete day. From features.feat_forecast."
    return (
        Card("Revenue to come", f"{meaning('feat_forecast.revenue_forecast')} {of}", "neither"),
        Card("Units to come", f"{meaning('feat_forecast.units_forecast')} {of}", "neither"),
    )


def day_figures(view: View, ask: Ask) -> Sequence[Figure]:
    form = view.format
    found = [row for row in records(ask(forecast_days.course(view))) if row["is_forecast"]]
    if not found:
        return [Figure(NOTHING, note="none for these filters")] * 2
    note = form.dates(found[0]["day"], found[-1]["day"])
    revenue, units = (sum(row[name] for row in found) for name in forecast_days.MEASURES)
    return [Figure(form.compact_money(revenue), note=note), Figure(form.compact(round(units)), note=note)]


def make(frame: Frame) -> None:
    predicted, forecast = (table.TABLE in frame.features for table in (forecast_worklist, forecast_days))
    for there, what in ((predicted, "predictions of deliveries"), (forecast, "forecast of the next days")):
        if not there:
            ui.label(MISSING.format(what=what)).classes("notice plain").props("role=status")
    frame.panels.append(OrderWindow(frame))
    if predicted:
        frame.panels.append(CardsPanel(order_cards(), order_figures))
        frame.panels.append(WorklistPanel(frame))
    if forecast:
        _add_days(frame)
    if predicted:
        _add_kept(frame)


def _add_days(frame: Frame) -> None:
    add, days = frame.panels.append, forecast_days
    add(CardsPanel(day_cards(), day_figures))
    whole = f"{meaning(days.TABLE)} {_FILTERED}"
    for name, measure in (("Revenue of the next 14 days", "revenue"), ("Units of the next 14 days", "units")):
        add(
            ChartPanel(
                name, f"{meaning(f'{days.TABLE}.{measure}_forecast')} {_FILTERED}", days.course, picture(measure),
                classes="w6", empty=days.NONE,
            )
        )  # fmt: skip
    add(
        GridPanel(
            "The next 14 days", whole, days.days, days.day_columns(), order=lambda view: Query("forecast_date"),
            height=360, empty=days.NONE,
        )
    )  # fmt: skip

    def by(name: str) -> Any:
        def pick(row: dict[str, Any]) -> Any:
            value = days.filter_of(row["name"])
            return frame.show(**{name: value}) if value else None

        return pick

    for name, query in (("state", days.by_state), ("category", days.by_category)):
        add(
            GridPanel(
                f"The next 14 days by {name}", f"{whole} Of the whole shop, whatever is in the bar.", query,
                days.sum_columns(name.capitalize()), order=lambda view: Query("revenue desc, name"), classes="w6",
                height=360, empty=days.NONE, on_row=by(name),
                note=_pick_one(name),
            )
        )  # fmt: skip


def _pick_one(name: str) -> Callable[[View, Rows], str]:
    return lambda view, rows: f"Of the whole shop. Click a {name} for its days."


def _add_kept(frame: Frame) -> None:
    add, kept = frame.panels.append, forecast_kept
    for stage, when in kept.STAGES.items():
        add(
            ChartPanel(
                f"Said and happened, {when}",
                f"{meaning('feat_order_delivery.late_permille')} Ten parts of equal size. {kept.COUNTED}",
                kept.calibration(stage), kept.tenths, classes="w6", empty=kept.NONE, name=f"calibration-{stage}",
            )
        )  # fmt: skip
    add(
        ChartPanel(
            "Late, said and happened", f"Share of the orders. {kept.COUNTED} Said: when bought.", kept.kept,
            kept.late_by_period, classes="w6", empty=kept.NONE,
        )
    )  # fmt: skip
    add(
        ChartPanel(
            "Days promised, expected, taken", f"{kept.COUNTED} Expected when bought, with the upper end of its band.",
            kept.kept, kept.days_by_period, classes="w6", empty=kept.NONE, name="days-promised-expected-taken",
        )
    )  # fmt: skip
    add(
        GridPanel(
            "Promise and prediction", f"{kept.COUNTED} The prediction is the one when bought.", kept.table,
            kept.kept_columns(), order=lambda view: Query("period desc"), height=360, empty=kept.NONE,
            note=lambda view, rows: f"By the {view.grain} of the purchase, newest first.",
        )
    )  # fmt: skip
