"""Parts of ECharts options that charts have in common. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from armazem.serve.dashboard.formats import Format
from armazem.serve.dashboard.theme import Colors
from armazem.targets.rows import Rows

Options = dict[str, Any]
_FADED = {"opacity": 0.45, "borderType": "dashed", "borderWidth": 1, "borderColor": "#888"}
_MARKUP = str.maketrans("{}|", "()/")


def base_options(shades: Colors) -> Options:
    """What all charts have in common. Tooltips are drawn, not HTML: a name in the data can be no markup."""
    return {
        "color": list(shades.series),
        "textStyle": {"color": shades.text, "fontFamily": "inherit"},
        "animation": False,
        "grid": {"left": 8, "right": 12, "top": 30, "bottom": 4, "containLabel": True},
        "tooltip": tooltip(shades),
        "aria": {"enabled": True},
    }


def tooltip(shades: Colors, **more: Any) -> Options:
    return {
        "renderMode": "richText",
        "confine": True,
        "backgroundColor": shades.card,
        "borderColor": shades.line,
        "textStyle": {"color": shades.text, "fontSize": 13},
        **more,
    }


def axis(shades: Colors, **more: Any) -> Options:
    return {
        "axisLabel": {"color": shades.muted, "hideOverlap": True},
        "axisLine": {"lineStyle": {"color": shades.line}},
        "axisTick": {"show": False},
        "splitLine": {"lineStyle": {"color": shades.line}},
        "nameTextStyle": {"color": shades.muted},
        **more,
    }


def values(shades: Colors, template: str, **more: Any) -> Options:
    """An axis of numbers, which the template writes."""
    return axis(
        shades, type="value", axisLabel={"formatter": template, "color": shades.muted, "hideOverlap": True}, **more
    )


def beside(shades: Colors, text: str) -> Options:
    """The label at the end of a bar that lies."""
    return {"show": True, "position": "right", "color": shades.muted, "formatter": text}


def color_bar(shades: Colors, colors: Sequence[str], highest: float, text: str, **more: Any) -> Options:
    """What the colours say of a third dimension, from nothing to the highest, which the text writes."""
    return {
        "type": "continuous", "min": 0, "max": round(highest, 2), "dimension": 2, "orient": "horizontal",
        "left": "center", "bottom": 0, "itemHeight": 120, "calculable": False, "hoverLink": False,
        "inRange": {"color": list(colors)}, "textStyle": {"color": shades.muted}, "text": [text, "0"],
        "showLabel": False, **more,
    }  # fmt: skip


def legend(shades: Colors, **more: Any) -> Options:
    return {"textStyle": {"color": shades.text}, "top": 0, "right": 0, "icon": "roundRect", "itemHeight": 8, **more}


def plain(text: object) -> str:
    """Without curly brackets and bars, the markup of ECharts' templates and rich text."""
    return str(text).translate(_MARKUP)


def point(value: Any, said: str, **more: Any) -> Options:
    """A datum with the words of its tooltip."""
    return {"value": value, "tooltip": {"formatter": plain(said)}, **more}


def faded(datum: Options | None, *, partial: bool) -> Options | None:
    """A bar of a period of which only a part is known: lighter, in a dashed frame."""
    if datum is None or not partial:
        return datum
    return {**datum, "itemStyle": {**datum.get("itemStyle", {}), **_FADED}}


def dashed(series: Options, partial: Sequence[bool]) -> list[Options]:
    """A line in two: dashed is what leads to and from a period of which only a part is known."""
    if not any(partial):
        return [series]
    data = series["data"]
    near = [cut or any(partial[max(0, at - 1) : at + 2]) for at, cut in enumerate(partial)]
    whole = {**series, "data": [None if cut else datum for datum, cut in zip(data, partial, strict=True)]}
    rest = {**series, "data": [datum if cut else None for datum, cut in zip(data, near, strict=True)]}
    return [whole, {**rest, "lineStyle": {"type": "dashed", "opacity": 0.55}, "itemStyle": _FADED | _shade(series)}]


def _shade(series: Options) -> Options:
    return {"color": series["itemStyle"]["color"]} if "color" in series.get("itemStyle", {}) else {}


def scaled(values: Sequence[Any], form: Format, *, money: bool = False) -> tuple[list[float | None], str]:
    """Values in the unit that the largest is best written in, and the template of an axis label in it."""
    size, unit = form.unit(max((abs(value) for value in values if value is not None), default=0))
    numbers = [None if value is None else round(float(value) / size, 4) for value in values]
    return numbers, f"{'R$ ' if money else ''}{{value}}{unit}"


def records(rows: Rows) -> list[Mapping[str, Any]]:
    """Each row by the names of its columns."""
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.rows]
