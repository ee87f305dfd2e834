"""What a server that builds by itself knows after a restart: which files it has taken, which loads it holds back."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path

from armazem.disk.durable import write_whole

_logger = logging.getLogger(__name__)


@dataclass
class _State:
    handled: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    code: str = ""
    turn: str = ""


class Memory:
    """`handled`: path in the inbox to the version that was taken; `refused`: path to why it was not loaded.

    `held`: loads that failed their audit, and why; `code`: of the models that they failed for. `turn`: when the last
    build began that went to its end, in ISO 8601.
    """

    def __init__(self, file: Path) -> None:
        """Read what is written there. Without it all files are looked at again: those that are loaded are known."""
        self._file = file
        self._state = _State()
        try:
            self._state = _State(**json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError) as error:
            _logger.warning("%s cannot be read, and is made anew: %s", file, error)

    @property
    def handled(self) -> dict[str, str]:
        return self._state.handled

    @property
    def refused(self) -> dict[str, str]:
        return self._state.refused

    @property
    def held(self) -> dict[str, str]:
        return self._state.held

    @property
    def code(self) -> str:
        return self._state.code

    @property
    def turn(self) -> str:
        return self._state.turn

    def take(self, path: str, version: str, refused: str | None) -> None:
        """Note that a file was loaded, or why not; to be written."""
        self._state.handled[path] = version
        self._state.refused.pop(path, None)
        if refused is not None:
            self._state.refused[path] = refused

    def forget_others(self, there: set[str]) -> None:
        """Forget files that are gone: if they come again, they are looked at again."""
        gone = self._state.handled.keys() - there
        for path in gone:
            del self._state.handled[path]
            self._state.refused.pop(path, None)
        if gone:
            self.write()

    def hold(self, held: dict[str, str], code: str) -> None:
        """Note all that is held back, and for which code."""
        self._state.held, self._state.code = held, code
        self.write()

    def ended(self, turn: str) -> None:
        """Note that the build which began then went to its end."""
        self._state.turn = turn
        self.write()

    def write(self) -> None:
        """What cannot be written is found out again after a restart."""
        try:
            text = json.dumps(asdict(self._state), ensure_ascii=False, indent=1) + "\n"
            write_whole(self._file, text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            _logger.warning("%s cannot be written: %s", self._file, error)
