"""What Terraform's Google provider takes and gives: read from the Python classes that HashiCorp made of its schema,
which are a package on PyPI. They are parsed and never imported: that would start Node.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# Of Terraform itself: every resource takes them.
META = {"connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"}


@dataclass(frozen=True, slots=True)
class Argument:
    """`block`: the class of what is written `name { … }`; empty: it is written `name = …`. `several`: it is a list."""

    required: bool
    block: str
    several: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource or data source. `blocks`: class to its arguments; `gives`: what others may refer to."""

    arguments: dict[str, Argument]
    blocks: dict[str, dict[str, Argument]]
    gives: frozenset[str]


def package() -> Path:
    """The folder of the package. Raises ImportError where it is not installed."""
    spec = find_spec("cdktf_cdktf_provider_google")
    if spec is None or spec.origin is None:
        raise ImportError("cdktf_cdktf_provider_google is not installed")
    return Path(spec.origin).parent


@cache
def kind_of(name: str) -> Kind | None:
    """A kind by its name, `google_storage_bucket`, or `data.google_project` for a data source; None: there is none."""
    folder = package() / (
        f"data_{name.removeprefix('data.')}" if name.startswith("data.") else name.removeprefix("google_")
    )
    if not (folder / "__init__.py").is_file():
        return None
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    [config] = [found for found in classes if f"{found.removesuffix('Config')}" in classes and found.endswith("Config")
                and found.lower() == f"{folder.name.replace('_', '')}config"]  # fmt: skip
    blocks = {class_: _arguments(node, classes) for class_, node in classes.items()}
    own = {argument: told for argument, told in blocks[config].items() if argument not in META}
    return Kind(own, blocks, frozenset(_properties(classes[config.removesuffix("Config")])))


def _arguments(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> dict[str, Argument]:
    """The arguments of a class: those of its constructor, by the names that Terraform has."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            found = {}
            for argument, default in zip(part.args.kwonlyargs, part.args.kw_defaults, strict=True):
                told = ast.unparse(argument.annotation) if argument.annotation else ""
                block = next((word for word in re.findall(r"\w+", told) if word in classes), "")
                name = argument.arg.removesuffix("_attribute")
                found[name] = Argument(default is None, block, "Sequence[" in told)
            return found
    return {}


def _properties(node: ast.ClassDef) -> set[str]:
    """What a resource can be asked for, `id` among it."""
    decorated = (part for part in node.body if isinstance(part, ast.FunctionDef) and part.decorator_list)
    return {part.name for part in decorated} | {"id"}
