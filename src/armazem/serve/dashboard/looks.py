"""Light or dark: as the system is, unless the reader has said otherwise; and the way back through the filters.

Charts are drawn with the colours that the server sends, so that it must know how the system is: a cookie says so. Of
who comes for the first time it takes light, and a browser of a dark system asks once more before it shows anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nicegui import ui

SYSTEM, CHOICE = "armazem-system", "armazem-theme"
"""Cookies: how the system is, and what the reader has chosen instead."""
THEMES = ("light", "dark")
_SYSTEM_CHANGED, _WENT_BACK = "armazem-system-changed", "armazem-went-back"

_SCRIPT = """
<script>
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)"), name = () => system.matches ? "dark" : "light";
  const keep = () => { document.cookie = `SYSTEM=${name()};path=/;max-age=31536000;samesite=lax`; };
  const kept = () => document.cookie.split("; ").includes(`SYSTEM=${name()}`);
  const before = kept();
  keep();
  if (FOLLOWS && !before && kept() && name() !== SHOWN) location.reload();
  system.addEventListener("change", () => { keep(); emitEvent("SYSTEM_CHANGED", name()); });
  addEventListener("popstate", () => emitEvent("WENT_BACK", location.search));
})();
</script>
"""


class Looks:
    """How one page is to look: what its address says, else what the reader has chosen, else as the system is."""

    def __init__(self, said: str) -> None:
        request = ui.context.client.request
        cookies = request.cookies if request else {}
        self._system = cookies.get(SYSTEM) if cookies.get(SYSTEM) in THEMES else "light"
        self._chosen = cookies.get(CHOICE, "") if cookies.get(CHOICE) in THEMES else ""
        self._said = said

    @property
    def theme(self) -> str:
        return self._said or self._chosen or self._system or "light"

    @property
    def dark(self) -> bool:
        return self.theme == "dark"

    def send(self, went_back: Callable[[str], Any], changed: Callable[[], Any]) -> None:
        """Send the script of the page. `went_back`: to the address with this query; `changed`: the system's has."""
        script = _SCRIPT.replace("SYSTEM_CHANGED", _SYSTEM_CHANGED).replace("WENT_BACK", _WENT_BACK)
        script = script.replace("FOLLOWS", json.dumps(not (self._said or self._chosen)))
        ui.add_head_html(script.replace("SHOWN", json.dumps(self.theme)).replace("SYSTEM", SYSTEM))
        ui.on(_WENT_BACK, lambda event: went_back(str(event.args or "")))

        def system_changed(event: Any) -> Any:
            if event.args not in THEMES:
                return None
            self._system = event.args
            return changed()

        ui.on(_SYSTEM_CHANGED, system_changed)

    def switch(self) -> None:
        """Switch to the other look. Who chooses what the system is follows it again."""
        other = "light" if self.dark else "dark"
        self._said, self._chosen = "", "" if other == self._system else other
        life = "31536000" if self._chosen else "0"
        ui.run_javascript(f'document.cookie = "{CHOICE}={self._chosen};path=/;max-age={life};samesite=lax"')
