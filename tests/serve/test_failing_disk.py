"""A disk that fails under the journal, on demand, in the processes that users run: nothing counts twice, no number
is given twice, and who cannot know what is on the disk does not go on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from soak import only_in_soak

from armazem.home import Home
from armazem.journal.segments import list_segments

from .running import LINES, Running, journal, lines, review

SOURCE = Path(__file__).parents[1] / "stream" / "failing_disk.c"
TAKEN_BACK = ["none", "half", "write"]
NOT_TAKEN_BACK = [
    pytest.param("half ftruncate", False),
    pytest.param("write fsync", False),
    pytest.param("write ftruncate", True),
    *(pytest.param(calls, False, marks=only_in_soak) for calls in ("none ftruncate", "half fsync", "write ftruncate")),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("there is no C compiler to make the library that fails, or no LD_PRELOAD")
    library = tmp_path_factory.mktemp("failing") / "failing_disk.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


@pytest.fixture
def control(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says which calls fail."""
    control = tmp_path / "fails"
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("FAILING_DISK", str(control))
    return control


def events(first: int, count: int) -> bytes:
    return lines(
        review(f"event-{number}", review_id=f"r{number}", order_id="o") for number in range(first, first + count)
    )


def assert_once(home: Home, count: int) -> None:
    found = journal(home)
    assert Counter(event["event_id"] for event in found) == Counter(f"event-{number}" for number in range(count))
    assert max(Counter(event["seq"] for event in found).values()) == 1


@pytest.mark.parametrize("calls", TAKEN_BACK)
def test_a_failed_write_that_is_taken_back(tmp_path: Path, control: Path, calls: str) -> None:
    with Running(tmp_path / "home") as server:
        assert server.post(events(0, 20), LINES).json()["accepted"] == 20
        control.write_text(calls)
        for _ in range(3):
            assert server.post(events(20, 20), LINES).status_code == 503
        control.unlink()
        assert server.post(events(10, 30), LINES).json() == {"accepted": 20, "duplicates": 10, "rejected": []}
        home = server.home
    assert_once(home, 40)


@pytest.mark.slow
@pytest.mark.parametrize(("calls", "killed"), NOT_TAKEN_BACK)
def test_a_failed_write_that_cannot_be_taken_back(tmp_path: Path, control: Path, calls: str, *, killed: bool) -> None:
    with Running(tmp_path / "home") as server:
        assert server.post(events(0, 20), LINES).json()["accepted"] == 20
        control.write_text(calls)
        assert server.post(events(20, 20), LINES).status_code == 503
        control.unlink()
        again = server.post(events(20, 20), LINES)
        assert again.status_code == 503 and "could not be taken back" in again.text and "start" in again.text
        ready = server.client.get("/readyz")
        assert ready.status_code == 503 and "not be taken back" in ready.text
        seen = max(event["seq"] for event in journal(server.home))
        if killed:
            server.kill()
    with Running(tmp_path / "home") as server:
        answer = server.post(events(0, 40), LINES).json()
        assert answer["accepted"] + answer["duplicates"] == 40 and answer["accepted"] == 40 - seen
        assert server.post(events(40, 1), LINES).json()["accepted"] == 1
        home = server.home
    assert_once(home, 41)


def test_numbers_of_lines_that_a_crash_took_away(tmp_path: Path, control: Path) -> None:
    """Somebody has read them: with the machine they vanish, and other events get other numbers."""
    with Running(tmp_path / "home") as server:
        assert server.post(events(0, 20), LINES).json()["accepted"] == 20
        [segment] = list_segments(server.home.journal)
        size = segment.path.stat().st_size
        control.write_text("write ftruncate")
        server.post(events(20, 20), LINES)
        seen = max(event["seq"] for event in journal(server.home))
        server.kill()
    assert seen == 40
    control.unlink()
    with segment.path.open("r+b") as file:
        file.truncate(size)
    with Running(tmp_path / "home") as server:
        assert server.post(events(20, 20), LINES).json()["accepted"] == 20
        home = server.home
    assert min(event["seq"] for event in journal(home) if event["seq"] > 20) > seen
    assert_once(home, 40)


@pytest.mark.parametrize("calls", ["half", "write ftruncate", "half ftruncate"])
def test_ingest_ends_and_goes_on_when_it_is_started_again(tmp_path: Path, control: Path, calls: str) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(events(0, 5000))
    command = [sys.executable, "-m", "armazem", "--home", tmp_path / "home", "ingest", file]
    control.write_text(calls)
    failed = subprocess.run(command, capture_output=True, text=True)
    assert failed.returncode == 1 and "error: " in failed.stderr and "Traceback" not in failed.stderr
    control.unlink()
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert_once(Home(tmp_path / "home"), 5000)
