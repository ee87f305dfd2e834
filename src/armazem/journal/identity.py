"""What tells one journal from another, wherever its folder lies."""

from __future__ import annotations

import re
from uuid import uuid4

from armazem.disk.durable import write_whole
from armazem.errors import HomeError
from armazem.home import Home

FILE = "id"


def journal_id(home: Home) -> str:
    """The id of the journal, made when it is first asked for: by its writer, as no two may make one.

    Raises HomeError where it cannot be read or written.
    """
    path = home.journal / FILE
    try:
        if not path.exists():
            write_whole(path, f"{uuid4().hex[:12]}\n".encode())
        found = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise HomeError(f"cannot use {path}: {reason}", "check the permissions and the free space there") from error
    if not re.fullmatch(r"[0-9a-f]{12}", found):
        raise HomeError(
            f"{path} holds no id of a journal", "restore it, or remove it: then topics are read from their beginning"
        )
    return found
