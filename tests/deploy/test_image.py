"""The image of deploy/server, really built and started; once in `make soak`, as it takes minutes. On another base than
the one that is published, since that lies in a registry of images: Debian's Python 3.11.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from soak import only_in_soak

from .places import DEPLOY
from .rootfs import Image, built

pytestmark = [pytest.mark.slow, only_in_soak, pytest.mark.xdist_group("image")]

TOKEN = "of-the-test"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    lacking = [name for name in ("mmdebstrap", "buildah", "unshare") if shutil.which(name) is None]
    if lacking or os.geteuid() != 0:
        pytest.skip(f"building an image needs root and {', '.join(lacking) or 'nothing else'}")
    server = DEPLOY / "server"
    with built(tmp_path_factory.mktemp("image"), server / "Dockerfile", server / "Dockerfile.dockerignore") as image:
        yield image


@pytest.fixture(scope="module")
def volume(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A volume of the image's user, as a claim of Kubernetes is: with a warehouse in it that the image has built."""
    folder = tmp_path_factory.mktemp("volume")
    os.chown(folder, 10001, 10001)
    code, said = image.run(folder, "up", "--no-serve", "--orders", "200")
    assert code == 0, said
    assert "published" in said
    return folder


def test_what_it_says_of_itself(image: Image) -> None:
    assert image.config["User"] == "10001:10001"
    assert list(image.config["Volumes"]) == ["/data"]
    assert list(image.config["ExposedPorts"]) == ["8000/tcp"]
    assert image.config["StopSignal"] == "SIGTERM"
    assert "/readyz" in " ".join(image.config["Healthcheck"]["Test"])
    files = {path.name for path in (image.root / "opt").iterdir()}
    assert files == {"armazem"}  # nothing of the first stage
    assert not (image.root / "src").exists()
    data = (image.root / "data").stat()
    assert (data.st_uid, data.st_gid) == (10001, 10001)


def test_nothing_of_it_can_be_changed_by_its_user(image: Image) -> None:
    """Even where its root is not read-only."""
    found = subprocess.run(
        ["find", image.root, "-xdev", "(", "-uid", "10001", "-o", "-gid", "10001", "-o", "-perm", "/o+w", ")",
         "!", "-type", "l", "!", "-type", "c"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    places = {str(Path(path).relative_to(image.root)).split("/")[0] for path in found}
    assert {place for place in places if place not in ("data", "tmp", "proc", "dev")} <= {"var", "run"}


def test_without_a_token_it_says_so(image: Image, volume: Path) -> None:
    code, said = image.run(volume)
    assert code == 2
    assert "ARMAZEM_TOKEN" in said


def test_it_loaded_and_built_and_answers(image: Image, volume: Path) -> None:
    code, said = image.run(volume, "sql", "select count(*) as orders from marts.fact_orders", "--format", "csv")
    assert (code, said.split()) == (0, ["orders", "200"])
    # The models came parsed: else every container would do it anew.
    assert not (volume / "home" / "dbt" / "partial_parse.msgpack").exists()


def test_the_server_is_ready_and_ends_when_told_to(image: Image, volume: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [str(port) if word == "8000" else word for word in image.config["Cmd"]]
    process = image.start(volume, *arguments, ARMAZEM_TOKEN=TOKEN)
    try:
        answers(port, "/readyz", process)
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        assert "Uid:\t10001\t10001" in status
        mounts = [line.split() for line in Path(f"/proc/{process.pid}/mounts").read_text(encoding="utf-8").splitlines()]
        written = {place: options.split(",")[0] for _, place, _, options, *_ in mounts}
        assert (written["/"], written["/data"], written["/tmp"]) == ("ro", "rw", "rw")
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1/kpis/monthly_growth")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(asked, timeout=10)
        asked.add_header("Authorization", f"Bearer {TOKEN}")
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert b"revenue" in answer.read()
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said


def answers(port: int, path: str, process: subprocess.Popen[str]) -> None:
    """Wait until the server says 200. It has a minute, as HEALTHCHECK gives it."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=4).status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{path} did not answer; the server has ended with {process.poll()}")
