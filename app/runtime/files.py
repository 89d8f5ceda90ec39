"""Files that people put into forms: kept in PostgreSQL, with the form that was sent for good."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.core.form import mentioned
from app.core.form_values import MAX_FILE_SIZE, file_problem, size_text
from app.db.tx import Database, Tx
from app.db.wire import Statement
from app.errors import FieldError, Invalid, NotFound, TooLarge
from app.identity.actor import Actor
from app.runtime import files_passed
from app.runtime.file_type import contradicts, type_of

OF_A_COMMENT: Final = "@comment"
"""Instead of the name of a field: the file is attached to a comment."""
MAX_NAME: Final = 200
"""Characters of a file's name."""
MAX_UNSUBMITTED: Final = 10 * MAX_FILE_SIZE
"""Bytes that one person may have uploaded for forms that are not sent yet."""
KEPT_UNSUBMITTED: Final = timedelta(days=1)
"""How long such a file waits for its form to be sent."""
_UNSAFE: Final = re.compile('[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069<>:"|?*]')
"""What no file system, list or header can take, and marks that turn the direction of a text."""

_TOO_MUCH: Final = (
    "too_much_waiting",
    "You have uploaded too much that is not sent yet. Send a form, or wait a day.",
    None,
)

_KEEP: Final = """
insert into files (task_id, definition_id, instance_id, field, name, type, size, sha256, content,
                   uploaded_by, uploaded_at)
values (%(task)s, %(definition)s, %(instance)s, %(field)s, %(name)s, %(type)s, %(size)s,
        %(sha256)s, %(content)s, %(me)s, %(now)s)
returning id
"""
_WAITING: Final = """
select coalesce(sum(size), 0) as size from files
 where uploaded_by = %(me)s and submitted_at is null
"""
# Of this very form, or sent before with another one of the same instance; of a start form only
# one's own.
_KNOWN: Final = """
select id, field, name, type, size, encode(sha256, 'hex') as sha256,
       submitted_at is not null as sent from files
 where id = any(%(ids)s)
   and field <> '@comment'
   and ((task_id = %(task)s and submitted_at is null)
        or (instance_id = %(instance)s and submitted_at is not null)
        or (task_id is null and %(task)s::bigint is null and definition_id = %(definition)s
            and uploaded_by = %(me)s and submitted_at is null))
"""
_SUBMITTED: Final = """
update files set submitted_at = %(now)s, instance_id = %(instance)s
 where id = any(%(ids)s) and submitted_at is null
"""
_ABOUT: Final = """
select f.id, f.task_id, f.definition_id, f.instance_id, f.field, f.name, f.type, f.size,
       encode(f.sha256, 'hex') as sha256, f.uploaded_by, f.uploaded_at, f.submitted_at,
       d.checksum as definition_checksum
  from files f left join process_definitions d on d.id = f.definition_id
 where f.id = %(id)s
"""
_CONTENT: Final = "select content from files where id = %(id)s"
# A form that was opened before the day was over may still be open: a draft that names the file
# keeps it.
_PRUNE: Final = """
delete from files f where submitted_at is null and uploaded_at < %(before)s
   and not exists (select 1 from drafts d join tasks t on t.id = d.task_id
                    where d.task_id = f.task_id and t.state in ('open', 'claimed')
                      and d.values -> f.field @> to_jsonb(f.id::text))
"""


@dataclass(frozen=True, slots=True)
class Place:
    """The form that a file is of.

    Args:
        task_id: of the task; None for a start form.
        definition_id: of what the task's instance runs, or of what is to be started.
        instance_id: of the task's instance; None for a start form.
        relative: id of an instance in whose family more files may be named: that of a task, or
            the one that calls a process.
        passed: which of them; None: any.
    """

    definition_id: int
    task_id: int | None = None
    instance_id: int | None = None
    relative: int | None = None
    passed: frozenset[int] | None = None

    def params(self) -> dict[str, Any]:
        """Return it as parameters of SQL."""
        return {
            "task": self.task_id,
            "definition": self.definition_id,
            "instance": self.instance_id,
        }


