"""Ctrl-C and SIGTERM at any moment: one line, within seconds, and nothing is left half done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from golden import Golden
from soak import NUMBERS
from stream.shop_events import messages
from warehouse.shop import Answer, Shop, armazem, ended, start

from armazem.home import Home
from armazem.targets.duckdb.versions import current_build

if TYPE_CHECKING:
    from conftest import Numbers

pytestmark = pytest.mark.xdist_group("interrupted")
SAID = {
    signal.SIGINT: "interrupted; nothing is left half done",
    signal.SIGTERM: "terminated; nothing is left half done",
}


@pytest.fixture(scope="module")
def files(golden: Golden) -> Path:
    return golden.first


@pytest.fixture(scope="module")
def shop(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """With one published version."""
    return golden.once(tmp_path_factory.mktemp("shop"))


def takes_signals(process: subprocess.Popen[str]) -> None:
    """Wait until SIGTERM is caught: before that the interpreter is starting, and nothing of ours runs."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        caught = next((line.split()[1] for line in lines if line.startswith("SigCgt")), "0")
        if int(caught, 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.002)
    raise AssertionError("it does not take signals")


def cut(process: subprocess.Popen[str], moment: float, number: signal.Signals) -> Answer | None:
    """Send the signal so many seconds after the start. None where the command had ended before."""
    takes_signals(process)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        pass
    else:
        ended(process)
        return None
    process.send_signal(number)
    try:
        return ended(process, NUMBERS.seconds_to_end)
    finally:
        process.kill()


def check(done: Answer, number: signal.Signals) -> bool:
    """Whether it was cut off; it may have been at its end."""
    if done.code == 0:
        assert SAID[number] not in done.err
        return False
    assert done.code == 128 + number, done
    assert done.err.splitlines()[-1:] == [SAID[number]], done
    assert done.err.count("nothing is left half done") == 1
    assert "error" not in done.err
    return True


def moments(arguments: tuple[object, ...], count: int, again: Callable[[], None]) -> tuple[int, int]:
    """Cut the command off at so many moments, and let it end then; after each time call `again`.

    The moments are spread over its whole duration, which is known after the first one.
    """
    rng = random.Random()
    interrupted, duration = 0, 4.0
    for tried in range(count):
        number = rng.choice([signal.SIGINT, signal.SIGINT, signal.SIGTERM])
        done = cut(start(*arguments), rng.uniform(0, duration), number)
        interrupted += done is not None and check(done, number)
        again()
        if tried in (0, count - 1):
            started = time.monotonic()
            assert ended(start(*arguments)).code == 0  # nobody holds a lock
            duration = time.monotonic() - started
            again()
    return interrupted, count


@pytest.mark.slow
def test_load(files: Path, tmp_path: Path, numbers: Numbers, report: Callable[..., None]) -> None:
    shop = Shop(tmp_path / "home")

    def whole_or_nothing() -> None:
        for load in shop.home.loads.glob("[0-9]*"):
            assert len(list(load.glob("*.parquet"))) == 9
            assert (load / "ledger.json").is_file()

    done = moments(("--home", shop.path, "load", files, "--force"), numbers.interrupts, whole_or_nothing)
    assert {path.name for path in shop.home.landing.iterdir()} <= {"loads", ".lock"}
    report("interrupted loads", interrupted=done[0], tried=done[1], failures=0)


@pytest.mark.slow
def test_build(shop: Shop, numbers: Numbers, report: Callable[..., None]) -> None:
    tables = shop.checksums()

    def readers_have_a_whole_version() -> None:
        assert shop.checksums() == tables

    command = ("--home", shop.path, "build", "--full-refresh")
    done = moments(command, numbers.interrupts, readers_have_a_whole_version)
    assert list(shop.home.builds.glob("building*")) == []
    assert shop.checksums() == tables
    report("interrupted builds", interrupted=done[0], tried=done[1], failures=0)


@pytest.mark.slow
def test_ingest(tmp_path: Path, numbers: Numbers, report: Callable[..., None]) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(messages(0, 20_000)))
    home = Home(tmp_path / "home").open().root

    def the_books_add_up() -> None:
        answer = armazem("status", "--ledger", home=home)
        assert answer.code == 0, answer

    done = moments(("--home", home, "ingest", file), numbers.interrupts, the_books_add_up)
    again = ended(start("--home", home, "ingest", file))
    assert "0 accepted, 20,000 duplicates, 0 refused" in again.err
    report("interrupted ingests", interrupted=done[0], tried=done[1], failures=0)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["generate", "export", "up", "kpi"])
