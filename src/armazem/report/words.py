"""A report in words: its sections as tables of texts, the same for a terminal and for a mail. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from armazem.kpis.locales import NOTHING, Format, Number
from armazem.report.daily import Report
from armazem.report.figures import Beside, Measure, Unit
from armazem.report.standing import LastBuild
from armazem.report.tops import Top

Tone = Literal["", "good", "bad"]
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# A file name may hold an escape sequence of a terminal; HTML has no such characters either.
_STATES = {"failed": "failed, not published", "built": "passed, waits for `armazem publish`"}
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), "\ufffd")


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, of one line or more, its tone, and the length of a bar in its place, from 0 to 1, where it is one."""

    text: str
    tone: Tone = ""
    bar: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    right: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A table with what is said below it; without rows `empty` is said instead."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """All of a report. `lead`: what to know first; `alerts`: what needs somebody; `foot`: where it is from."""

    title: str
    lead: tuple[str, ...]
    alerts: tuple[str, ...]
    sections: tuple[Section, ...]
    foot: str


def page(report: Report, form: Format) -> Page:
    """Return the report in words, its numbers and dates as `form` writes them."""
    words = _Words(report, form)
    sections = (words.measures(), words.course(), *words.tops(), *words.standing())
    lead = (report.note, f"Beside it: {words.long(report.week_before)}, a week before, and "
            f"{words.long(report.year_before)}, 52 weeks before, which is the same weekday of a year ago.")  # fmt: skip
    foot = (
        f"Armazém, build {report.standing.published} of {report.place}, made {words.moment(report.made_at)}. "
        f"Days and times are of {report.time_zone}."
    )
    alerts = tuple(map(clean, words.alerts()))
    return Page(f"Shop report: {words.long(report.day)}", tuple(filter(None, lead)), alerts, sections, clean(foot))


def clean(text: str) -> str:
    """Return a text on one line, without characters that a terminal or a browser would act on."""
    return text.translate(_CONTROLS)


def value_in_words(value: Number | None, unit: Unit, form: Format) -> str:
    match unit:
        case "count":
            return form.number(value)
        case "money":
            return form.money(value)
        case "percent":
            return form.percent(None if value is None else Decimal(value) / 100)
        case "days":
            return form.number(value, 1)
        case "score":
            return form.number(value, 2)


class _Words:
    def __init__(self, report: Report, form: Format) -> None:
        self._report = report
        self._form = form
        self._zone = ZoneInfo(report.time_zone)

    def long(self, day: date) -> str:
        return f"{_WEEKDAYS[day.weekday()]}, {self._form.date(day)}"

    def moment(self, moment: datetime) -> str:
        return self._form.datetime(moment.astimezone(self._zone))

    def _count(self, count: int, thing: str) -> str:
        return f"{self._form.number(count)} {thing}{'' if count == 1 else 's'}"

    def alerts(self) -> Iterable[str]:
        standing = self._report.standing
        last = standing.last_build
        if last and last.failed:
            yield f"The last build, {last.build_id}, was not published: readers keep {standing.published}."
        if standing.due:
            yield f"A build is due: {standing.due}. `armazem build` takes it in."
        if refused := sum(one.rows for one in standing.rejects):
            yield f"{self._count(refused, 'row')} refused at load: see below for the files with line and reason."
        if new := sum(count.new for count in standing.dead_letters):
            yield f"{self._count(new, 'message')} refused: `armazem dead-letters list` shows them."

    def measures(self) -> Section:
        titles = ("", "Day", "Week before", "Change", "%", "Year before", "Change", "%")
        rows = []
        for measure in self._report.measures:
            cells = [Cell(measure.title), Cell(value_in_words(measure.value, measure.unit, self._form))]
            for beside in (measure.week_before, measure.year_before):
                cells += self._beside(measure, beside)
            rows.append(tuple(cells))
        notes = tuple(f"{measure.title}: {measure.meaning}" for measure in self._report.measures)
        return Section("The day", _columns(titles), tuple(rows), notes)

    def _beside(self, measure: Measure, beside: Beside) -> Iterable[Cell]:
        form = self._form
        change = beside.change
        tone: Tone = ""
        if change and measure.better != "neither":
            tone = "good" if (change > 0) == (measure.better == "more") else "bad"
        yield Cell(value_in_words(beside.value, measure.unit, form))
        if change is None:
            yield from (Cell(NOTHING), Cell(NOTHING))
        elif measure.unit == "percent":
            yield from (Cell(form.points(Decimal(change) / 100), tone), Cell(NOTHING))
        else:
            sign = "+" if change > 0 else "−" if change < 0 else ""
            said = sign + value_in_words(Decimal(change).copy_abs(), measure.unit, form)
            relative = None if beside.change_pct is None else beside.change_pct / 100
            yield from (Cell(said, tone), Cell(form.change(relative), tone))

    def course(self) -> Section:
        days = self._report.course
        most = max((day.revenue for day in days if day.revenue is not None), default=Decimal(0))
        rows = tuple(
            (
                Cell(f"{_WEEKDAYS[day.day.weekday()][:3]}, {self._form.date(day.day)}"),
                Cell(self._form.money(day.revenue)),
                Cell("", bar=float(max(day.revenue or Decimal(0), Decimal(0)) / most) if most > 0 else 0.0),
            )
            for day in days
        )
        return Section(f"Revenue of {len(days)} days", (Column("Day"), Column("Revenue", right=True), Column("")), rows)

    def tops(self) -> Iterable[Section]:
        tops, empty = self._report.tops, "Nothing was sold on this day."
        titles = ("Revenue", "Share", "Orders", "Week before", "Year before")
        for title, first, found in (
            ("Top categories", ("Category",), tops.categories),
            ("Top sellers", ("Seller", "City/State"), tops.sellers),
            ("Top states", ("State",), tops.states),
        ):
            columns = _columns((*first, *titles), left=len(first))
            yield Section(title, columns, tuple(self._top(top, len(first)) for top in found), empty=empty)

    def _top(self, top: Top, names: int) -> tuple[Cell, ...]:
        form = self._form
        share = None if top.share_pct is None else top.share_pct / 100
        figures = (form.money(top.revenue), form.percent(share), form.number(top.orders),
                   form.money(top.week_before), form.money(top.year_before))  # fmt: skip
        return _cells((top.name, top.place)[:names]) + _cells(figures)

    def standing(self) -> Iterable[Section]:
        standing, number = self._report.standing, self._form.number
        since = f"since {self.moment(standing.since)}"
        if last := standing.last_build:
            rows = tuple(_cells((name, text)) for name, text in self._build(last) if text)
            yield Section("Last build", _columns(("", ""), left=2), rows)
        yield Section(
            "Warnings of its tests" if last and last.current else f"Warnings of the tests of {standing.published}",
            _columns(("Test", "Rows per check", "What is known of it", "Rows", "Build before"), left=3),
            tuple(
                (Cell(one.test), _lines(one.checks.split(", ")), _lines(one.remarks),
                 *_cells((number(one.rows), number(one.rows_before))))
                for one in standing.warnings
            ),
            ("Rows that only warn are published. A rise is worth a look; the query of the rows of the first: "
             f"{standing.warnings[0].look}",) if standing.warnings else (),
            "No test warned.",
        )  # fmt: skip
        yield Section(
            f"Loads {since}",
            _columns(("Loaded", "Table", "File", "Built", "Read", "Accepted", "Rejected"), left=4),
            tuple(
                _cells((self.moment(one.loaded_at), one.table, one.path, "yes" if one.built else "no",
                        number(one.rows_read), number(one.rows_accepted), number(one.rows_rejected)))
                for one in standing.loads
            ),
            empty=f"Nothing was loaded {since}.",
        )  # fmt: skip
        yield Section(
            f"Rejected rows {since}",
            _columns(("Table", "File", "Reason", "Rows", "Where each is, with line and reason"), left=3, after=1),
            tuple(
                _cells((one.table, one.file, _reason(one.code, landed=one.landed), number(one.rows), one.path))
                for one in standing.rejects
            ),
            empty=f"No row was rejected {since}.",
        )
        yield Section(
            "Dead letters",
            _columns(("Reason", "Newest", "Waiting", "New"), left=2),
            tuple(
                _cells((one.code, self.moment(one.newest), number(one.messages), number(one.new)))
                for one in standing.dead_letters
            ),
            (f"New: {since}. `armazem dead-letters show ID` has the bytes, `replay` takes them in after a repair.",)
            if standing.dead_letters
            else (),
            "No refused message waits.",
        )

    def _build(self, last: LastBuild) -> Iterable[tuple[str, str]]:
        number = self._form.number
        state = _STATES.get(last.status, last.status)
        yield "Build", f"{last.build_id}, {last.kind}: {state}"
        yield "Ended", f"{self.moment(last.finished_at)}, after {number(last.seconds, 1)} s"
        yield "Took in", f"{self._count(last.new_loads, 'new load')}, {self._count(last.new_events, 'new event')}"
        yield "Models", f"{number(last.models)}, {number(last.models_failed)} failed"
        counts = f"{number(last.tests_passed)} passed, {number(last.tests_warned)} warned"
        yield "Tests", f"{counts}, {number(last.tests_failed)} failed"
        yield "Failed", "; ".join(last.why)
        yield "Due", self._report.standing.due or "no build is due"


def _reason(code: str, *, landed: bool) -> str:
    said = code or "not known here: the rejects are where the load was made"
    return said if landed else f"{said} (the load is not in the warehouse)"


def _columns(titles: Sequence[str], *, left: int = 1, after: int = 0) -> tuple[Column, ...]:
    """The first `left` and the last `after` to the left, numbers to the right."""
    return tuple(Column(title, right=left <= at < len(titles) - after) for at, title in enumerate(titles))


def _lines(texts: Iterable[str]) -> Cell:
    return Cell("\n".join(map(clean, texts)))


def _cells(texts: Iterable[str]) -> tuple[Cell, ...]:
    return tuple(Cell(clean(text)) for text in texts)
