"""What a server that builds by itself knows after a restart: which files it has taken, which loads it holds back."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path

from armazem.disk.durable import write_whole

_logger = logging.getLogger(__name__)


@dataclass
class Memory:
    """`handled`: path in the inbox to the version that was taken; `refused`: path to why it was not loaded.

    `held`: loads that failed their audit, and why; `code`: of the models that they failed for.
    """

    handled: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    code: str = ""

    @classmethod
    def read(cls, file: Path) -> Memory:
        """Return what is written there. Without it all files are looked at again: those that are loaded are known."""
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            return cls(**{name: values[name] for name in ("handled", "refused", "held", "code")})
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError) as error:
            _logger.warning("%s cannot be read, and is made anew: %s", file, error)
            return cls()

    def write(self, file: Path) -> None:
        """Raises OSError; what is not written is found out again."""
        write_whole(file, (json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n").encode())