def test_other_commands(
    shop: Shop, command: str, tmp_path: Path, numbers: Numbers, report: Callable[..., None]
) -> None:
    out = tmp_path / "out"
    arguments: tuple[object, ...] = {
        "generate": ("generate", out, "--orders", 3000),
        "export": ("--home", shop.path, "export", "parquet", out, "--force"),
        "up": ("--home", tmp_path / "home", "up", "--no-serve", "--orders", 200),
        "kpi": ("--home", shop.path, "kpi", "sales_trend"),
    }[command]

    def nothing_half_done() -> None:
        if out.exists() and command == "export":
            assert len(list(out.rglob("*.parquet"))) == 26  # nine marts, nine tables of features, eight KPIs
            assert (out / "build.json").is_file()

    done = moments(arguments, numbers.interrupts, nothing_half_done)
    assert [path.name for path in tmp_path.rglob("*.part*")] == []
    report(f"interrupted {command}", interrupted=done[0], tried=done[1], failures=0)


@pytest.mark.slow
def test_serve(shop: Shop, numbers: Numbers, report: Callable[..., None]) -> None:
    rng = random.Random()
    early = 0
    for _ in range(2 * numbers.interrupts):
        number = rng.choice([signal.SIGINT, signal.SIGTERM])
        process = start("--home", shop.path, "serve", "--port", 0)
        done = cut(process, rng.uniform(0, 6), number)
        assert done is not None, "the server ended by itself"
        early += check(done, number)  # once it serves it leaves with 0
        assert armazem("status", "--ledger", home=shop.path).code == 0
    report("interrupted servers", while_starting=early, tried=2 * numbers.interrupts, failures=0)


def test_what_swallows_the_interrupt_does_not_keep_the_command(tmp_path: Path) -> None:
    """As an import in C does: the command is ended from beside; the second Ctrl-C does that at once."""
    taken = {}
    for second in (False, True):
        process = python(
            "import time\n"
            "while True:\n"
            "    try:\n"
            "        there()\n"
            "        time.sleep(0.05)\n"
            "    except KeyboardInterrupt:\n"
            "        pass\n"
        )
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        if second:
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
        done = ended(process)
        taken[second] = time.monotonic() - started
        assert (done.code, done.err) == (130, SAID[signal.SIGINT] + "\n")
    assert taken[False] > 2
    assert taken[True] < taken[False]


def test_it_is_said_although_two_threads_end_the_process() -> None:
    """The first one is about to say it, slowly, when the second one comes to the same end."""
    process = python(
        "import time\n"
        "isatty = os.isatty\n"
        "os.isatty = lambda number: time.sleep(0.3) or isatty(number)\n"
        "try:\n    there()\n    time.sleep(600)\n"
        "except KeyboardInterrupt:\n    os._exit(interrupts.exit_code(0))\n"
    )
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert (done.code, done.err) == (130, SAID[signal.SIGINT] + "\n")


def test_a_lock_that_nobody_gives_back_does_not_keep_the_command() -> None:
    process = python(
        "import threading\n"
        "held = threading.Lock(); held.acquire()\n"
        "try:\n    there()\n    held.acquire()\nfinally:\n    held.acquire()\n"
    )
    process.send_signal(signal.SIGINT)
    assert ended(process).code == 130


def test_who_ignores_ctrl_c_goes_on_ignoring_it(shop: Shop) -> None:
    """As a shell has it for what it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = start("--home", shop.path, "kpi", "sales_trend")
    finally:
        signal.signal(signal.SIGINT, before)
    takes_signals(process)
    process.send_signal(signal.SIGINT)
    assert ended(process).code == 0
    assert current_build(shop.home) is not None


def python(code: str) -> subprocess.Popen[str]:
    """A process in which the signals are looked after, in `code`, where that calls `there()` for the first time."""
    begin = (
        "import functools, os\nfrom armazem import interrupts\ninterrupts.install()\n"
        "there = functools.cache(lambda: print('there', flush=True))\n"
    )
    indented = "".join(f"    {line}\n" for line in code.splitlines())
    process = subprocess.Popen(
        [sys.executable, "-c", f"{begin}with interrupts.unwinding():\n{indented}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "src"},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    return process


def test_renames_that_belong_together_are_finished(tmp_path: Path) -> None:
    process = python(
        "import time, pathlib\n"
        "with interrupts.held():\n"
        "    there()\n"
        "    begin = time.monotonic()\n"
        "    while time.monotonic() < begin + 1: time.sleep(0.05)\n"
        f"    pathlib.Path({str(tmp_path / 'done')!r}).touch()\n"
        f"pathlib.Path({str(tmp_path / 'after')!r}).touch()\n"
    )
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert [path.name for path in tmp_path.iterdir()] == ["done"]
