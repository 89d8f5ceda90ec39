"""From a document's text to a definition: one checker for page, API, command line, tests.

Layers, each only if the one before found no error: the text (``jsontext``), the shape
(``shape``), the references (``references``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.core.compiling import Compiling, Path
from app.core.definition import Definition, Edge, Label, Step, Variable
from app.core.findings import Finding, Known, shortened
from app.core.form import expand
from app.core.jsontext import MAX_BYTES, JsonDocument, JsonError, read
from app.core.nodes.table import NODES
from app.core.references import check_names, check_references, check_types
from app.core.shape import check_shape

DEFAULT_VERSION: Final = "1.0.0"
"""Of a document that names none."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Args:
        definition: None if there is any error.
        findings: by line and column.
        document: the JSON value, None if the text is not a JSON object.
    """

    definition: Definition | None
    findings: tuple[Finding, ...]
    document: dict[str, Any] | None

    @property
    def valid(self) -> bool:
        """Whether there is no error (warnings do not count)."""
        return self.definition is not None


def check(source: str, known: Known | None = None) -> Checked:
    """Check a document; whatever its text says, this returns findings and never raises.

    Args:
        known: names that exist outside of it; None leaves out the warnings about these.
    """
    if len(source) > MAX_BYTES or len(source.encode("utf-8", "replace")) > MAX_BYTES:
        message = "A definition is at most %(max)d KiB of text."
        return _only(Finding("too_large", "error", "", 1, 1, message, {"max": MAX_BYTES // 1024}))
    try:
        document = read(source)
    except JsonError as error:
        return _only(
            Finding(
                "json_" + error.code,
                "error",
                error.pointer,
                error.line,
                error.column,
                error.message,
                shortened(error.params),
            )
        )
    making = Compiling(document)
    check_shape(making, document.value)
    if not making.failed:
        check_references(making, document.value)
    definition = None
    if not making.failed:
        definition = _definition(making, document.value)
        check_types(making, document.value, definition)
        check_names(making, definition, known)
    value = document.value if isinstance(document.value, dict) else None
    return Checked(definition if not making.failed else None, making.findings, value)


def load(source: str) -> Definition:
    """Return the definition of a text that was checked before it was stored.

    Raises:
        ValueError: it has errors after all.
    """
    checked = check(source)
    if checked.definition is None:
        first = next(found for found in checked.findings if found.severity == "error")
        raise ValueError(f"line {first.line}, column {first.column}: {first.text()}")
    return checked.definition


def _only(finding: Finding) -> Checked:
    return Checked(None, (finding,), None)


def _definition(making: Compiling, given: Mapping[str, Any]) -> Definition:
    name: Label = given.get("name") or given["key"]
    first = name if isinstance(name, str) else next(iter(name.values()))
    start = dict(given.get("start", {}))
    if "form" in start:
        start["form"] = expand(start["form"])
    settings = dict(given.get("settings", {}))
    _named_people(making, start.get("who", ()), ("start", "who"))
    for key in ("owners", "viewers"):
        _named_people(making, settings.get(key, ()), ("settings", key))
    return Definition(
        key=given.get("key") or first.strip(),
        name=name,
        version=given.get("version", DEFAULT_VERSION),
        steps=tuple(_step(making, step, index) for index, step in enumerate(given["steps"])),
        variables={
            variable: _variable(variable, declared)
            for variable, declared in given.get("variables", {}).items()
            if not variable.startswith("x-")
        },
        description=given.get("description") or None,
        start=start,
        settings=settings,
    )


def _named_people(making: Compiling, names: Any, path: Path) -> None:
    for index, name in enumerate(names):
        making.person(name, (*path, index))


def _variable(name: str, declared: Any) -> Variable:
    if isinstance(declared, str):
        return Variable(name, declared)
    enum = declared.get("enum")
    return Variable(
        name,
        declared.get("type", "any"),
        declared.get("label"),
        declared.get("required", False),
        declared.get("default"),
        tuple(enum) if enum is not None else None,
        declared.get("sensitive", False),
    )


def _step(making: Compiling, given: Mapping[str, Any], index: int) -> Step:
    node = NODES[given["type"]]
    making.path = ("steps", index, "config") if "config" in given else ("steps", index)
    config = node.compile(given.get("config", {}), making)
    skip = given.get("skip_when")
    return Step(
        id=given["id"],
        index=index,
        name=given.get("name") or given["id"],
        type=node.type,
        config=config,
        next=node.edges(config) + _edges(making, given.get("next", ()), index),
        on_error=given.get("on_error"),
        description=given.get("description"),
        skip_when=making.condition(skip, ("steps", index, "skip_when")) if skip else None,
    )


def _edges(making: Compiling, given: Any, index: int) -> tuple[Edge, ...]:
    edges = []
    for place, target in enumerate(given):
        if isinstance(target, str):
            edges.append(Edge(target))
            continue
        at: Path = ("steps", index, "next", place, "when")
        when = making.condition(target["when"], at) if "when" in target else None
        edges.append(Edge(target["step"], when, target.get("label")))
    return tuple(edges)


__all__ = ["Checked", "JsonDocument", "check", "load"]
