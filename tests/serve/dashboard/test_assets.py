"""What is kept of scripts and styles is what the dashboard would have answered."""

from __future__ import annotations

from pathlib import Path

import nicegui
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from armazem.serve.dashboard.assets import Assets

ROOT = f"/_nicegui/{nicegui.__version__}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.js").write_text("const a = 1;\n" * 1000)
    (tmp_path / "a.woff2").write_bytes(bytes(range(256)) * 8)
    return tmp_path


@pytest.fixture
def client(folder: Path) -> TestClient:
    files = StaticFiles(directory=folder)
    return TestClient(Assets(Starlette(routes=[Mount(ROOT, files), Mount("/other", files)])))


@pytest.mark.parametrize("name", ["a.js", "a.woff2"])
def test_it_is_the_same_packed_or_not_and_read_once(folder: Path, client: TestClient, name: str) -> None:
    content = (folder / name).read_bytes()
    plain = client.get(f"{ROOT}/{name}", headers={"accept-encoding": "identity"})
    first = client.get(f"{ROOT}/{name}")
    (folder / name).write_bytes(b"changed")
    again = client.get(f"{ROOT}/{name}")
    for answer in (plain, first, again):
        assert answer.status_code == 200 and answer.content == content
        assert answer.headers["content-type"] == plain.headers["content-type"]
    assert "content-encoding" not in plain.headers
    assert (first.headers.get("content-encoding") == "gzip") == (name == "a.js")
    assert first.headers == again.headers and int(first.headers["content-length"]) <= len(content)
    if name == "a.js":
        assert int(first.headers["content-length"]) < len(content) / 10
        assert "accept-encoding" in first.headers["vary"].lower()


def test_what_may_differ_is_asked_for_each_time(folder: Path, client: TestClient) -> None:
    tag = client.get(f"{ROOT}/a.js").headers["etag"]
    assert client.get(f"{ROOT}/a.js", headers={"if-none-match": tag}).status_code == 304
    assert client.get(f"{ROOT}/a.js", headers={"range": "bytes=0-4"}).content == b"const"
    assert client.get(f"{ROOT}/b.js").status_code == 404
    (folder / "b.js").write_text("new")
    assert client.get(f"{ROOT}/b.js").text == "new"
    for path in ("/other/a.js", f"{ROOT}/a.js?x=1"):
        before = client.get(path).content
        (folder / "a.js").write_text(f"after {path}")
        assert client.get(path).content != before
    assert client.head(f"{ROOT}/a.js").content == b""
