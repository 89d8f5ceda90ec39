"""Checking the config of step types that a registration added, by their own rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from app.core import jsontext, parse
from app.core.findings import Finding, Known
from app.core.nodes.custom import given_keys
from app.core.parse import Checked
from app.core.values import pointer_of

MAX_PROBLEMS: Final = 200
"""Of one document; as many as the core tells of a kind."""


class Problem(NamedTuple):
    """What is wrong with a config, at a path inside it."""

    path: tuple[str | int, ...]
    message: str


ConfigCheck = Callable[[Mapping[str, Any]], Sequence[Problem]]
"""Takes a config as it is written (with its expressions), says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class KnownHere(Known):
    """The names that exist, and what checks the configs of registered types."""

    configs: Mapping[str, ConfigCheck] = field(default_factory=dict)


def check(source: str, known: Known | None) -> Checked:
    """Check a document, the configs of registered types too; never raises for what it says."""
    checked = parse.check(source, known)
    if not isinstance(known, KnownHere) or checked.definition is None:
        return checked
    wrong = tuple(_findings(source, checked, known.configs))
    if not wrong:
        return checked
    findings = sorted((*checked.findings, *wrong), key=lambda one: (one.line, one.column))
    return Checked(None, tuple(findings), checked.document)


def _findings(
    source: str, checked: Checked, configs: Mapping[str, ConfigCheck]
) -> Iterator[Finding]:
    found = [
        (step.type, (*step.path, "config", *problem.path), problem.message)
        for step, config in _custom_steps(checked, configs)
        for problem in configs[step.type](config)
    ][:MAX_PROBLEMS]
    if not found:
        return
    document = jsontext.read(source)
    pointers = [pointer_of(list(path)) for _, path, _ in found]
    places = document.places(pointers)
    for (kind, _, message), pointer in zip(found, pointers, strict=True):
        there = pointer
        while there not in places:  # a step without config
            there = there.rpartition("/")[0]
        line, column = document.line_and_column(places[there].value)
        yield Finding(
            "bad_config",
            "error",
            pointer,
            line,
            column,
            "The config of a %(type)s: %(problem)s.",
            {"type": kind, "problem": message.rstrip(".")},
        )


def _custom_steps(checked: Checked, configs: Mapping[str, ConfigCheck]) -> Iterator[Any]:
    definition = checked.definition
    for step in definition.steps if definition else ():
        if step.type in configs:
            yield step, given_keys(_written(checked.document, step.path))


def _written(document: Any, path: Sequence[str | int]) -> Mapping[str, Any]:
    for part in path:
        document = document[part]
    config: Mapping[str, Any] = document.get("config", {})
    return config
