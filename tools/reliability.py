"""docs/reliability.md from the figures that `make soak` leaves: `python -m tools.reliability FIGURES`."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
WHAT = {
    "killed builds": "`armazem build` killed (SIGKILL) at a random moment; after each kill the published version "
    "opens and has the checksums of the old or the new version, and at the end the next build works",
    "readers beside builds": "processes that query in a loop while builds publish and old versions are deleted: no "
    "query fails, and no connection sees two versions",
    "day by day in any order": "a history as daily extracts, loaded in shuffled order with a build after each: the "
    "checksums of all marts and KPIs equal those of one load and one full build, and the reference in plain Python",
    "days at once by Airflow's scheduler": "days backfilled at once by Airflow's scheduler, tasks killed (SIGKILL) in "
    "the middle with their command or without, and all of it once more: every day published, the second time nothing "
    "new, and the tables equal those of one load and of a full refresh",
    "late updates": "orders that come again with a later status, sellers that move, customers that come after their "
    "orders: equal to one load of the final state",
    "killed ingest": "the process that writes the journal killed (SIGKILL) under load; a sender that sends again until "
    "it is acknowledged: no acknowledged event is missing, none is there twice",
    "killed HTTP server": "`armazem serve` killed (SIGKILL) under load; a client that sends again until it is "
    "acknowledged: no acknowledged event is missing, none is there twice",
    "killed compactions": "the process that compacts the journal killed, beside readers: every event can be read, once",
    "killed subscribers": "`armazem subscribe` killed before it acknowledges to Pub/Sub: delivered again, counted once",
    "killed readers of Kafka": "`armazem subscribe kafka:…` into a journal and by "
    "two into BigQuery, all three and the broker killed at any moment, every seventh write failing: nothing is lost",
    "killed loads of the lake": "`armazem load` and `unload` on the lake killed (SIGKILL) at a random "
    "moment: no half load is seen, and the next one clears it up",
    "killed subscribers to BigQuery": "`armazem subscribe --target bigquery` killed between append and "
    "acknowledgement: nothing lost, and after a build nothing twice",
    "killed servers that build by themselves": "`armazem serve --inbox … --build-every …` killed at random "
    "moments, with files and events coming: none is lost, none counts twice; its tables are those of a full refresh",
    "killed live figures": "what reads the journal for the live figures killed; the next one goes on from what was "
    "saved, and its figures equal those of plain Python",
    "mutated messages": "mutated messages through decoding and validation: no exception, every refusal has a code "
    "and a path",
    "simulated events": "the simulator's events with duplicates, disorder and malformed ones: each is accounted for, "
    "and revenue after a build is what was sent, to the cent",
    **{
        f"interrupted {what}": f"{name} ended by Ctrl-C or SIGTERM at a random moment: within seconds, with one line, "
        "and nothing half done"
        for what, name in (
            ("loads", "`armazem load`"),
            ("builds", "`armazem build`"),
            ("builds on BigQuery", "`armazem build --target bigquery`"),
            ("ingests", "`armazem ingest`"),
            ("servers", "`armazem serve`"),
            ("generate", "`armazem generate`"),
            ("export", "`armazem export parquet`"),
            ("up", "`armazem up`"),
            ("kpi", "`armazem kpi`"),
        )
    },
    "events in any order": "files and events in any order, with duplicates and any number of builds: the same marts",
}


def page(lines: list[str]) -> str:
    """The page; figures of the same test are added up, and its seeds counted."""
    totals: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        figures = json.loads(line)
        test = figures.pop("test")
        if figures.pop("seed", None) is not None:
            totals[test]["histories"] += 1
        for name, value in figures.items():
            if isinstance(value, int):
                totals[test][name] += value
    rows = [
        f"| {WHAT.get(test, test)} | "
        + ", ".join(f"{value:,} {name}".replace("_", " ") for name, value in figures.items())
        + " |"
        for test, figures in sorted(totals.items())
    ]
    return "\n".join(
        [
            "# Reliability",
            "",
            f"Figures of the last `make soak`, {datetime.now(UTC).date()}, on {os.cpu_count()} cores, "
            f"{platform.system()}, Python {platform.python_version()}. A test that fails leaves no row.",
            "`make test` runs the same tests with small numbers, or a smaller test that proves the same.",
            "",
            "| what was done, and held | figures |",
            "|---|---|",
            *rows,
            "",
            "The property tests of the landing zone (any bytes, any quoting, any line ends, any number or date) ran "
            "with 25 times the examples of `make test`: 13,000.",
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()), encoding="utf-8")
