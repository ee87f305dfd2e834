"""The pages written by hand say nothing that is not there, and leave nothing out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from armazem.cli.group import COMMANDS
from armazem.config import Settings
from armazem.contract import TABLES, RejectCode
from armazem.kpis.catalogue import KPIS
from tools.cleaning_counts import STEPS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")], key=str)
# Written by `make bench` and `make soak`: figures for developers, who know the variables of the tests.
FIGURES = ("benchmarks.md", "reliability.md")
_LINK = re.compile(r"(?:\]\(|src=\"|srcset=\")([^)\"\s]+)[)\"]")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = link.partition("#")
        if target.startswith("http"):
            continue
        file = (page.parent / target) if target else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(link)
    assert broken == []


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(_LINK.findall(read("README.md")))
    expected = {f"docs/{page.name}" for page in PAGES if page.parent.name == "docs" and page.name not in FIGURES}
    assert expected <= linked


def test_the_readme_names_every_command() -> None:
    assert {name for name in COMMANDS if f"`armazem {name}" not in read("README.md")} == set()


def test_the_readme_names_every_source_file_and_whether_it_is_required() -> None:
    rows = {f"| `{t.name}` | `{t.file}` | {'optional' if t.optional else 'required'} |" for t in TABLES}
    assert rows <= set(read("README.md").splitlines())


def test_every_reject_code_is_explained() -> None:
    text = read("docs/cleaning.md") + read("docs/streaming.md")
    assert {code.value for code in RejectCode if f"| `{code.value}` |" not in text} == set()


def test_every_counted_cleaning_step_has_its_count() -> None:
    counted = re.findall(r"^\| (.+) \| [\d,]+ \|$", read("docs/cleaning.md"), re.MULTILINE)
    assert counted == [step for step, _ in STEPS]


def test_every_kpi_is_defined() -> None:
    text = read("docs/kpis.md")
    missing = [k.name for k in KPIS if f"{k.name}\n" not in text or f"../dbt/models/kpis/{k.name}.sql" not in text]
    assert missing == []


def test_every_setting_named_in_the_docs_exists() -> None:
    known = {f"ARMAZEM_{name.upper()}" for name in Settings.model_fields}
    # Where dbt is run by hand.
    for path in ("dbt/profiles.yml", "dbt/macros/times.sql"):
        known |= set(re.findall(r"env_var\('(ARMAZEM_\w+)'", read(path)))
    texts = [page.read_text(encoding="utf-8") for page in PAGES if page.name not in FIGURES]
    named = {name for text in texts for name in re.findall(r"ARMAZEM_[A-Z_]*[A-Z]", text)}
    assert named - known == set()


def test_every_command_named_in_the_docs_exists() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"`armazem ([a-z]+)[` ]", text)) | set(re.findall(r"bin/armazem ([a-z]+)", text))
    assert named - set(COMMANDS) == set()