def keep(
    tx: Tx,
    actor: Actor,
    place: Place,
    fields: Sequence[Mapping[str, Any]],
    field: str,
    name: str,
    content: bytes,
    *,
    now: datetime,
) -> dict[str, Any]:
    """Store a file for a form that is being filled in.

    Args:
        fields: of the form; ``field`` must be one of them, of the type ``file``.
        name: as the person's computer has it; only its last part is kept.

    Returns:
        ``{id, name, type, size, sha256}``.

    Raises:
        TooLarge: larger than any file may be.
        Invalid: an error of the field: the form has none of this name, the file is empty, of
            another type than it may be or than its name says; or too much is not sent yet.
    """
    taken = [f for f in fields if f["type"] == "file" and not f.get("read_only")]
    found = next((f for f in taken if f["name"] == field), {})
    if not found:
        _refuse(field, ("unknown_field", "The form has no such field for files.", None))
    if len(content) > MAX_FILE_SIZE:
        raise TooLarge(
            "file_too_large", "A file is at most %(limit)s.", limit=size_text(MAX_FILE_SIZE)
        )
    clean = _clean(name)
    file = {"name": clean, "size": len(content), "type": type_of(content, clean)}
    _refuse(field, _problem(found, file))
    me = {"me": actor.username}
    tx.run("select pg_advisory_xact_lock(hashtextextended(%(me)s, 7206107))", me)
    waiting = tx.run(_WAITING, me).fetchone() or {"size": 0}
    if waiting["size"] + len(content) > MAX_UNSUBMITTED:
        _refuse(field, _TOO_MUCH)
    digest = hashlib.sha256(content)
    params = {**place.params(), **me, **file, "field": field, "now": now}
    row = tx.run(_KEEP, params | {"sha256": digest.digest(), "content": content}).fetchone()
    return {"id": row["id"] if row else 0, **file, "sha256": digest.hexdigest()}


def _clean(name: str) -> str:
    last = _UNSAFE.sub("_", name.replace("\\", "/").rpartition("/")[2]).strip(" .")
    stem, dot, ending = last.rpartition(".")
    if len(last) > MAX_NAME:
        last = f"{stem[: MAX_NAME - 21]}{dot}{ending[:20]}" if stem else last[:MAX_NAME]
    return last.encode("utf-8", "replace").decode("utf-8") or "file"


def _problem(
    field: Mapping[str, Any], file: Mapping[str, Any]
) -> tuple[str, str, Mapping[str, Any] | None] | None:
    if not file["size"]:
        return "empty_file", "%(name)s is empty.", {"name": file["name"]}
    if contradicts(file["type"], file["name"]):
        return (
            "wrong_content",
            "%(name)s is not what its name says: its content is of another type.",
            {"name": file["name"]},
        )
    return file_problem(field, file)


def _refuse(field: str, problem: tuple[str, str, Mapping[str, Any] | None] | None) -> None:
    if problem is not None:
        error = FieldError(field, *problem)
        raise Invalid("invalid_file", "This file cannot be taken.", errors=(error,))


def known(
    tx: Tx, actor: Actor, place: Place, ids: Collection[int], hidden: frozenset[str] = frozenset()
) -> dict[int, dict[str, Any]]:
    """Return what is known of those files that may stand in a form, by id.

    Args:
        hidden: fields whose files, once they are sent, the actor may not see.
    """
    params = {**place.params(), "ids": sorted(ids), "me": actor.username}
    found = {row["id"]: row for row in tx.run(_KNOWN, params).fetchall()}
    left = {*ids} - found.keys()
    left = left if place.passed is None else left & place.passed
    if left and place.relative is not None:
        found |= files_passed.known(tx, left, place.relative)
    return {id_: row for id_, row in found.items() if not (row["sent"] and row["field"] in hidden)}


def submitted(
    fields: Sequence[Mapping[str, Any]], values: Mapping[str, Any], instance_id: int, now: datetime
) -> list[Statement]:
    """Return what is written when a form is accepted: its files stay with the instance.

    Args:
        values: the clean ones.
    """
    _, ids = mentioned(fields, values, text=False)
    return kept(sorted(ids), instance_id, now)


def kept(ids: Sequence[int], instance_id: int, now: datetime) -> list[Statement]:
    """Return what is written of files that stay with an instance for good."""
    if not ids:
        return []
    return [(_SUBMITTED, {"ids": list(ids), "instance": instance_id, "now": now})]


def about(tx: Tx, file_id: int) -> dict[str, Any] | None:
    """Return everything of a file but its content; None if there is none."""
    return tx.run(_ABOUT, {"id": file_id}).fetchone()


def content(tx: Tx, file_id: int) -> bytes:
    """Return what is in a file.

    Raises:
        NotFound: it was forgotten in this moment.
    """
    row = tx.run(_CONTENT, {"id": file_id}).fetchone()
    if row is None:
        raise no_file()
    return bytes(row["content"])


def no_file() -> NotFound:
    """Return the error for a file that is not there, or not for the actor."""
    return NotFound("file_not_found", "There is no such file, or you may not see it.")


def prune(db: Database, *, now: datetime) -> int:
    """Forget files whose forms were not sent within a day; return how many."""
    with db.transaction() as tx:
        return tx.only(_PRUNE, {"before": now - KEPT_UNSUBMITTED}).rowcount
