"""The two pictures of the README as SVG, each for a light and a dark page: GitHub picks by the reader's theme."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

PALETTES = {
    "light": {
        "text": "#1f2328",
        "muted": "#59636e",
        "card": "#f6f8fa",
        "line": "#8c959f",
        "area": "#ddf4ff",
        "accent": "#0969da",
        "good": "#1a7f37",
        "goodcard": "#dafbe1",
    },
    "dark": {
        "text": "#f0f6fc",
        "muted": "#9198a1",
        "card": "#151b23",
        "line": "#6e7681",
        "area": "#0c2d6b55",
        "accent": "#4493f8",
        "good": "#3fb950",
        "goodcard": "#12261e",
    },
}
_FONT = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"


def _svg(width: int, height: int, label: str, mode: str, body: Sequence[str]) -> str:
    colours = PALETTES[mode]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-label="{label}" font-family="{_FONT}">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            f'orient="auto"><path d="M0 0 8 4 0 8z" fill="{colours["line"]}"/></marker></defs>',
            *body,
            "</svg>",
            "",
        ]
    )


def _text(
    x: float, y: float, text: str, colour: str, size: int = 12, anchor: str = "middle", bold: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{weight}>{text}</text>'


def overview(mode: str) -> str:
    """Files to readers, in one picture."""
    colours = PALETTES[mode]
    body: list[str] = []

    def box(x: int, y: int, w: int, h: int, title: str, *notes: str, good: bool = False) -> None:
        fill = colours["goodcard" if good else "card"]
        body.append(
            f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="8" fill="{fill}" '
            f'stroke="{colours["good" if good else "line"]}" stroke-width="1.3"/>'
        )
        top = y + h / 2 - 8 * len(notes) + 5
        body.append(_text(x + w / 2, top, title, colours["text"], 15, bold=True))
        for number, note in enumerate(notes, start=1):
            body.append(_text(x + w / 2, top + 17 * number, note, colours["muted"]))

    def arrow(path: str) -> None:
        body.append(
            f'<path d="{path}" fill="none" stroke="{colours["line"]}" stroke-width="1.6" marker-end="url(#tip)"/>'
        )

    body.append(
        f'<rect x="372" y="20" width="354" height="258" rx="12" fill="{colours["area"]}" stroke="{colours["accent"]}" '
        'stroke-opacity=".45"/>'
    )
    box(8, 50, 142, 78, "Batch files", "nine CSV files:", "folder, zip, extract")
    box(8, 180, 142, 78, "Shop events", "HTTP, Pub/Sub")
    arrow("M150 89H196")
    arrow("M150 219H196")
    body.append(_text(173, 80, "load", colours["muted"]))
    box(198, 50, 142, 78, "Landing", "typed Parquet,", "rejects kept aside")
    box(198, 180, 142, 78, "Journal", "one line per event,", "dead letters kept aside")
    arrow("M340 89H398")
    arrow("M340 219H366V108H398")
    body.append(_text(356, 80, "build", colours["muted"]))
    body.append(_text(549, 41, "dbt, on a copy of the published version", colours["accent"], 12, bold=True))
    for x, name, note in ((400, "staging", "clean"), (508, "marts", "model"), (616, "kpis", "measure")):
        box(x, 58, 88, 62, name, note)
    arrow("M488 89H506")
    arrow("M596 89H614")
    arrow("M660 120V178")
    box(400, 180, 304, 74, "Audit", "every rule of every model, as dbt tests:", "one that fails stops the publication")
    arrow("M704 217H764")
    body.append(_text(745, 209, "pass", colours["good"], bold=True))
    box(766, 180, 118, 74, "Published", "one rename", good=True)
    arrow("M884 217H939V122")
    arrow("M819 180V122")
    box(766, 50, 106, 70, "Dashboard", "HTTP API")
    box(886, 50, 106, 70, "Readers", "kpi, sql,", "CSV, JSON")
    return _svg(1000, 298, "From batch files to published KPIs", mode, body)


def growth(months: Sequence[tuple[str, Decimal, int]], orders: int, mode: str) -> str:
    """Revenue per month as bars. `months`: month, revenue, new customers."""
    colours = PALETTES[mode]
    left, top, width, height = 60, 40, 920, 190
    step = _step(max(float(revenue) for _, revenue, _ in months))
    highest = step * (int(max(revenue for _, revenue, _ in months) / step) + 1)
    title = f"Revenue per month, thousand BRL: kpis.agg_monthly_growth on {orders:,} generated orders"
    body = [_text(left, 22, title, colours["text"], 14, "start", bold=True)]
    for tick in range(0, highest + 1, step):
        y = top + height * (1 - tick / highest)
        body.append(f'<path d="M{left} {y:.1f}H{left + width}" stroke="{colours["line"]}" stroke-opacity=".35"/>')
        body.append(_text(left - 8, y + 4, f"{tick // 1000:,}", colours["muted"], 12, "end"))
    slot = width / len(months)
    for number, (month, revenue, _) in enumerate(months):
        x, tall = left + number * slot, height * float(revenue) / highest
        body.append(
            f'<rect x="{x + slot * 0.15:.1f}" y="{top + height - tall:.1f}" width="{slot * 0.7:.1f}" '
            f'height="{tall:.1f}" rx="2" fill="{colours["accent"]}"/>'
        )
        if number % 3 == 0:
            body.append(_text(x + slot / 2, top + height + 18, month, colours["muted"]))
    return _svg(1000, 256, title, mode, body)


def _step(highest: float) -> int:
    """A round distance between grid lines, so that there are at most five."""
    return next(
        int(step)
        for step in (base * 10.0**power for power in range(3, 12) for base in (1, 2, 5))
        if step * 5 >= highest
    )
