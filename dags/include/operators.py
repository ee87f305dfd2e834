"""Tasks that run `armazem`: any command, a build with its audit, and its publication."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow.exceptions import AirflowException
from airflow.sdk import AssetAlias, BaseOperator, SkipMixin
from airflow.sdk.exceptions import AirflowFailException

from include.command import AUDIT_FAILED, DONE, WRONG_USE, Answer, Command
from include.settings import POOL, PREFIX
from include.tables import asset_of, changed_tables, unchanged_tasks

# What a run published with other content than before: events of the assets of those tables.
PUBLISHED = AssetAlias("armazem")
_WAIT = "3600"  # seconds that a build waits for one that nobody's pool knows of


class ArmazemOperator(BaseOperator):
    """Run `armazem ARGUMENTS --format json`. Its report is the XCom, its remarks are the log.

    What was wrongly used is as wrong at the next try: it is not tried again.
    """

    template_fields: Sequence[str] = ("arguments",)

    def __init__(self, *, arguments: Sequence[str] = (), with_report: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments = list(arguments)
        self.with_report = with_report
        self._command: Command | None = None

    def execute(self, context: Any) -> Any:
        del context
        return self.checked(self.arguments)

    def checked(self, arguments: Sequence[str]) -> Any:
        """Run a command that has to succeed; return its report."""
        answer = self.run(arguments)
        if answer.code == WRONG_USE:
            raise AirflowFailException(answer.error)
        if answer.code != DONE:
            raise AirflowException(answer.error)
        return answer.report

    def run(self, arguments: Sequence[str]) -> Answer:
        """Run a command, which may fail."""
        self._command = Command(
            [*arguments, *(["--format", "json"] if self.with_report else [])], lambda line: self.log.info("%s", line)
        )
        self.log.info("running %s", " ".join(self._command.arguments))
        return self._command.run()

    def published_loads(self) -> set[str]:
        """Return the ids of the loads that readers see; none before the first publication."""
        answer = self.run(["sql", f"select distinct load_id from {PREFIX}meta.loads"])
        return {row["load_id"] for row in answer.report or ()} if answer.code == DONE else set()

    def on_kill(self) -> None:
        if self._command is not None:
            self._command.stop()


class BuildOperator(ArmazemOperator, SkipMixin):
    """Build and audit everything that is loaded, and publish nothing.

    `loads_of`: the task whose loads this run is for. Where the audit fails, another run's load may be the reason: so
    it builds once more, with none but its own. Where that fails too, its own are withdrawn if no reader has them, so
    that they stop nobody else, and the task fails without another try.
    """

    def __init__(self, *, loads_of: str, arguments: Sequence[str] = (), **kwargs: Any) -> None:
        kwargs.setdefault("pool", POOL)
        super().__init__(arguments=["build", "--no-publish", "--wait", _WAIT, *arguments], **kwargs)
        self.loads_of = loads_of

    def execute(self, context: Any) -> Any:
        loads = loads_in(context["ti"].xcom_pull(task_ids=self.loads_of))
        answer = self.run(self.arguments)
        if answer.code == AUDIT_FAILED:
            self.log.warning("the audit failed: building this run's loads alone")
            answer = self.run([*self.arguments, *only(loads)])
        if answer.code == AUDIT_FAILED:
            self._withdraw(loads)
            raise AirflowFailException(audit_in_words(answer.report))
        if answer.code != DONE:
            raise AirflowException(answer.error)
        context["ti"].xcom_push(key="return_value", value=answer.report)  # skipping ends the task before it returns
        self.skip(context["ti"], unchanged_tasks(context["task"], changed_tables(answer.report)))
        return answer.report

    def _withdraw(self, loads: Iterable[str]) -> None:
        for load_id in sorted(set(loads) - self.published_loads()):
            answer = Command(["unload", load_id], lambda line: self.log.info("%s", line)).run()
            if answer.code == DONE:
                self.log.warning("withdrew load %s: mend the extract and clear this run from the load on", load_id)


class PublishOperator(ArmazemOperator):
    """Publish what `build` made, and make sure that this run's days are in it.

    Where somebody else published meanwhile, that build would take theirs back: it is made anew on top of theirs, and
    published at once. Not so with `approved`: nobody has approved that one. What is published already stays as it is,
    so a retry changes nothing.
    """

    template_fields: Sequence[str] = ("days",)

    def __init__(
        self, *, loads_of: str, days: Sequence[str] = (), build: str = "build", approved: bool = False, **kwargs: Any
    ) -> None:
        kwargs.setdefault("pool", POOL)
        # Before all builds that wait: what they would start from is about to change.
        kwargs.setdefault("weight_rule", "absolute")
        kwargs.setdefault("priority_weight", 1000)
        kwargs.setdefault("outlets", [PUBLISHED])
        super().__init__(**kwargs)
        self.loads_of, self.days, self.build, self.approved = loads_of, days, build, approved

    def execute(self, context: Any) -> Any:
        reports = context["ti"].xcom_pull(task_ids=self.loads_of)
        built = context["ti"].xcom_pull(task_ids=self.build)
        loads = loads_in(reports)
        if built["build_id"] is not None:
            built = self._publish(built, loads)
        self._check(loads)
        for table in changed_tables(built):
            context["outlet_events"][PUBLISHED].add(asset_of(table), extra={"build_id": built["build_id"]})
        return {key: built[key] for key in ("build_id", "status", "reason", "seconds")}

    def _publish(self, built: Any, loads: Sequence[str]) -> Any:
        arguments = ["publish", built["build_id"]]
        if self.approved:
            self.checked(arguments)
            return built
        answer = self.run(arguments)
        if answer.code == DONE:
            return built
        self.log.warning("not published (%s): building again on what is published now", answer.error)
        answer = self.run(["build", "--wait", _WAIT, *only(loads)])
        if answer.code == AUDIT_FAILED:
            raise AirflowFailException(audit_in_words(answer.report))
        if answer.code != DONE:
            raise AirflowException(answer.error)
        return answer.report

    def _check(self, loads: Sequence[str]) -> None:
        missing = set(loads) - self.published_loads()
        if missing:
            raise AirflowFailException(f"not published: {', '.join(sorted(missing))}; clear this run from the load on")
        for day in self.days:
            [row] = self.checked(
                [
                    "sql",
                    f"select count(*) as orders from {PREFIX}marts.fact_orders "
                    f"where cast(order_purchase_timestamp as date) = date '{day}'",
                ]
            )
            if not row["orders"]:
                raise AirflowFailException(f"no order bought on {day} is published: is it another day's extract?")
            self.log.info("%s orders bought on %s are published", row["orders"], day)


def reports_in(pulled: Any) -> list[Any]:
    """Return the reports of a task's loads: of one, of many mapped ones, of none."""
    if pulled is None:
        return []
    return [pulled] if isinstance(pulled, dict) else list(pulled)


def loads_in(pulled: Any) -> list[str]:
    """Return the ids of the loads that hold the files of these reports, also where a try before loaded them."""
    return sorted({file["load_id"] for report in reports_in(pulled) for file in report["files"]})


def has_orders(report: Any) -> bool:
    """Whether an extract has a row of orders."""
    return any(file["table"] == "orders" and file["rows_read"] for file in report["files"])


def only(loads: Iterable[str]) -> list[str]:
    """Return the options by which a build takes in these loads and no others."""
    return [part for load_id in loads for part in ("--only-load", load_id)]


def audit_in_words(report: Any) -> str:
    """Say which models and tests failed."""
    models = [model["model"] for model in report["models"] if model["status"] == "error"]
    tests = [
        f"{test['test']} ({test['failed_checks']})" if test["failed_checks"] else test["test"]
        for test in report["tests"]
        if test["status"] in ("fail", "error")
    ]
    return f"the audit failed: {', '.join([*models, *tests])}; readers keep {report['current'] or 'nothing'}"
