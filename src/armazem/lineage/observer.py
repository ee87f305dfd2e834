"""Who is told what happens in a build: nobody, or an endpoint of OpenLineage where one is configured.

`build` is the only caller. Whatever goes wrong here is said in a remark, and the build goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

from armazem.errors import MissingExtra, extra
from armazem.lineage.configuration import is_configured
from armazem.targets.base import OnNotice, Target
from armazem.targets.plan import Plan
from armazem.targets.records import DbtRun

OnNode = Callable[[str, int, int], None]


class Observer:
    """Is told of each step of a build, in this order; this one does nothing. No method raises or waits."""

    def begun(self, build_id: str, plan: Plan) -> None:
        """A build that has something to do is about to run dbt."""

    def node(self, name: str) -> None:
        """A model or test starts; called in a thread of dbt's."""

    def ran(self, run: DbtRun) -> None:
        """Models and tests have ended, some perhaps with a failure."""

    def published(self, rows: Sequence[tuple[str, int]]) -> None:
        """Readers see the new version, or will once it is published; `rows`: of each `layer.table` of it."""

    def failed(self, error: BaseException) -> None:
        """The build has ended without a publication."""

    def closed(self) -> None:
        """The build has let go of its lock. The one method that may wait, for some seconds."""

    def noting(self, on_node: OnNode) -> OnNode:
        """Return a listener to nodes that tells this observer and `on_node`."""

        def note(name: str, number: int, total: int) -> None:
            self.node(name)
            on_node(name, number, total)

        return note


@contextmanager
def observed(target: Target, on_notice: OnNotice) -> Iterator[Observer]:
    """Return who is told of one build on this target."""
    observer = _observer(target, on_notice)
    try:
        yield observer
    except BaseException as error:
        observer.failed(error)
        raise
    finally:
        observer.closed()


def _observer(target: Target, on_notice: OnNotice) -> Observer:
    if not is_configured():
        return Observer()
    try:
        with extra("lineage", "sending lineage"):
            _check_client()
    except MissingExtra as error:
        on_notice(f"warning: no lineage is sent: {error}: {error.hint}")
        return Observer()
    from armazem.lineage.sending import LineageObserver

    return LineageObserver(target, on_notice)


def _check_client() -> None:
    """Raises ImportError where OpenLineage's client is not installed; does not import it."""
    client = "openlineage.client"
    if find_spec(client) is None:
        raise ModuleNotFoundError(f"No module named '{client}'", name=client)
