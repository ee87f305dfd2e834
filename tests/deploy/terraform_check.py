"""Terraform files against the provider's schema, and against one another: what `terraform validate` would say first.

For where Terraform and its provider cannot be had. Arguments: that they exist, that none is missing, that a block is
written as one. References: that variable, local, resource and its attribute exist, and are asked for by key where there
are several. It evaluates nothing and knows no values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hcl2

from .terraform_schema import META, Argument, kind_of

_COMMENTS = {"__is_block__", "__comments__", "__inline_comments__"}
_RESOURCE = re.compile(r"(?<![\w.-])((?:data\.)?google_\w+)\.(\w+)(\[[^\]]*\])?(?:\.(\w+))?")


@dataclass(slots=True)
class Module:
    """All that a folder declares. `resources`: `kind.name` to its body, data sources with `data.` in front."""

    variables: dict[str, Any] = field(default_factory=dict)
    locals: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    rest: list[Any] = field(default_factory=list)


def read(folder: Path) -> Module:
    """All .tf files of a folder."""
    module = Module()
    for path in sorted(folder.glob("*.tf")):
        with path.open(encoding="utf-8") as file:
            tree = hcl2.load(file)
        for kind, blocks in tree.items():
            for block in blocks if isinstance(blocks, list) else []:
                _take(module, kind, block)
    return module


def _take(module: Module, kind: str, block: Mapping[str, Any]) -> None:
    named = {name.strip('"'): body for name, body in block.items() if name not in _COMMENTS}
    if kind in ("variable", "output"):
        (module.variables if kind == "variable" else module.outputs).update(named)
    elif kind == "locals":
        module.locals.update(named)
    elif kind in ("resource", "data"):
        for type_, bodies in named.items():
            for name, body in bodies.items():
                if name not in _COMMENTS:
                    module.resources[f"{'data.' if kind == 'data' else ''}{type_}.{name.strip(chr(34))}"] = body
    else:
        module.rest.append(block)


def problems(module: Module) -> list[str]:
    """What is wrong, a line each."""
    return [
        *(line for where, body in module.resources.items() for line in _resource(where, body)),
        *(line for where, body in _places(module) for line in _references(where, body, module)),
        *_unused(module),
        *(f"variable {name}: no description" for name, body in module.variables.items() if "description" not in body),
        *(f"output {name}: no description" for name, body in module.outputs.items() if "description" not in body),
    ]


def _places(module: Module) -> Iterator[tuple[str, Any]]:
    yield from module.resources.items()
    yield from ((f"local {name}", value) for name, value in module.locals.items())
    yield from ((f"output {name}", value) for name, value in module.outputs.items())
    yield from ((f"variable {name}", value) for name, value in module.variables.items())
    yield from (("provider or terraform", body) for body in module.rest)


def _resource(where: str, body: dict[str, Any]) -> Iterator[str]:
    kind = kind_of(where.rpartition(".")[0])
    if kind is None:
        yield f"{where}: there is no such kind of resource"
        return
    own = {name: value for name, value in body.items() if name not in META}
    yield from _block(where, own, kind.arguments, kind.blocks)
    if "count" in body and "for_each" in body:
        yield f"{where}: count and for_each at once"
    for text in strings(own):
        if re.search(r"(?<![\w.])each\.(key|value)", text) and "for_each" not in body:
            yield f"{where}: each without for_each"


def _block(
    where: str, body: Mapping[str, Any], arguments: dict[str, Argument], blocks: dict[str, dict[str, Argument]]
) -> Iterator[str]:
    """One block: its arguments, and the blocks in it; `dynamic "name"` stands for such a block."""
    given: dict[str, Any] = {}
    for name, value in body.items():
        if name == "dynamic":
            for dynamic in value:
                for block, inner in dynamic.items():
                    if block not in _COMMENTS:
                        given.setdefault(block.strip('"'), []).extend(inner["content"])
        elif name not in _COMMENTS:
            given[name] = value
    for name, argument in arguments.items():
        if argument.required and name not in given:
            yield f"{where}: {name} is required"
    for name, value in given.items():
        if name not in arguments:
            yield f"{where}: there is no argument {name}"
            continue
        argument = arguments[name]
        inner = value if isinstance(value, list) else [value]
        written = bool(inner) and all(isinstance(one, dict) and one.get("__is_block__") for one in inner)
        if written != bool(argument.block):
            yield f"{where}: {name} is {'a block, without =' if argument.block else 'no block: write ='}"
        elif argument.block:
            if len(inner) > 1 and not argument.several:
                yield f"{where}: {name} may be there once"
            for one in inner:
                yield from _block(f"{where}.{name}", one, blocks[argument.block], blocks)
        elif isinstance(value, list) and not argument.several:
            yield f"{where}: {name} is no list"


def strings(value: Any) -> Iterator[str]:
    """All strings in a value, those of keys too. Comments are left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in _COMMENTS:
                yield name
                yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def _references(where: str, body: Any, module: Module) -> Iterator[str]:
    for text in strings(body):
        if "${" not in text:  # a name or a plain string
            continue
        for name in re.findall(r"(?<![\w.])var\.(\w+)", text):
            if name not in module.variables:
                yield f"{where}: there is no variable {name}"
        for name in re.findall(r"(?<![\w.])local\.(\w+)", text):
            if name not in module.locals:
                yield f"{where}: there is no local {name}"
        for kind, name, index, attribute in _RESOURCE.findall(text):
            yield from _reference(where, f"{kind}.{name}", index, attribute, module)


def _reference(where: str, to: str, index: str, attribute: str, module: Module) -> Iterator[str]:
    if to not in module.resources:
        yield f"{where}: there is no {to}"
        return
    body = module.resources[to]
    several = "count" in body or "for_each" in body
    if index and not several:
        yield f"{where}: there is one {to}, without a key"
    if attribute and several and not index:
        yield f"{where}: there are several {to}: say which"
    kind = kind_of(to.rpartition(".")[0])
    if attribute and kind is not None and attribute not in kind.gives:
        yield f"{where}: {to} has no {attribute}"
    keys = _keys(body, module)
    if keys and index.startswith('["') and index.strip('["]') not in keys:
        yield f"{where}: {to} has no {index.strip('[]')}"


def _keys(body: dict[str, Any], module: Module) -> set[str]:
    """The keys of a resource of which there is one for each entry of a local map; else none."""
    named = re.fullmatch(r"\$\{local\.(\w+)\}", str(body.get("for_each", "")))
    found = module.locals.get(named.group(1)) if named else None
    return {str(key).strip('"') for key in found if key not in _COMMENTS} if isinstance(found, dict) else set()


def _unused(module: Module) -> Iterator[str]:
    """Declared and asked for nowhere. A variable's own validation does not count."""
    said = [text for where, body in _places(module) if not where.startswith("variable ") for text in strings(body)]
    for what, names in (("var", module.variables), ("local", module.locals)):
        for name in names:
            if not any(re.search(rf"(?<![\w.]){what}\.{name}\b", text) for text in said):
                yield f"{what}.{name} is used nowhere"
