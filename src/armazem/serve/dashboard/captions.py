"""What stands on a picture beside the chart: its title, which filters it is of, and where it is from."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from armazem.serve.dashboard.theme import Colors
from armazem.serve.dashboard.view import View


@dataclass(frozen=True, slots=True)
class Caption:
    """`lines`: below the title, each as long as it is; `source`: at the foot."""

    title: str
    lines: Sequence[str]
    source: str


def filters_of(view: View) -> str:
    """Return the view in words: the period, and every filter that is set."""
    form = view.format
    if view.start and view.end:
        period = f"{form.date(view.start)} – {form.date(view.end)}"
    elif view.start or view.end:
        period = f"from {form.date(view.start)}" if view.start else f"until {form.date(view.end)}"
    else:
        period = "all dates"
    given = (("state", view.state), ("category", view.category), ("seller", view.seller))
    return " · ".join([period, f"by {view.grain}", *(f"{name} {value}" for name, value in given if value)])


def of_picture(note: str) -> str:
    """Return a note of a panel, but for what one can do there: nobody can click in a picture."""
    return " ".join(said for said in re.split(r"(?<=\.) ", note) if not said.startswith("Click "))


def source_of(build_id: str | None, now: datetime | None = None) -> str:
    """Return the line under a picture: the build that it shows, and when it was drawn."""
    drawn = (now or datetime.now(UTC)).astimezone(UTC)
    return f"Source: Armazém, build {build_id or 'none'}, drawn {drawn:%Y-%m-%d %H:%M} UTC"


_SCRIPT = """
const said = SAID, chart = getElement(said.chart).chart, pad = 20, ratio = said.ratio;
await document.fonts.ready;
const drawn = chart.renderToCanvas({pixelRatio: ratio, backgroundColor: said.card});
const width = Math.max(drawn.width / ratio, 420), height = drawn.height / ratio;
const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
const font = (size, weight) => { pen.font = `${weight} ${size}px Roboto, sans-serif`; };
const wrapped = (text, size, weight) => {
  font(size, weight);
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = (lines.at(-1) + " " + word).trim();
    if (lines.at(-1) && pen.measureText(longer).width > width - 2 * pad) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.map(line => ({line, size, weight}));
};
const head = [...wrapped(said.title, 17, 600), ...said.lines.flatMap(line => wrapped(line, 13, 400))];
const foot = wrapped(said.source, 12, 400);
const top = pad + head.reduce((sum, entry) => sum + entry.size + 7, 0), bottom = 16 + foot.length * 18;
canvas.width = width * ratio;
canvas.height = (top + height + bottom) * ratio;
pen.scale(ratio, ratio);
pen.fillStyle = said.card;
pen.fillRect(0, 0, width, top + height + bottom);
pen.textBaseline = "top";
let y = pad;
for (const entry of head) {
  font(entry.size, entry.weight);
  pen.fillStyle = entry.weight > 400 ? said.text : said.muted;
  pen.fillText(entry.line, pad, y, width - 2 * pad);
  y += entry.size + 7;
}
pen.drawImage(drawn, (width - drawn.width / ratio) / 2, top, drawn.width / ratio, height);
pen.fillStyle = said.muted;
font(12, 400);
foot.forEach((entry, at) => pen.fillText(entry.line, pad, top + height + 8 + at * 18, width - 2 * pad));
const file = await new Promise(done => canvas.toBlob(done, "image/png"));
const link = document.createElement("a");
link.href = URL.createObjectURL(file);
link.download = said.name;
link.click();
setTimeout(() => URL.revokeObjectURL(link.href), 60000);
return file.size;
"""


def picture_script(chart: int, ratio: float, name: str, caption: Caption, shades: Colors) -> str:
    """Return a script that draws the chart with its caption and saves it. Texts of the data are only drawn."""
    said = {
        "chart": chart, "ratio": ratio, "name": f"{name}.png", "title": caption.title,
        "lines": [line for line in caption.lines if line], "source": caption.source,
        "card": shades.card, "text": shades.text, "muted": shades.muted,
    }  # fmt: skip
    return _SCRIPT.replace("SAID", json.dumps(said), 1)
