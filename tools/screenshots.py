"""Pictures of every page of the dashboard, made from the real application: `python -m tools.screenshots`.

A home folder with generated data is made and served, orders come in from the simulator, and a Chromium takes the
pictures into docs/dashboard/. `--home` takes one that is built already, of which it works on a copy.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

PICTURES = Path(__file__).parents[1] / "docs" / "dashboard"
PAGES = ("overview", "products", "sellers", "customers", "forecast", "live", "data")
DESKTOP, PHONE = (1440, 900), (390, 844)
# A theme and a locale each, so that all of them are seen.
KINDS = (
    ("light", DESKTOP, "theme=light"),
    ("dark", DESKTOP, "theme=dark&lang=pt-BR"),
    ("phone-light", PHONE, "theme=light&lang=pt-BR"),
    ("phone-dark", PHONE, "theme=dark"),
)
_ARMAZEM = Path(sys.executable).with_name("armazem")
_UNTIL = "2026-10-31"  # the same figures each time
_LONGEST = 2400  # pixels of height: what is below on a long phone page repeats


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The address of a server on the home folder, with orders coming in."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ARMAZEM_")}
    command: list[str | Path] = [_ARMAZEM, "--home", home, "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=clean) as server:
        assert server.stderr is not None
        url = next(line.split()[1] for line in server.stderr if line.startswith("serving "))
        simulate: list[str | Path] = [
            _ARMAZEM,
            "--home",
            home,
            "simulate",
            "--rate",
            "60",
            "--malformed",
            "1",
            "--to",
            url,
        ]
        with subprocess.Popen(simulate, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean) as simulator:
            try:
                yield url
            finally:
                for process in (simulator, server):
                    process.send_signal(signal.SIGINT)
                    process.wait(60)


def take(browser: Browser, url: str, page: str, kind: str, size: tuple[int, int], query: str) -> None:
    """One picture of the whole page, once every panel is filled."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, device_scale_factor=1)
    tab = context.new_page()
    tab.goto(f"{url}/{'' if page == 'overview' else page}?{query}")
    tab.wait_for_selector(".page .panel")
    tab.wait_for_function("!document.querySelector('.page').innerText.includes('Loading …')")
    tab.wait_for_timeout(1500)  # the charts come to rest
    height = min(_LONGEST, int(tab.evaluate("document.documentElement.scrollHeight")))
    tab.set_viewport_size({"width": size[0], "height": height})
    tab.wait_for_timeout(700)
    tab.screenshot(path=PICTURES / f"{page}-{kind}.png", animations="disabled")
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.screenshots", description=__doc__)
    parser.add_argument("--home", type=Path, help="a home folder that is built; it is copied")
    parser.add_argument("--page", choices=PAGES, action="append", help="only this one; may be given again")
    arguments = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        if arguments.home:
            shutil.copytree(arguments.home, home, symlinks=True)
        else:
            command = [_ARMAZEM, "--home", home, "up", "--until", _UNTIL, "--no-serve"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with served(home) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            # Some minutes of orders, so that the live page has something to show.
            subprocess.run(
                [_ARMAZEM, "--home", home, "simulate", "--rate", "400", "--duration", "20", "--seed", "2", "--to", url],
                check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            for page in arguments.page or PAGES:
                for kind, size, query in KINDS:
                    take(browser, url, page, kind, size, query)
                    sys.stdout.write(f"{page}-{kind}.png\n")


if __name__ == "__main__":
    main()
