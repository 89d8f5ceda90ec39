"""The steps of a definition as rows that a person reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask_babel import gettext

from app.core.definition import Definition, Step
from app.web.i18n import pick
from app.web.step_words import event_words, kind_of, notes_of, work_of


def rows_of(definition: Definition | None) -> list[dict[str, Any]]:
    """Return a row per step, for people.

    Each is ``{number, id, name, description, type, icon, work, notes, within, due, fields,
    ways}``; ``within`` is the name of the sub-process that it stands in.

    Args:
        definition: None gives no rows: what is stored was checked by an older version.
    """
    return [_row(definition, step) for step in definition.steps] if definition else []


def _row(definition: Definition, step: Step) -> dict[str, Any]:
    word, icon = kind_of(step.type)
    around = definition.by_id[step.parent] if step.parent else None
    return {
        "number": definition.steps.index(step) + 1,
        "id": step.id,
        "name": pick(step.name, step.id),
        "description": pick(step.description),
        "type": word,
        "icon": icon,
        "work": work_of(definition, step),
        "notes": notes_of(step),
        "within": pick(around.name, around.id) if around else None,
        "due": step.config.get("due_date"),
        "fields": [
            pick(field.get("label"), field["name"]) for field in step.config.get("form", ())
        ],
        "ways": list(_ways(definition, step)),
    }


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
    for event in step.boundary:
        when = pick(event.label) or event_words(event)
        if event.target is not None:
            yield _way(definition, event.target, when)
    if step.on_error:
        yield _way(definition, step.on_error, gettext("on failure"))


def _way(definition: Definition, target: str, when: str) -> dict[str, Any]:
    step = definition.by_id[target]
    return {"id": target, "name": pick(step.name, target), "when": when}
