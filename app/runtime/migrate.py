"""Letting running instances go on by another version of their definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from app.core.definition import Definition
from app.core.events import Migrated
from app.core.migrating import Fate, preview, proposed
from app.core.state import ENDED
from app.db.tx import Tx
from app.errors import Conflict, FieldError, Invalid, NotFound
from app.identity.actor import Actor
from app.runtime import access, step
from app.runtime.moved import Locked
from app.runtime.ports import Engine
from app.runtime.refuse import checked_reason, refuse_ended
from app.runtime.row import InstanceRow

__all__ = ["Fate", "Migration", "migrate"]

_TARGET: Final = "select id, key, status, checksum from process_definitions where id = %(id)s"
# What is open is named by its step's new id from now on.
_RENAME: Final = tuple(
    f"""
    update {table} w set step = m.value
      from jsonb_each_text(%(steps)s) m
     where w.instance_id = %(id)s and w.step = m.key and m.key <> m.value and {still_open}
    """  # noqa: S608 - constants only
    for table, still_open in (
        ("tasks", "w.state in ('open', 'claimed')"),
        ("jobs", "w.state in ('due', 'leased')"),
        ("timers", "true"),
        ("subscriptions", "true"),
        ("incidents", "w.resolved_at is null"),
    )
)
_GO_OVER: Final = """
with t as (
    update tasks set definition_id = %(definition)s
     where instance_id = %(id)s and state in ('open', 'claimed')
)
update process_instances set definition_id = %(definition)s where id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration does, or would do.

    Args:
        steps: the map from old to new step ids.
        fates: what becomes of each token.
        instance: the instance afterwards; None for a preview.
    """

    steps: Mapping[str, str]
    fates: tuple[Fate, ...]
    instance: InstanceRow | None

    @property
    def possible(self) -> bool:
        """Whether no token would be lost."""
        return all(fate.problem is None for fate in self.fates)


def migrate(
    engine: Engine,
    actor: Actor,
    instance_id: int,
    definition_id: int,
    *,
    steps: Mapping[str, str] | None = None,
    only_preview: bool = False,
    reason: str | None = None,
    now: datetime,
) -> Migration:
    """Move an instance to another version, or say what that would do.

    Args:
        definition_id: another version of the same key.
        steps: old step id → new one, over the map that suggests itself (same id and type).
        only_preview: change nothing.

    Raises:
        NotFound, Forbidden: the actor may not see the instance, or not steer it.
        Invalid: the target is no version of the same definition.
        Conflict: it has ended, or a token would be lost; ``extra["tokens"]`` says which.
    """
    why = checked_reason(reason)
    with engine.db.transaction() as tx:
        locked = step.lock(engine, tx, instance_id)
        access.require_operate(tx, actor, locked.instance)
        if locked.instance.status in ENDED:
            refuse_ended(locked.instance)
        new = _target(engine, tx, definition_id, locked)
        mapping = {**proposed(locked.definition, new), **(steps or {})}
        fates = preview(locked.definition, new, locked.state, mapping)
        planned = Migration(mapping, fates, None)
        if only_preview:
            return planned
        if not planned.possible:
            _refuse(planned)
        event = Migrated(
            at=now, by=actor.username, definition_id=definition_id, steps=mapping, reason=why
        )
        params: dict[str, Any] = {"id": instance_id, "definition": definition_id, "steps": mapping}
        for sql in _RENAME:
            tx.run(sql, params)
        tx.run(_GO_OVER, params)
        row = {**locked.row, "definition_id": definition_id}
        moved = step.move_locked(engine, tx, Locked(row, new, locked.state), event, actor=actor)
        return replace(planned, instance=moved.instance)


def _target(engine: Engine, tx: Tx, definition_id: int, locked: Locked) -> Definition:
    row = tx.run(_TARGET, {"id": definition_id}).fetchone()
    if row is None:
        raise NotFound("definition_not_found", "There is no such definition.")
    if row["key"] != locked.definition.key or row["status"] == "draft":
        error = FieldError(
            "process_definition_id",
            "other_definition",
            "Choose a published version of the same definition.",
        )
        raise Invalid("other_definition", "Choose another version.", errors=(error,))
    return engine.definitions.get(tx, row["id"], row["checksum"])


def _refuse(planned: Migration) -> None:
    lost = [fate for fate in planned.fates if fate.problem is not None]
    raise Conflict(
        "cannot_migrate",
        "%(count)d of its tokens would be lost: give their steps a target in the other version.",
        extra={
            "tokens": [
                {"token": f.token, "step": f.step, "target": f.target, "problem": f.problem}
                for f in lost
            ]
        },
        count=len(lost),
    )
