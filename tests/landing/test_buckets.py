"""`load gs://…`: what is in a bucket is loaded like what is in a folder, and errors say what to do."""

from __future__ import annotations

import shutil
import socket
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from armazem.contract import TABLES
from armazem.errors import CloudError, MissingExtra, SourceError
from armazem.home import Home
from armazem.landing import Progress, load, read_ledger
from armazem.sources import cloud_storage

from .bucket import Buckets
from .data import csv, landed, leftovers, rejects, write


@pytest.fixture
def buckets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Buckets]:
    monkeypatch.setattr(cloud_storage, "RETRY_SECONDS", 5.0)
    write(tmp_path / "cloud" / "shop" / "2018" / "extract")
    with Buckets(tmp_path / "cloud") as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server


def zip_of(path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"olist/{file.name}")


@pytest.mark.parametrize("url", ["gs://shop/2018/extract", "gs://shop/2018/extract/", Path("gs://shop/2018/extract")])
def test_a_folder(home: Home, buckets: Buckets, tmp_path: Path, url: str | Path) -> None:
    result = load(url, home)
    assert [row.table for row in result.files] == [table.name for table in TABLES]
    assert [row.path for row in result.files] == [f"gs://shop/2018/extract/{table.file}" for table in TABLES]
    assert read_ledger(home) == result.files and result.warnings == [] and not leftovers(home)
    assert len(landed(home, "orders")) == 2
    # The same bytes from somewhere else are still the same bytes.
    assert load(tmp_path / "cloud" / "shop" / "2018" / "extract", home).load_id is None


def test_a_whole_bucket_with_other_things_in_it(home: Home, buckets: Buckets) -> None:
    root = write(buckets.root / "mixed")
    for name in ("notes.csv", "README.md"):
        (root / name).write_text("x")
    write(root / "older")
    result = load("gs://mixed", home)
    assert result.warnings == ["gs://mixed/notes.csv is not a file of the contract: ignored"]
    assert result.files[0].path == "gs://mixed/olist_orders_dataset.csv"
    fetched = [call for call in buckets.calls if "alt=media" in call]
    assert len(fetched) == 9 and not any("notes" in call or "older" in call for call in fetched)


def test_a_zip(home: Home, buckets: Buckets) -> None:
    zip_of(buckets.root / "shop" / "olist.zip", buckets.root / "shop" / "2018" / "extract")
    result = load("gs://shop/olist.zip", home)
    assert result.files[0].path == "gs://shop/olist.zip!olist/olist_orders_dataset.csv"


def test_one_file_with_rejects(home: Home, buckets: Buckets) -> None:
    (buckets.root / "shop" / "Sellers.csv").write_bytes(csv("sellers") + b"x\n")
    steps: list[Progress] = []
    result = load("gs://shop/Sellers.csv", home, on_progress=steps.append)
    assert [(row.path, row.rows_rejected) for row in result.files] == [("gs://shop/Sellers.csv", 1)]
    assert rejects(result.rejects_path, "sellers")[0]["file"] == "gs://shop/Sellers.csv"
    downloading = [step for step in steps if step.step == "downloading"]
    assert {(step.name, step.file, step.files) for step in downloading} == {("gs://shop/Sellers.csv", 1, 1)}
    assert downloading[-1].bytes == len(csv("sellers") + b"x\n")


def test_a_download_that_is_cut_goes_on(home: Home, buckets: Buckets) -> None:
    rows = [[f"s{number}", "04195", "sao paulo", "SP"] for number in range(100_000)]
    (buckets.root / "shop" / "sellers.csv").write_bytes(csv("sellers", rows))
    buckets.cuts = 2
    steps: list[Progress] = []
    load("gs://shop/sellers.csv", home, on_progress=steps.append)
    assert [row[0] for row in landed(home, "sellers")] == [row[0] for row in rows]
    sizes = [step.bytes for step in steps if step.step == "downloading"]
    assert sizes == sorted(sizes) and len(sizes) > 3
    assert len([call for call in buckets.calls if "alt=media" in call]) == 3


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("gs://nowhere/olist", r"gs://nowhere/olist does not exist: .*bucket does not exist"),
        ("gs://nowhere/orders.csv", r"gs://nowhere/orders\.csv does not exist"),
        ("gs://shop/2018/orders.csv", r"gs://shop/2018/orders\.csv does not exist: .*No such object"),
        ("gs://shop/2019", r"gs://shop/2019 holds no source file"),
        ("gs://shop/2018", r"gs://shop/2018 holds no source file"),
        ("gs://shop/2018/stock.csv", r"gs://shop/2018/stock\.csv is not the name of a source file"),
        ("gs://", r"names no bucket"),
    ],
)
def test_nothing_there(home: Home, buckets: Buckets, url: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as raised:
        load(url, home)
    assert raised.value.hint and "landing" not in str(raised.value)
    assert not leftovers(home) and read_ledger(home) == []


def test_errors_name_the_url(home: Home, buckets: Buckets) -> None:
    extract = buckets.root / "shop" / "2018" / "extract"
    (extract / "olist_orders_dataset.csv").unlink()
    with pytest.raises(SourceError, match=r"^gs://shop/2018/extract lacks olist_orders_dataset\.csv"):
        load("gs://shop/2018/extract", home)
    assert len(load("gs://shop/2018/extract", home, partial=True).files) == 8
    (buckets.root / "shop" / "olist.zip").write_bytes(b"no zip")
    with pytest.raises(SourceError, match=r"^gs://shop/olist\.zip is damaged"):
        load("gs://shop/olist.zip", home)
    shutil.copy(extract / "olist_sellers_dataset.csv", extract / "sellers.csv")
    with pytest.raises(SourceError, match="two files for sellers"):
        load("gs://shop/2018/extract", home)


def test_no_permission(home: Home, buckets: Buckets) -> None:
    buckets.closed.add("shop")
    for url in ("gs://shop/2018/extract", "gs://shop/2018/extract/olist_sellers_dataset.csv"):
        with pytest.raises(CloudError, match=rf"no permission to read {url}: .*does not have") as raised:
            load(url, home)
        assert "roles/storage.objectViewer" in raised.value.hint


def test_nobody_answers(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{unused.getsockname()[1]}")
        monkeypatch.setattr(cloud_storage, "RETRY_SECONDS", 0.5)
        with pytest.raises(CloudError, match=r"does not answer for gs://shop/olist: .*refused"):
            load("gs://shop/olist", home)


def test_no_credentials(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(CloudError, match="no Google credentials") as raised:
        load("gs://shop/olist", home)
    assert "gcloud auth" in raised.value.hint


def test_the_client_is_not_installed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("google.cloud.storage")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    with pytest.raises(MissingExtra, match="not installed") as raised:
        load("gs://shop/olist", home)
    assert 'pip install "armazem[bigquery]"' in raised.value.hint
