"""Generated data: how far they go, and those that a home folder has already."""

from __future__ import annotations

import contextlib
import re
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from armazem import console
from armazem.config import Settings
from armazem.errors import ArmazemError

_COMPLETE = ".complete"
_MADE = "generated.txt"  # beside the folder, which may be deleted: the names in it
_NAME = re.compile(r"(\d+)-orders-seed-(-?\d+)(?:-until-(\d{4}-\d\d-\d\d))?")


def yesterday(settings: Settings) -> date:
    """The last day that is over in business time."""
    return datetime.now(ZoneInfo(settings.time_zone)).date() - timedelta(days=1)


def generated(settings: Settings, orders: int, seed: int, until: date | None) -> Path:
    """The folder of generated data of this size and seed, made where it is not there.

    A home that has some goes on with them, whenever they end. Raises ArmazemError where they end on another day than
    `until`: the same orders would move in time, and a load of them make one history of two.
    """
    home = settings.home_folder.open()
    root = home.root / "generated"
    there = _last_day(root, seed)
    if there is not None and until not in (None, there):
        raise ArmazemError(
            f"{home.root} has these orders until {there} already: until {until} the same ones were at other times",
            "leave --until out to go on with them, or take another folder: `armazem --home FOLDER up --until DAY`",
        )
    day = there or until or yesterday(settings)
    folder = _folder(root, orders, seed, day)
    if not (folder / _COMPLETE).exists():
        generate_files(folder, orders, seed, day)
        (folder / _COMPLETE).touch()
        with (home.root / _MADE).open("a", encoding="utf-8") as made:
            made.write(f"{folder.name}\n")
    elif day != yesterday(settings):
        console.messages().print(
            f"{folder} is there already, with orders until {day}; `armazem --home FOLDER up` begins with newer ones"
        )
    return folder


def generate_files(out: Path, orders: int, seed: int, until: date) -> None:
    """Write the files into `out`, and say so."""
    from armazem.shop.history import generate

    started = time.monotonic()
    with console.rows_written("generating") as progress:
        rows = generate(out, orders=orders, seed=seed, until=until, progress=progress)
    console.messages().print(
        f"generated {sum(rows.values()):,} rows in {len(rows)} files in {out}, orders until {until}, "
        f"{time.monotonic() - started:.1f} s"
    )


def _folder(root: Path, orders: int, seed: int, day: date) -> Path:
    plain = root / f"{orders}-orders-seed-{seed}"
    older = day == _olists_last_day() and (plain / _COMPLETE).exists()  # made before there was a choice of the day
    return plain if older else root / f"{plain.name}-until-{day}"


def _last_day(root: Path, seed: int) -> date | None:
    """Until when the data of this seed go that this home has; those deleted since are still loaded."""
    names = {mark.parent.name for mark in root.glob(f"*/{_COMPLETE}")}
    with contextlib.suppress(FileNotFoundError):
        names |= set((root.parent / _MADE).read_text(encoding="utf-8").split())
    found = []
    for name in names:
        match = _NAME.fullmatch(name)
        if match and int(match[2]) == seed:  # of one seed the ids are the same, however many
            found.append(date.fromisoformat(match[3]) if match[3] else _olists_last_day())
    return max(found, default=None)


def _olists_last_day() -> date:
    from armazem.shop.history import LAST_DAY

    return LAST_DAY
