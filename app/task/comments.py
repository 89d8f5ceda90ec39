"""Comments on a task: they are lines of the instance's history, corrections included.

A comment is called by the number of the row that has it, which no other row of the
instance has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.db.tx import Database, Tx
from app.db.wire import Statement
from app.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from app.identity import names
from app.identity.actor import Actor
from app.identity.store import actor_of, person_by_username
from app.notice.store import told
from app.runtime.ports import Engine
from app.task import access, attachments
from app.task.comment import check_comment
from app.task.queries import seen, standing
from app.task.refuse import refusal
from app.task.tell import tell
from app.task.thread import EDITABLE, comments_of

Row = dict[str, Any]

MOST_MENTIONS: Final = 20
_MENTION: Final = re.compile(r"(?<![\w.@+-])@([\w.@+-]+)")
_PLAIN: Final = re.compile(r"[a-z0-9._@+-]+")


def comments(db: Database, actor: Actor, task_id: int, *, now: datetime) -> list[Row]:
    """Return the comments on the task's instance, the oldest first.

    Each is ``{id, task_id, step, by, at, text, mentions, files, edited_at, earlier, may_edit}``;
    ``earlier`` are the texts that it had before, as ``{text, at}``; ``files`` are
    ``{id, name, type, size, sha256}``.

    Raises:
        NotFound: there is no such task, or the actor may not see it.
    """
    with db.transaction() as tx:
        return comments_of(tx, actor, seen(tx, actor, task_id), now=now)


def comment(
    engine: Engine,
    actor: Actor,
    task_id: int,
    text: str,
    *,
    files: Sequence[int] = (),
    now: datetime,
) -> Row:
    """Say something about a task.

    Whoever is mentioned (``@username``) and may see it is told.

    Args:
        text: may be empty if there are files.
        files: ids of what ``attachments.attach`` has stored of the actor's for this task.

    Returns:
        The comment, see ``comments``.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: the actor takes no part in it, or the step allows no files.
        Invalid: empty, too long, or more mentions than ``MOST_MENTIONS``; too many files, or
            one that is not there.
        Conflict: its instance is suspended or has ended.
    """
    said = _checked(text, needed=not files)
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        _require(engine.db, actor, task)
        mentioned = _mentioned(tx, actor, task, said)
        line: Row = {"task": task_id, "comment": said, "mentions": mentioned}
        also = _tell(task, actor, mentioned, said, now)
        attached: list[Row] = []
        if files:
            attachments.require(engine.db, actor, task)
            attached = attachments.taken(tx, actor, task_id, files)
            line["files"] = attached
            also += attachments.kept(attached, task["instance_id"], now)
        head = tell(tx, actor, task, "task.commented", line, also, now=now)
    made = _made(actor, task, head["history_seq"], said, mentioned, now)
    return made | {"files": attached}


def edit(
    engine: Engine, actor: Actor, task_id: int, comment_id: int, text: str, *, now: datetime
) -> Row:
    """Correct one's own comment, soon after; what it said before is kept beside it.

    Who is mentioned only now is told.

    Raises:
        As ``comment``; and NotFound: no such comment on this task; Forbidden: it is another's;
        Conflict ``too_late``: made more than ``EDITABLE`` ago.
    """
    with engine.db.transaction() as tx:
        task = seen(tx, actor, task_id, locked=True)
        found = next(
            (each for each in comments_of(tx, actor, task, now=now) if each["id"] == comment_id),
            None,
        )
        if found is None or found["task_id"] != task_id:
            raise NotFound("comment_not_found", "There is no such comment on this task.")
        _require(engine.db, actor, task)
        said = _checked(text, needed=not found["files"])
        if found["by"] != actor.username:
            raise Forbidden("not_your_comment", "Only who wrote a comment can correct it.")
        if now > found["at"] + EDITABLE:
            raise Conflict(
                "too_late",
                "A comment can be corrected for %(minutes)d minutes. Write another one.",
                minutes=EDITABLE // timedelta(minutes=1),
            )
        if said == found["text"]:
            return found
        mentioned = _mentioned(tx, actor, task, said)
        new = [name for name in mentioned if name not in found["mentions"]]
        line = {"task": task_id, "of": comment_id, "comment": said, "mentions": mentioned}
        also = _tell(task, actor, new, said, now)
        tell(tx, actor, task, "task.comment_edited", line, also, now=now)
    earlier = [*found["earlier"], {"text": found["text"], "at": found["edited_at"] or found["at"]}]
    changed = {"text": said, "mentions": mentioned, "edited_at": now, "earlier": earlier}
    return found | changed


def _require(db: Database, actor: Actor, task: Row) -> None:
    if "comment" not in access.allowed(actor, task):
        raise refusal(db, actor, task, "comment")


def _checked(text: str, *, needed: bool) -> str:
    said = text.strip()
    if needed and not said:
        error = FieldError("text", "required", "Write something first.")
        raise Invalid("invalid_comment", "Correct the comment.", errors=(error,))
    try:
        check_comment(said)
    except Invalid as error:
        wrong = error.errors[0]
        named = FieldError("text", wrong.code, wrong.message, wrong.params)
        raise Invalid("invalid_comment", "Correct the comment.", errors=(named,)) from None
    return said


def _mentioned(tx: Tx, actor: Actor, task: Row, text: str) -> list[str]:
    """Return who is mentioned, is there, and may see the task."""
    wanted = list(dict.fromkeys(_MENTION.findall(text)))
    if len(wanted) > MOST_MENTIONS:
        message = "Mention at most %(max)d people in a comment."
        error = FieldError("text", "too_long", message, {"max": MOST_MENTIONS})
        raise Invalid("invalid_comment", "Correct the comment.", errors=(error,))
    found: dict[str, None] = {}
    for word in wanted:
        person = _first_there(tx, _readings(word))
        if person is None or person["username"] == actor.username or not person["active"]:
            continue
        if standing(tx, actor_of(person), task) is not None:
            found[person["username"]] = None
    return list(found)


def _readings(word: str) -> list[str]:
    """Return the usernames that a mention may mean: texts go on right behind it.

    ``@mei.`` and ``@mei请看`` mean ``mei`` unless somebody is called so.
    """
    whole = names.normal(word)
    plain = _PLAIN.match(whole)
    readings = [whole, whole.rstrip(".@+-")]
    if plain:
        readings += [plain.group(), plain.group().rstrip(".@+-")]
    return [each for each in dict.fromkeys(readings) if each]


def _first_there(tx: Tx, usernames: Iterable[str]) -> Row | None:
    for username in usernames:
        person = person_by_username(tx, username)
        if person is not None:
            return person
    return None


def _tell(
    task: Mapping[str, Any], actor: Actor, mentioned: list[str], text: str, now: datetime
) -> list[Statement]:
    if not mentioned:
        return []
    keys = [f"u:{name}" for name in mentioned]
    about = {"instance": task["instance_id"], "task": task["id"], "actor": actor.username}
    return [told("mentioned", keys, text=text, at=now, **about)]


def _made(actor: Actor, task: Row, seq: int, text: str, mentioned: list[str], now: datetime) -> Row:
    return {
        "id": seq,
        "task_id": task["id"],
        "step": {"id": task["step"], "name": task["name"]},
        "by": actor.username,
        "at": now,
        "text": text,
        "mentions": mentioned,
        "edited_at": None,
        "earlier": [],
        "files": [],
        "may_edit": True,
    }
