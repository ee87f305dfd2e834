"""What was measured of predictions, as tables for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from armazem.features.delivery.evaluation import Evaluation, Line
from armazem.features.delivery.scores import Scores
from armazem.targets.rows import Rows

LABELS: Mapping[str, str] = {
    "promise": "the promise alone",
    "promise_less_surplus": "promise less its surplus",
    "base_rate": "base rate, walked",
    "sql": "SQL",
    "lightgbm": "LightGBM",
}
"""Ways to predict, as people read them."""

_NAMES = tuple(one.name for one in fields(Scores))


def every_score(found: Evaluation) -> Rows:
    """Return all that was measured, a row for each line; `month` is null for all months together."""
    return Rows(
        ("stage", "month", "prediction", *_NAMES),
        tuple(
            (line.stage, line.month, line.predictor, *(getattr(line.scores, name) for name in _NAMES))
            for line in found.lines
        ),
    )


def overall(found: Evaluation) -> Rows:
    """Return a row for each way to predict at each stage, over all months, as texts for people."""
    columns = (
        "stage", "prediction", "AUC [95 %]", "AUC in month", "top 10 %", "Brier", "cal. error", "MAE d", "RMSE d",
        "in band",
    )  # fmt: skip
    return Rows(columns, tuple(_overall(line) for line in found.lines if line.month is None))


def by_month(found: Evaluation) -> Rows:
    """Return a row for each month, stage and way to predict, as texts for people."""
    columns = ("stage", "month", "orders", "late", "prediction", "AUC", "Brier", "MAE d", "in band")
    return Rows(columns, tuple(_of_month(line) for line in found.lines if line.month is not None and _says_much(line)))


def markdown(rows: Rows) -> str:
    """Return the rows as a table in Markdown, numbers to the right."""
    return "\n".join(_markdown(rows)) + "\n"


def _overall(line: Line) -> tuple[str, ...]:
    of = line.scores
    interval = f" [{of.auc_low:.3f}, {of.auc_high:.3f}]" if of.auc_low is not None else ""
    return (
        line.stage,
        LABELS[line.predictor],
        _text(of.auc, 3) + interval,
        _text(of.auc_of_months, 3),
        _percent(of.precision_top),
        _text(of.brier, 4),
        _text(of.calibration_error, 3),
        _text(of.mae_days, 2),
        _text(of.rmse_days, 2),
        _percent(of.coverage),
    )


def _of_month(line: Line) -> tuple[Any, ...]:
    of = line.scores
    return (
        line.stage,
        line.month,
        f"{of.orders:,}",
        _percent(of.late_share),
        LABELS[line.predictor],
        _text(of.auc, 3),
        _text(of.brier, 4),
        _text(of.mae_days, 2),
        _percent(of.coverage),
    )


def _says_much(line: Line) -> bool:
    return line.predictor in ("base_rate", "sql", "lightgbm")


def _text(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}".replace("%", " %")


def _markdown(rows: Rows) -> Iterator[str]:
    yield f"| {' | '.join(rows.columns)} |"
    yield "|" + "|".join("---" if name in ("stage", "month", "prediction") else "---:" for name in rows.columns) + "|"
    for row in rows.rows:
        yield f"| {' | '.join(map(str, row))} |"
