"""Colours and styles. The palette is Okabe and Ito's, which people with any colour vision tell apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colors:
    """Of charts: canvas cannot read the variables of the style sheet."""

    text: str
    muted: str
    line: str
    card: str
    first: str
    series: tuple[str, ...]
    scale: tuple[str, ...]
    """From little to much, for heat maps and maps."""
    alert: str
    faint: str
    button: str
    """White is read on it."""


LIGHT = Colors(
    text="#1c2530",
    muted="#5a6675",
    line="#e3e8ee",
    card="#ffffff",
    first="#0072B2",
    series=("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#7A6F00", "#444C56"),
    scale=("#e8f1f8", "#a9cfe6", "#5aa6cf", "#1d78b0", "#0b4a76"),
    alert="#B84600",
    faint="#d5dce4",
    button="#0b5c8c",
)
DARK = Colors(
    text="#e8edf3",
    muted="#a3afbd",
    line="#2b3542",
    card="#18202a",
    first="#56B4E9",
    series=("#56B4E9", "#E69F00", "#2BC296", "#F07F3C", "#DE9BC1", "#8FA3FF", "#F0E442", "#B7C1CC"),
    scale=("#1d2b3a", "#1f4e73", "#2877ad", "#56a9dd", "#b5ddf7"),
    alert="#F58A4B",
    faint="#334050",
    button="#1c6fa8",
)

CSS = """
:root {
  --bg: #f4f6f9; --card: #ffffff; --text: #1c2530; --muted: #5a6675; --line: #dfe5ec; --brand: #0b5c8c;
  --good: #00694d; --bad: #a83f00; --focus: #0072B2; --chip: #e9eff5;
}
body.body--dark {
  --bg: #10161d; --card: #18202a; --text: #e8edf3; --muted: #a3afbd; --line: #2b3542; --brand: #6cbdf0;
  --good: #3fd0a4; --bad: #f58a4b; --focus: #56B4E9; --chip: #243040;
}
body { background: var(--bg); color: var(--text);
  font-family: "Inter", "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; font-size: 15px; }
.nicegui-content { padding: 0; gap: 0; align-items: stretch; }
*:focus-visible { outline: 2px solid var(--focus) !important; outline-offset: 2px; }
a { color: inherit; }
.bar { position: sticky; top: 0; z-index: 20; background: var(--card); border-bottom: 1px solid var(--line); }
.top { display: flex; align-items: center; gap: 8px 20px; padding: 8px 24px; flex-wrap: wrap; }
.brand { font-weight: 700; font-size: 18px; letter-spacing: -.01em; text-decoration: none; color: var(--brand); }
.nav { display: flex; gap: 2px; flex: 1; overflow-x: auto; scrollbar-width: none; }
.nav a { padding: 8px 12px; border-radius: 8px; text-decoration: none; color: var(--muted); white-space: nowrap;
  font-weight: 500; }
.nav a:hover { background: var(--chip); color: var(--text); }
.nav a[aria-current=page] { color: var(--brand); background: var(--chip); font-weight: 600; }
.tools { display: flex; align-items: center; gap: 4px; }
.build { color: var(--muted); font-size: 13px; white-space: nowrap; min-width: 150px; text-align: right; }
.filters { display: flex; gap: 8px; padding: 0 24px 10px; flex-wrap: wrap; align-items: center; }
.filters .q-field { min-width: 128px; }
.filters .q-field--dense .q-field__control, .filters .q-field--dense .q-field__marginal { height: 36px;
  min-height: 36px; }
.filters .date { width: 172px; } .filters .state { width: 118px; min-width: 118px; }
.filters .category { width: 200px; } .filters .seller { width: 210px; }
.page { padding: 20px 24px 48px; display: grid; gap: 16px; grid-template-columns: repeat(12, minmax(0, 1fr));
  max-width: 1680px; width: 100%; margin: 0 auto; box-sizing: border-box; }
.page > * { grid-column: span 12; }
.page > .w3 { grid-column: span 3; } .page > .w4 { grid-column: span 4; } .page > .w5 { grid-column: span 5; }
.page > .w6 { grid-column: span 6; } .page > .w7 { grid-column: span 7; } .page > .w8 { grid-column: span 8; }
.cards { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px;
  display: flex; flex-direction: column; gap: 4px; min-width: 0; position: relative; }
.panel h2 { font-size: 15px; font-weight: 600; margin: 0; line-height: 1.3; }
.panel .head { display: flex; align-items: center; gap: 6px; min-height: 32px; }
.panel .head .spring { flex: 1; }
.panel .note { color: var(--muted); font-size: 13px; min-height: 18px; }
.help { color: var(--muted); cursor: help; font-size: 17px; border-radius: 50%; }
.panel .body { position: relative; width: 100%; }
.panel .empty { position: absolute; inset: 0; display: flex; align-items: center; justify-content: center;
  text-align: center; color: var(--muted); padding: 16px; background: var(--card); white-space: pre-line; z-index: 3; }
.card .name { color: var(--muted); font-size: 13px; font-weight: 500; display: flex; gap: 4px; align-items: center; }
.card .value { font-size: 27px; font-weight: 650; letter-spacing: -.02em; line-height: 1.25;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.card .change { font-size: 13px; color: var(--muted); min-height: 19px; font-variant-numeric: tabular-nums; }
.card .change .good { color: var(--good); font-weight: 600; }
.card .change .bad { color: var(--bad); font-weight: 600; }
.notice { border: 1px solid var(--bad); color: var(--text); background: var(--card); border-radius: 12px;
  padding: 12px 16px; white-space: pre-line; }
.notice.plain { border-color: var(--line); }
.chip { background: var(--chip); border-radius: 999px; padding: 2px 10px; font-size: 13px; }
.pagetitle { font-size: 21px; font-weight: 650; margin: 0; letter-spacing: -.01em; }
.sub { color: var(--muted); font-size: 14px; }
.titlerow { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; }
.who { min-height: 36px; align-items: center; align-content: flex-start; }
.q-btn--flat { color: var(--brand); }
table.plain { width: 100%; border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
table.plain th { text-align: left; color: var(--muted); font-weight: 500; position: sticky; top: 0;
  background: var(--card); padding: 4px 8px; }
table.plain td { border-top: 1px solid var(--line); padding: 6px 8px; white-space: nowrap; }
.nicegui-aggrid [class*=ag-theme-params] { --ag-font-size: 13px; --ag-font-family: inherit; --ag-spacing: 6px;
  --ag-background-color: var(--card); --ag-foreground-color: var(--text); --ag-border-color: var(--line);
  --ag-header-background-color: var(--card); --ag-header-text-color: var(--muted); --ag-accent-color: var(--focus);
  --ag-wrapper-border-radius: 8px; }
.ag-root-wrapper { --ag-cell-horizontal-padding: 10px; }
.ag-root .ag-cell { user-select: text; }
.paged { display: flex; flex-direction: column; height: 100%; gap: 6px; }
.paged > :first-child { flex: 1; min-height: 0; }
.turn { display: flex; align-items: center; gap: 4px; height: 30px; font-size: 13px; position: relative; z-index: 4; }
.turn input { font: inherit; color: var(--text); background: var(--card); border: 1px solid var(--line); height: 28px;
  border-radius: 8px; padding: 0 8px; flex: 0 1 200px; min-width: 60px; }
.turn input::placeholder { color: var(--muted); opacity: 1; }
.turn .said { flex: 1; text-align: right; color: var(--muted); padding: 0 6px; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.turn button { font-size: 17px; line-height: 1; width: 28px; height: 28px; border: 1px solid var(--line);
  border-radius: 8px; background: var(--card); color: var(--text); cursor: pointer; padding: 0 0 2px; }
.turn button:disabled { color: var(--muted); opacity: .5; cursor: default; }
.notice.pre { overflow-wrap: anywhere; }
.panel .chosen { display: flex; flex-direction: column; gap: 8px; height: 100%; }
.texts { overflow: auto; flex: 1; height: 100%; min-height: 0; font-size: 13px; line-height: 1.45; }
.texts dl { margin: 0; } .texts dt { color: var(--muted); font-weight: 500; padding: 6px 0 1px; }
.texts dd { margin: 0; padding: 1px 0 4px; white-space: pre-wrap; overflow-wrap: anywhere; }
.texts.pairs dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 6px 16px; }
.texts.pairs dt, .texts.pairs dd { padding: 0; }
.texts h3 { font-size: 13px; font-weight: 600; line-height: 1.4; margin: 10px 0 2px; color: var(--muted); }
.texts ul { margin: 0; padding-left: 18px; } .texts li { padding: 2px 0; overflow-wrap: anywhere; }
.texts small { color: var(--muted); font-size: 12px; }
.order { width: min(1000px, 94vw); max-width: none; max-height: 86vh; } .order .pagetitle { overflow-wrap: anywhere; }
.order > .texts { height: auto; overflow: auto; }
.skip { position: absolute; left: -9999px; } .skip:focus { left: 8px; top: 8px; z-index: 99; background: var(--card);
  padding: 8px; }
.q-tooltip { font-size: 13px; max-width: 340px; line-height: 1.4; }
@media (max-width: 1100px) {
  .page > .w3, .page > .w4, .page > .w5 { grid-column: span 6; }
  .page > .w6, .page > .w7, .page > .w8 { grid-column: span 12; }
}
@media (max-width: 720px) {
  .page { padding: 12px; gap: 12px; } .page > * , .page > .w3, .page > .w4, .page > .w5 { grid-column: span 12; }
  .top { padding: 8px 12px; } .filters { padding: 0 12px 10px; flex-wrap: nowrap; overflow-x: auto; }
  .filters > * { flex: none; } .nav { order: 3; flex-basis: 100%; } .tools { margin-left: auto; }
  .build { min-width: 0; } .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 12px; }
  .who { min-height: 96px; } .card .value { font-size: 21px; } .bar { position: static; }
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; animation: none !important; } }
"""


def colors(*, dark: bool) -> Colors:
    """Return the colours of the dark or the light look."""
    return DARK if dark else LIGHT
