"""Files that are attached to comments: kept when they are uploaded, told with the comment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.db.tx import Database, Tx
from app.db.wire import Statement
from app.errors import FieldError, Invalid
from app.identity.actor import Actor
from app.runtime import files
from app.runtime.ports import Engine
from app.task import access
from app.task.form import place_of
from app.task.queries import seen
from app.task.refuse import refusal

Row = dict[str, Any]

FIELD: Final = files.OF_A_COMMENT
MOST: Final = 10
"""Files of one comment."""
_COLUMNS: Final = "id, name, type, size, encode(sha256, 'hex') as sha256"
_WAITING: Final = f"""
select {_COLUMNS} from files
 where id = any(%(ids)s) and task_id = %(task)s and field = %(field)s and uploaded_by = %(me)s
   and submitted_at is null
 order by id
"""  # noqa: S608 - constants only


def attach(
    engine: Engine, actor: Actor, task_id: int, name: str, content: bytes, *, now: datetime
) -> Row:
    """Store a file for a comment on a task; it is forgotten after a day unless that is made.

    Args:
        name: of the file.

    Returns:
        ``{id, name, type, size, sha256}``; a comment names it by its id.

    Raises:
        NotFound: there is no such task, or the actor may not see it.
        Forbidden, Conflict: the actor could not comment on it, or the step allows no files.
        TooLarge, Invalid: see ``runtime.files.keep``.
    """
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id)
        require(engine.db, actor, task)
        try:
            field = {"name": FIELD, "type": "file"}
            return files.keep(tx, actor, place_of(task), [field], FIELD, name, content, now=now)
        except Invalid as error:
            raise Invalid(
                error.code,
                error.message,
                errors=tuple(
                    FieldError("files", each.code, each.message, each.params)
                    for each in error.errors
                ),
            ) from None


def waiting(db: Database, actor: Actor, task_id: int, ids: Sequence[int]) -> list[Row]:
    """Return those files that the actor has uploaded for a comment which is not made yet."""
    with db.transaction() as tx:
        return tx.run(_WAITING, _asked(actor, task_id, ids)).fetchall()


def require(db: Database, actor: Actor, task: Mapping[str, Any]) -> None:
    """Refuse unless the actor may attach files to a comment on a task that they see."""
    if "attach" not in access.allowed(actor, task):
        raise refusal(db, actor, task, "attach")


def taken(tx: Tx, actor: Actor, task_id: int, ids: Sequence[int]) -> list[Row]:
    """Return what a comment's files are, as its line tells it; until the end nobody else has them.

    Raises:
        Invalid: too many, or one that is not the actor's own and unused.
    """
    if len(ids) > MOST:
        raise _refused("too_many_files", "Attach at most %(max)d files.", {"max": MOST})
    found = tx.run(f"{_WAITING} for update", _asked(actor, task_id, ids)).fetchall()
    if len(found) < len(set(ids)):
        raise _refused("unknown_file", "A file is not there any more. Upload it again.")
    return found


def kept(found: Sequence[Row], instance_id: int, now: datetime) -> list[Statement]:
    """Return what is written when a comment with files is made: they stay with the instance."""
    return files.kept([each["id"] for each in found], instance_id, now)


def _asked(actor: Actor, task_id: int, ids: Sequence[int]) -> dict[str, Any]:
    return {"ids": list(ids), "task": task_id, "field": FIELD, "me": actor.username}


def _refused(code: str, message: str, params: Mapping[str, Any] | None = None) -> Invalid:
    error = FieldError("files", code, message, params)
    return Invalid("invalid_comment", "Correct the comment.", errors=(error,))
