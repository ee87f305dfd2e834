"""The options of the pipeline, declared once: its parser, the command and the Flex Template are made from them.

Imports no Beam: `armazem dataflow --help` and the template's metadata do without it.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from armazem.errors import ArmazemError

OWN, BEAM = "own", "beam"


class OptionError(ArmazemError):
    """An option that does not exist, is missing, or has a value that it cannot have."""


class Parameter(NamedTuple):
    """An option. `pattern`: what a value has to be as a whole, in the syntax of egrep, as templates take it; `form`:
    the same for people. Required without default.
    """

    name: str
    label: str
    help: str
    form: str
    pattern: str
    default: str | None = None
    kind: type[str] | type[int] | type[float] = str

    @property
    def required(self) -> bool:
        return self.default is None

    def value(self, text: str) -> str | int | float:
        """Return the value that a text stands for. Raises OptionError."""
        if re.fullmatch(self.pattern, text) is None:
            raise OptionError(f"--{self.name}={text} is not {self.form}", self.help)
        return self.kind(text)


PARAMETERS = (
    Parameter(
        "subscription",
        "Pub/Sub subscription",
        "The subscription that messages come from.",
        "projects/PROJECT/subscriptions/NAME",
        # As Pub/Sub names them; a project may have a domain in front.
        r"projects/[a-z0-9][a-z0-9.:-]*/subscriptions/[A-Za-z][A-Za-z0-9._~+%-]{2,254}",
    ),
    Parameter(
        "dataset",
        "BigQuery dataset",
        "The dataset that has the tables events and dead_letters: raw, with the prefix of the warehouse.",
        "PROJECT.[PREFIX]raw",
        r"([a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]*\.([A-Za-z_][A-Za-z0-9_]*)?raw",
    ),
    Parameter(
        "time_zone",
        "Business time zone",
        "The zone of order times that have no offset; the same as ARMAZEM_TIME_ZONE of the builds.",
        "the name of a time zone, such as America/Sao_Paulo",
        r"[A-Za-z][A-Za-z0-9_+/-]*",
        "America/Sao_Paulo",
    ),
    Parameter(
        "batch_size",
        "Messages in a batch",
        "Messages that are checked and sent together, at most; large messages count as several.",
        "a number from 1 to 100000",
        r"[1-9][0-9]{0,4}|100000",
        "1000",
        int,
    ),
    Parameter(
        "retry_seconds",
        "Seconds of retries",
        "How long a bundle goes on trying to append while BigQuery fails; then the runner tries the bundle again.",
        "a number of seconds above 0",
        r"[1-9][0-9]{0,5}(\.[0-9]{1,3})?|0\.[0-9]{0,2}[1-9]",
        "600",
        float,
    ),
    Parameter(
        "write_endpoint",
        "Endpoint of an emulator",
        "host:port of an emulator of BigQuery's Storage Write API. Leave it empty for BigQuery.",
        "host:port, or empty",
        r"([A-Za-z0-9.-]+:[0-9]{1,5})?",
        "",
    ),
    Parameter(
        "writer",
        "Who writes",
        "own: Arrow into the default stream, as `armazem subscribe` does. beam: Beam's own STORAGE_WRITE_API, which "
        "needs Java where the job is submitted, and was never tested with this pipeline.",
        "own or beam",
        f"{OWN}|{BEAM}",
        OWN,
    ),
)


def values_of(given: dict[str, str | None]) -> dict[str, str | int | float]:
    """Return the value of each option: the one that is given, or its default. Raises OptionError."""
    values: dict[str, str | int | float] = {}
    for one in PARAMETERS:
        text = given.get(one.name)
        text = one.default if text is None else text
        if text is None:
            raise OptionError(f"--{one.name} is missing", f"--{one.name}={one.form}: {one.help}")
        values[one.name] = one.value(text)
    try:
        ZoneInfo(str(values["time_zone"]))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder of zones is no zone: OSError
        raise OptionError(
            f"there is no time zone {values['time_zone']}", "name one such as America/Sao_Paulo"
        ) from error
    return values
