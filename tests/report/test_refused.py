"""What `armazem report` refuses, in one clear line, and what it leaves behind: nothing, or a whole file."""

from __future__ import annotations

from pathlib import Path

import pytest
from warehouse.shop import Shop, armazem

from . import small_shop

pytestmark = pytest.mark.xdist_group("report")


def test_nothing_published_yet(tmp_path: Path) -> None:
    missing = armazem("report", home=tmp_path / "home")
    assert missing.code == 1
    assert "there is no home folder" in missing.err
    shop = Shop(tmp_path / "home")
    shop.load(small_shop.ten_days(tmp_path / "files"), partial=True)
    unbuilt = shop.armazem("report")
    assert unbuilt.code == 1
    assert "nothing is published" in unbuilt.err
    assert "armazem build" in unbuilt.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--day", "2999-01-01"), "2999-01-01 is not between 1900-01-01 and today"),
        (("--day", "0001-01-01"), "is not between"),
        (("--day", "yesterday"), "does not match the format"),
        (("--since", "0001-01-01"), "lies before 1900-01-01"),
        (("--html", "-", "--format", "json"), "exclude each other"),
    ],
)
def test_wrong_use(shop: Shop, arguments: tuple[str, ...], said: str) -> None:
    answer = shop.armazem("report", *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert answer.out == ""


def test_a_file_that_cannot_be_written(shop: Shop, tmp_path: Path) -> None:
    folder = shop.armazem("report", "--html", tmp_path)
    assert (folder.code, "is a folder" in folder.err) == (1, True)
    missing = shop.armazem("report", "--html", tmp_path / "none" / "report.html")
    assert (missing.code, "there is no folder" in missing.err) == (1, True)
    # A file that cannot be written even by the superuser: its name is too long by the letters of the one aside.
    long = tmp_path / f"{'r' * 250}.html"
    answer = shop.armazem("report", "--html", long)
    assert answer.code == 1
    assert f"cannot write {long}" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_an_older_report_is_replaced_whole(shop: Shop, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("an old one")
    assert shop.armazem("report", "--html", out).code == 0
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert out.read_text(encoding="utf-8").endswith("</html>\n")
