"""A task's form while it is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.core.codec import state_from_json
from app.core.definition import Definition
from app.core.form import Seen
from app.core.task_scope import scope_of
from app.db.tx import Tx
from app.definition.cache import SHARED
from app.definition.sensitive import hidden_names
from app.identity.actor import Actor
from app.runtime import files_passed
from app.runtime.files import Place
from app.runtime.form_look import Look, look, surroundings
from app.runtime.ports import Engine
from app.task.present import withheld
from app.task.queries import seen, task_body

Row = Mapping[str, Any]

_STATE: Final = "select state from process_instances where id = %(id)s"


def place_of(task: Row) -> Place:
    """Return where the files of a task's form belong; ``task`` is its row."""
    return Place(task["definition_id"], task["id"], task["instance_id"])


def scope(
    tx: Tx, definition: Definition, task: Row, state: Mapping[str, Any] | None, now: datetime
) -> Mapping[str, Any]:
    """Return what the ``show_if`` of a task's form sees beside the form; empty if it has none.

    Args:
        state: of the instance, as stored; None: it is read.
    """
    if not any("show_if" in field for field in task["form"]):
        return {}
    if state is None:
        row = tx.run(_STATE, {"id": task["instance_id"]}).fetchone()
        state = row["state"] if row else {}
    return scope_of(definition, state_from_json(state, task["variables"]), task["wait"], now)


def judged_against(
    tx: Tx,
    actor: Actor,
    definition: Definition,
    task: Row,
    raw: Mapping[str, Any],
    *,
    text: bool,
    state: Mapping[str, Any] | None = None,
    now: datetime,
) -> Seen:
    """Look up what the values of a task's form are judged against; arguments as ``scope``."""
    inner = scope(tx, definition, task, state, now)
    hidden = hidden_names(definition, actor)
    place = replace(
        place_of(task),
        relative=task["instance_id"],
        passed=files_passed.named(task["form"], task["variables"]),
    )
    return surroundings(
        *(tx, actor, place, task["form"], raw),
        text=text,
        scope=inner,
        now=now,
        kept=withheld(task, hidden),
        hidden=hidden,
    )


def look_at(
    engine: Engine,
    actor: Actor,
    task_id: int,
    raw: Mapping[str, Any] | None,
    *,
    text: bool = False,
    now: datetime,
) -> Look:
    """Return how a task's form stands with what is filled in so far; nothing is kept.

    Args:
        raw: by field name, see ``core.form.fill``; None: what the form begins with.

    Raises:
        NotFound: there is no such task, or the actor may not see it.
    """
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id)
        if raw is None:
            raw, text = task_body(tx, engine.db, actor, task_id, now=now)["values"], False
        definition = SHARED.get(tx, task["definition_id"], task["definition_checksum"])
        around = judged_against(tx, actor, definition, task, raw, text=text, now=now)
    return look(task["form"], raw, around, text=text)
