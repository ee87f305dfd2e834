"""What every warehouse can do, wherever it is: `build` has one course, and commands ask no more than this.

A new target is a folder beside this file with a subclass, a line in registry.py, and a file of dbt macros.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from armazem.config import Settings
from armazem.home import Home
from armazem.landing.ledger import LedgerRow
from armazem.landing.zone import Zone
from armazem.targets.catalog import Model
from armazem.targets.plan import Journal, Plan, State
from armazem.targets.reader import Reader
from armazem.targets.records import BuildRecord, DbtRun
from armazem.targets.rows import Rows

if TYPE_CHECKING:  # what writes the journal takes numpy, which most commands have no use for
    from armazem.intake.replay import LetterBox
    from armazem.intake.sinks import Sink

OnNotice = Callable[[str], None]
Catalog = Callable[[], tuple[Model, ...]]


@dataclass(frozen=True, slots=True)
class DbtProfile:
    """How dbt works on a target. `name`: of the target in dbt's profile; `state`: where its artifacts go.

    `environment`: what the profile reads; `where`: what of it a manifest names, so that it is good for that only.
    """

    name: str
    state: Path
    threads: int
    environment: dict[str, str]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Builds:
    """`records`: of every build that ended, oldest first; `current`: what readers see; `kept`: can be restored."""

    records: list[BuildRecord]
    current: str | None
    kept: set[str]


@dataclass(frozen=True, slots=True)
class Contents:
    """What is published. `orders`: their number, the time of the last one, their revenue; None where unknown."""

    build: str | None
    state: State
    orders: tuple[Any, Any, Any] = (None, None, None)


class Target(ABC):
    """One warehouse. What changes it is called by the holder of `building` only."""

    name: ClassVar[str]
    label: ClassVar[str]
    """What `place` is, in a word."""
    in_home: ClassVar[bool]
    """Whether its tables lie in the home folder, as loads and events do."""
    may_be_killed: ClassVar[bool]
    """Whether nothing has to be given back when a build ends: the next one clears up."""
    bills_bytes: ClassVar[bool]
    """Whether a query costs by what it scans."""
    quote: ClassVar[str]
    """What stands around names in SQL."""
    failed_rows: str
    """The command that shows the rows at which a test failed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def home(self) -> Home:
        """The home folder of the settings: of a warehouse elsewhere, where files are prepared and dbt keeps its own."""
        return self.settings.home_folder

    @property
    @abstractmethod
    def place(self) -> str:
        """Where it is, in the words of a user."""

    @abstractmethod
    def errors(self, doing: str) -> AbstractContextManager[None]:
        """Turn what its client raises while `doing` something into an ArmazemError: what, where, what to do."""

    # What is loaded

    @abstractmethod
    def zone(self) -> Zone:
        """Where files are landed."""

    @abstractmethod
    def loads(self) -> list[LedgerRow]:
        """Every file that is landed and not withdrawn, in load order."""

    @abstractmethod
    def withdraw(self, load_id: str, waiting: OnNotice) -> Path | None:
        """Withdraw a load: builds no longer see it. Return the folder its files are kept in, if it is one.

        Raises an ArmazemError where there is no such load.
        """

    @abstractmethod
    def receiving(self) -> AbstractContextManager[Sink]:
        """Return what takes messages of a subscription in, for the time of a `with` block.

        Raises an ArmazemError where it cannot, before anything is received.
        """

    @abstractmethod
    def dead_letters(self) -> LetterBox:
        """Return where refused messages lie."""

    @abstractmethod
    def event_ledger(self) -> Rows:
        """Return the books of events, one row per source and one of all: see `event_books`."""

    @abstractmethod
    def journal(self, before: State | None, *, cheap: bool = False) -> Journal:
        """Return where the events end, and what is new after a version. `cheap`: not where that is to scan them all."""

    @abstractmethod
    def events(self, contents: Contents) -> dict[str, int]:
        """Count events, for `status`: those accepted, not built, refused; {} where that is not known."""

    # One build, in this order

    @abstractmethod
    def building(self, waiting: OnNotice, doing: str = "the build") -> AbstractContextManager[None]:
        """Hold the lock of builds, after telling who has it; failures inside are put in words and tidied up."""

    @abstractmethod
    def recover(self, catalog: Catalog, on_notice: OnNotice) -> None:
        """Make good what killed builds left, and check that these models can be published."""

    @abstractmethod
    def current_build(self) -> str | None:
        """Return the id of the build that readers see; None before the first."""

    @abstractmethod
    def published(self) -> tuple[str | None, State | None]:
        """Return the published build and what it says of itself; None for that where it is missing or damaged."""

    @abstractmethod
    def code(self) -> Sequence[str]:
        """Return what tables depend on besides the models: a build with something else begins from nothing."""

    @abstractmethod
    def build_ids(self) -> set[str]:
        """Return the ids that were used: a new one is greater."""

    @abstractmethod
    def dbt(self) -> DbtProfile:
        """Return how dbt works on what is built."""

    @abstractmethod
    def prepare(self, plan: Plan) -> None:
        """Lay out what dbt will work on: the tables of the version to start from, and what to take in."""

    @abstractmethod
    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the answer to a query on what is being built."""

    @abstractmethod
    def new_events(self) -> int:
        """Count the distinct events that this build takes in."""

    @abstractmethod
    def refuse(self, record: BuildRecord, run: DbtRun, failures: Sequence[str]) -> None:
        """Keep the record of a build that failed, and its tables for a look at the failing rows."""

    @abstractmethod
    def changed(self, tables: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Return which of these tables, as layer and table, have other rows or columns than those that readers see."""

    @abstractmethod
    def keep(self, record: BuildRecord, run: DbtRun, loads: Sequence[LedgerRow]) -> tuple[tuple[str, int], ...]:
        """Keep what passed, with `meta`, as a version that nobody reads. Return the rows of each `layer.table`."""

    @abstractmethod
    def publish(self, record: BuildRecord, on_notice: OnNotice) -> None:
        """Give readers the version that was kept, and forget old ones. Once more of the same changes nothing."""

    @abstractmethod
    def wait(self, record: BuildRecord) -> None:
        """Write down that a version that was kept waits to be published."""

    @abstractmethod
    def replaces(self, build_id: str) -> str | None:
        """Return the version from which a waiting one was made, or whose list of builds it carries on."""

    # What readers and operators ask

    @abstractmethod
    def schema(self, layer: str) -> str:
        """Return what the tables of a layer are found in, for SQL."""

    @abstractmethod
    def columns(self, layer: str) -> tuple[tuple[str, str, str], ...]:
        """Return table, column and type of the published tables of a layer, in the order of their columns."""

    @abstractmethod
    def query(self, sql: str, parameters: Sequence[Any] = (), *, failed: bool = False) -> Rows:
        """Answer a query that reads. `failed`: on the last build that failed its audit. Raises QueryError."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Reader]:
        """Return what answers questions that bring a table of their own, for the time of a `with` block.

        Raises an ArmazemError where nothing is published.
        """

    @abstractmethod
    def contents(self) -> Contents:
        """Return what is published, all of one version."""

    @abstractmethod
    def builds(self) -> Builds:
        """Return the builds that ended."""

    @abstractmethod
    def failures(self, build_id: str) -> Sequence[str]:
        """Return why a build failed, a line for each model and test; none where that is not kept."""

    @abstractmethod
    def rollback(self, build_id: str | None, waiting: OnNotice) -> str:
        """Publish again what is kept of this build, or of the one before the current. Return its id."""

    @abstractmethod
    def scanned(self, plan: Plan) -> Callable[[str], int | None]:
        """Lay out a dry run. Return how many bytes a query of it would scan, None before its inputs are there."""
