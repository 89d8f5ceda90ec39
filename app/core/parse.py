"""From a document's text to a definition: one checker for page, API, command line, tests.

Layers, each only if the one before found no error: the text (``jsontext``), the shape
(``shape``), the references (``references``, ``names``), what can happen (``soundness``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core.compiling import Compiling, Path
from app.core.definition import START, Boundary, Definition, Edge, Label, Multi, Step, Variable
from app.core.findings import Finding, Known, shortened
from app.core.form import expand
from app.core.generated_form import fields_again
from app.core.jsontext import MAX_BYTES, JsonDocument, JsonError, read
from app.core.kinds_people import check_people
from app.core.names import check_names, check_types
from app.core.nodes.table import node_of
from app.core.references import check_references
from app.core.shape import check_shape
from app.core.soundness import explore

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


def check(source: str, known: Known | None = None, *, stored: bool = False) -> Checked:
    """Check a document; whatever its text says, this returns findings and never raises.

    Args:
        known: names that exist outside of it; None leaves out the warnings about these.
        stored: it was accepted before: step types that are not ours were registered then.
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
    types = None if stored else known.types if known else frozenset()
    making = Compiling(document, types)
    check_shape(making, document.value)
    if not making.failed:
        check_references(making, document.value)
    definition = None
    if not making.failed:
        definition = _definition(making, document.value)
        check_types(making, document.value, definition)
        check_people(making, definition)
        check_names(making, document.value, definition, known)
    if definition is not None and not making.failed and not stored:
        _sound(making, definition)
    value = document.value if isinstance(document.value, dict) else None
    return Checked(definition if not making.failed else None, making.findings, value)


def _sound(making: Compiling, definition: Definition) -> None:
    """Note what exploring its states finds."""
    for problem in explore(definition):
        path: Path = (*definition.by_id[problem.step].path, "id") if problem.step else ("steps",)
        making.say(
            problem.severity,
            problem.code,
            path,
            problem.message,
            hint=problem.hint,
            witness=tuple({"step": move.step, "choice": move.choice} for move in problem.witness),
            **problem.params,
        )


def load(source: str) -> Definition:
    """Return the definition of a text that was checked before it was stored.

    Raises:
        ValueError: it has errors after all.
    """
    checked = check(source, stored=True)
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
    steps = tuple(_steps(making, given["steps"], ("steps",), None))
    variables = {
        variable: _variable(variable, declared)
        for variable, declared in given.get("variables", {}).items()
        if not variable.startswith("x-")
    }
    return Definition(
        key=given.get("key") or first.strip(),
        name=name,
        version=given.get("version", DEFAULT_VERSION),
        steps=steps,
        variables=variables,
        description=given.get("description") or None,
        start=start,
        settings=settings,
        again=_start_again(making, start.get("form"), variables, steps[0].id)
        if start.get("form") or ("form" not in start and variables)
        else None,
    )


def _start_again(
    making: Compiling,
    fields: Sequence[Mapping[str, Any]] | None,
    variables: Mapping[str, Variable],
    first: str,
) -> Step:
    """Return the step that opens the start form again, for who started the instance.

    Args:
        fields: None: it was made of the variables, and is so again.
    """
    making.path = ("start",)
    form: Sequence[Mapping[str, Any]]
    if fields is None:
        form = fields_again(variables.values())
    else:
        form = [_declared(field, variables.get(field["name"])) for field in fields]
    config = node_of("user_task").compile(
        {"form": form, "assignee": "${initiator.username}"}, making
    )
    name = {"en": "Start form", "zh": "发起表单"}
    return Step(START, ("start",), name, "user_task", config, (Edge(first),))


def _declared(field: Mapping[str, Any], variable: Variable | None) -> Mapping[str, Any]:
    """Complete a field of the start form by the variable of its name."""
    if variable is None:
        return field
    label = variable.label if field.get("label") == field["name"] else None
    required = bool(field.get("required")) or variable.required
    return {**field, "label": label or field.get("label"), "required": required}


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


def _steps(
    making: Compiling, given: Sequence[Mapping[str, Any]], path: Path, parent: str | None
) -> Iterator[Step]:
    """Yield the steps of a process or sub-process, each before those inside it."""
    for index, step in enumerate(given):
        at: Path = (*path, index)
        made = _step(making, step, at, parent)
        yield made
        if made.type == "sub_process":
            yield from _steps(making, step["config"]["steps"], (*at, "config", "steps"), made.id)


def _step(making: Compiling, given: Mapping[str, Any], path: Path, parent: str | None) -> Step:
    node = node_of(given["type"])
    making.path = (*path, "config") if "config" in given else path
    config = node.compile(given.get("config", {}), making)
    skip = given.get("skip_when")
    multi = given.get("multi")
    return Step(
        id=given["id"],
        path=path,
        name=given.get("name") or given["id"],
        type=given["type"],
        config=config,
        next=node.edges(config) + _edges(making, given.get("next", ()), path),
        on_error=given.get("on_error"),
        description=given.get("description"),
        skip_when=making.condition(skip, (*path, "skip_when")) if skip else None,
        boundary=tuple(map(_boundary, config.get("events", given.get("boundary", ())))),
        multi=_multi(making, multi, (*path, "multi")) if multi else None,
        parent=parent,
        point_of_no_return=given.get("point_of_no_return", False),
    )


def _boundary(given: Mapping[str, Any]) -> Boundary:
    config = {
        name: value
        for name, value in given.items()
        if name not in ("on", "interrupt", "next", "label")
    }
    interrupt = given.get("interrupt", True)
    return Boundary(given["on"], given.get("next"), interrupt, config, given.get("label"))


def _multi(making: Compiling, given: Mapping[str, Any], path: Path) -> Multi:
    ends = given.get("complete_when")
    return Multi(
        over=given["over"],
        name=given["as"],
        index_name=given.get("index_as"),
        sequential=given.get("mode") == "sequential",
        complete_when=making.condition(ends, (*path, "complete_when")) if ends else None,
        collect=given.get("collect", {}),
    )


def _edges(making: Compiling, given: Any, path: Path) -> tuple[Edge, ...]:
    edges = []
    for place, target in enumerate(given):
        if isinstance(target, str):
            edges.append(Edge(target))
            continue
        at: Path = (*path, "next", place, "when")
        when = making.condition(target["when"], at) if "when" in target else None
        edges.append(Edge(target["step"], when, target.get("label")))
    return tuple(edges)


__all__ = ["Checked", "JsonDocument", "check", "load"]
