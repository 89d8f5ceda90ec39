"""Files of tasks' forms and comments: uploading one, and reading it again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.db.tx import Database, Tx
from app.definition.cache import SHARED
from app.definition.sensitive import hidden_names
from app.identity.actor import Actor
from app.identity.policy import require
from app.runtime import files, files_passed
from app.runtime.access import may_see
from app.runtime.ports import Engine
from app.task import access, store
from app.task.form import place_of
from app.task.queries import seen, standing
from app.task.refuse import refusal

Row = dict[str, Any]


def upload(
    engine: Engine,
    actor: Actor,
    task_id: int,
    field: str,
    name: str,
    content: bytes,
    *,
    now: datetime,
) -> Row:
    """Store a file for a task's form; it is forgotten after a day unless the form is sent.

    Args:
        field: of the type ``file``.
        name: of the file.

    Returns:
        ``{id, name, type, size, sha256}``; a completion names it by its id.

    Raises:
        NotFound: there is no such task, or the actor may not see it.
        Forbidden, Conflict: the actor could not complete it (see ``complete``).
        TooLarge, Invalid: see ``runtime.files.keep``.
    """
    require(actor, "task:work")
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id)
        if not access.fills_in(actor, task):
            raise refusal(engine.db, actor, task, "complete")
        return files.keep(tx, actor, place_of(task), task["form"], field, name, content, now=now)


def get(db: Database, actor: Actor, file_id: int) -> Row:
    """Return ``{id, field, name, type, size, sha256, uploaded_by, uploaded_at, …}`` of a file.

    Raises:
        NotFound: there is none, or the actor may not see what it belongs to.
    """
    with db.transaction() as tx:
        return _seen(tx, actor, file_id)


def read(db: Database, actor: Actor, file_id: int) -> tuple[Row, bytes]:
    """Return a file as ``get`` does, and its content."""
    with db.transaction() as tx:
        return _seen(tx, actor, file_id), files.content(tx, file_id)


def _seen(tx: Tx, actor: Actor, file_id: int) -> Row:
    row = files.about(tx, file_id)
    if row is None or not _may_read(tx, actor, row):
        raise files.no_file()
    return row


def _may_read(tx: Tx, actor: Actor, row: Row) -> bool:
    """Say whether the actor may read a file.

    What was sent is the instance's: who may see that, or one that it was passed to, unless the
    variable is sensitive. What was
    not sent is its owner's, and that of whoever could send the form with it. What is attached to
    a comment is read by whoever reads that.
    """
    if row["submitted_at"] is None and row["uploaded_by"] == actor.username:
        return True
    if row["submitted_at"] is None and row["field"] == files.OF_A_COMMENT:
        return False
    if row["submitted_at"] is None:
        task = store.seen(tx, row["task_id"]) if row["task_id"] is not None else None
        return task is not None and access.fills_in(actor, task)
    if row["field"] == files.OF_A_COMMENT:
        task = store.seen(tx, row["task_id"])
        if task is not None and standing(tx, actor, task) is not None:
            return True
    definition = SHARED.get(tx, row["definition_id"], row["definition_checksum"])
    if row["field"] in hidden_names(definition, actor):
        return False
    return may_see(tx, actor, row["instance_id"]) or _was_passed(tx, actor, row)


def _was_passed(tx: Tx, actor: Actor, row: Row) -> bool:
    """Say whether the actor sees a process that was given the file, by calling it or being called.

    A file of a comment is not given to any.
    """
    if row["field"] == files.OF_A_COMMENT:
        return False
    for holder in files_passed.holders(tx, row):
        definition = SHARED.get(tx, holder["definition_id"], holder["definition_checksum"])
        shown = set(holder["names"]) - hidden_names(definition, actor)
        if shown and may_see(tx, actor, holder["id"]):
            return True
    return False
