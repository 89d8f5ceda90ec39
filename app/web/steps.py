"""The steps of a definition as rows that a person reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask_babel import LazyString, gettext, lazy_gettext

from app.core.definition import Definition, Step
from app.web.i18n import pick

_TYPES: Final[Mapping[str, tuple[LazyString, str]]] = {
    "user_task": (lazy_gettext("For people"), "user"),
    "service_task": (lazy_gettext("Automatic"), "settings"),
    "exclusive_gateway": (lazy_gettext("Branch"), "route"),
    "start": (lazy_gettext("Beginning"), "player-play"),
    "end": (lazy_gettext("End"), "circle-check"),
}
"""Step type → its word and icon."""


_STARTER: Final = re.compile(r"\$\{\s*initiator(\.username)?\s*\}")


def rows_of(definition: Definition | None) -> list[dict[str, Any]]:
    """Return a row per step: ``{number, id, name, type, icon, work, due, fields, ways}``.

    Args:
        definition: None gives no rows: what is stored was checked by an older version.
    """
    return [_row(definition, step) for step in definition.steps] if definition else []


def kind_of(step_type: str | None) -> tuple[str, str]:
    """Return the word and icon of a step type; an unknown one by its own name."""
    word, icon = _TYPES.get(step_type or "", (step_type or "", "circle"))
    return str(word), icon


def _row(definition: Definition, step: Step) -> dict[str, Any]:
    word, icon = kind_of(step.type)
    return {
        "number": definition.steps.index(step) + 1,
        "id": step.id,
        "name": pick(step.name, step.id),
        "description": pick(step.description),
        "type": word,
        "icon": icon,
        "work": _work(step.config),
        "due": step.config.get("due_date"),
        "fields": [
            pick(field.get("label"), field["name"]) for field in step.config.get("form", ())
        ],
        "ways": list(_ways(definition, step)),
    }


def _work(config: Mapping[str, Any]) -> list[str]:
    """Return who does it, or what is called."""
    if "service_name" in config:
        return [f"{config['service_name']}.{config['method']}"]
    named = [config.get("assignee")]
    for key in ("candidate_users", "candidate_groups"):
        given = config.get(key) or ()
        named += [given] if isinstance(given, str) else list(given)
    return [_person(str(name)) for name in named if name]


def _person(name: str) -> str:
    """Return who a step names; the one who started it in words, not as an expression."""
    return gettext("who started it") if _STARTER.fullmatch(name) else name


def _ways(definition: Definition, step: Step) -> Iterator[dict[str, Any]]:
    """Yield where it leads: ``{id, name, when}``; ``when`` is an answer or a condition."""
    answers = {each.get("next") or each["id"]: each for each in step.config.get("outcomes", ())}
    for edge in step.next:
        answer = answers.pop(edge.target, None)
        label = edge.label or (answer.get("label", answer["id"]) if answer else None)
        yield _way(definition, edge.target, pick(label) or (edge.when.text if edge.when else ""))
    for target, answer in answers.items():
        if target in definition.by_id:
            yield _way(definition, target, pick(answer.get("label"), answer["id"]))
    if step.on_error:
        yield _way(definition, step.on_error, gettext("on failure"))


def _way(definition: Definition, target: str, when: str) -> dict[str, Any]:
    step = definition.by_id[target]
    return {"id": target, "name": pick(step.name, target), "when": when}
