"""Which published table is computed from which: what a scheduler or a catalogue draws."""

from __future__ import annotations

from armazem.build.dbt_project import TargetProject
from armazem.targets.base import Target


def table_graph(target: Target) -> dict[str, list[str]]:
    """Return each published table, as `layer.table`, with those that it is computed from, in the order of publishing.

    Models that are no tables are passed through. Raises BuildError where dbt cannot parse the project.
    """
    models = {model.name: model for model in TargetProject(target).catalog()}

    def behind(name: str) -> set[str]:
        found: set[str] = set()
        for source in models[name].inputs:
            model = models.get(source)
            if model is not None:  # else a source
                found |= {f"{model.layer}.{model.table}"} if model.is_published else behind(source)
        return found

    return {
        f"{model.layer}.{model.table}": sorted(behind(model.name) - {f"{model.layer}.{model.table}"})
        for model in models.values()
        if model.is_published
    }
