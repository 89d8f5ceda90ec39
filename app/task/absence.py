"""Being away: who decides in the meantime, from when until when, and for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.db.tx import Database, Tx
from app.errors import Conflict, FieldError, Forbidden, Invalid
from app.identity import chains
from app.identity.absence import LONGEST
from app.identity.actor import Actor
from app.identity.policy import require
from app.identity.queries import display_names
from app.notice.away import told
from app.task.absences import MANAGE, ME, body, seen, state
from app.task.person import someone, worker

Row = dict[str, Any]

MOST: Final = 50
"""Processes that one absence names."""
# One at a time: two people who choose each other at once would close a circle.
_ALONE: Final = "select pg_advisory_xact_lock(7206115)"
_LINKS: Final = """
select id, username, substitute, starts_at, ends_at, definitions from absences
 where {column} = any(%(people)s) and ended_at is null and id is distinct from %(but)s
   and starts_at < %(ends_at)s and ends_at > %(starts_at)s and ends_at > %(now)s
"""
_DOWN: Final = _LINKS.format(column="username")
_UP: Final = _LINKS.format(column="substitute")
_ADD: Final = """
insert into absences (username, substitute, starts_at, ends_at, definitions, open_tasks,
                      created_by, created_at)
values (%(user)s, %(substitute)s, %(starts_at)s, %(ends_at)s, %(definitions)s, %(open_tasks)s,
        %(me)s, %(now)s) returning *
"""
_CHANGE: Final = """
update absences set substitute = %(substitute)s, starts_at = %(starts_at)s, ends_at = %(ends_at)s,
       definitions = %(definitions)s, open_tasks = %(open_tasks)s where id = %(id)s returning *
"""
_END: Final = "update absences set ended_at = %(now)s where id = %(id)s returning *"
_KNOWN_KEYS: Final = "select distinct key from process_definitions where key = any(%(keys)s)"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of an absence.

    Args:
        substitute: username of who decides meanwhile.
        ends_at: when the person is back.
        starts_at: None: now, or as it is.
        definitions: keys of the processes that it is for; None: all.
        open_tasks: whether the tasks that are open when it begins are the substitute's too.
    """

    substitute: str
    ends_at: datetime | None
    starts_at: datetime | None = None
    definitions: Sequence[str] | None = None
    open_tasks: bool = True


def set_(db: Database, actor: Actor, wish: Wish, *, user: str | None = None, now: datetime) -> Row:
    """Say that somebody is away, and who decides for them; both are told of it by others.

    Args:
        user: username of who is away; None: the actor.

    Returns:
        ``{id, user, substitute, from, until, definitions, open_tasks, state, created_by,
        created_at, ended_at}``; ``state`` is ``planned``, ``away`` or ``over``.

    Raises:
        Forbidden: without ``task:work``; for another person without ``task:assign``.
        Invalid: one error for each value that cannot be; among them a substitute who stands,
            through others, in for themselves, and times that overlap another absence.
    """
    require(actor, "task:work")
    with db.transaction() as tx:
        own = user is None or user in ME
        person = actor.username if own else str(someone(tx, user or "", field="user")["username"])
        if person != actor.username:
            require(actor, MANAGE)
        tx.run(_ALONE)
        params = _checked(db, tx, person, wish, before=None, now=now)
        row = tx.run(_ADD, params | {"user": person, "me": actor.username}).fetchone() or {}
        tx.together(told(None, row, actor=actor.username, at=now), last=True)
    return body(row, now)


def change(db: Database, actor: Actor, absence_id: int, wish: Wish, *, now: datetime) -> Row:
    """Say it otherwise, as long as it is not over; those whom it concerns are told.

    Raises:
        NotFound: there is none, or the actor has no part in it.
        Forbidden: the actor is only the substitute.
        Conflict: ``absence_over``.
        Invalid: see ``set_``.
    """
    with db.transaction() as tx:
        tx.run(_ALONE)
        before = _changeable(tx, actor, absence_id, now)
        params = _checked(db, tx, before["username"], wish, before=before, now=now)
        row = tx.run(_CHANGE, params | {"id": absence_id}).fetchone() or {}
        tx.together(told(before, row, actor=actor.username, at=now), last=True)
    return body(row, now)


def end(db: Database, actor: Actor, absence_id: int, *, now: datetime) -> Row:
    """Let it be over now, and tell those whom it concerns; what was done meanwhile stays.

    Raises:
        As ``change``.
    """
    with db.transaction() as tx:
        tx.run(_ALONE)
        before = _changeable(tx, actor, absence_id, now)
        row = tx.run(_END, {"id": absence_id, "now": now}).fetchone() or {}
        tx.together(told(before, None, actor=actor.username, at=now), last=True)
    return body(row, now)


def _checked(
    db: Database,
    tx: Tx,
    person: str,
    wish: Wish,
    *,
    before: Mapping[str, Any] | None,
    now: datetime,
) -> Row:
    """Return what is stored of a wish.

    Raises:
        Invalid: one error for each value that cannot be.
    """
    starts_at = wish.starts_at or (before["starts_at"] if before else now)
    errors: list[FieldError] = []
    substitute = ""
    try:
        substitute = worker(tx, wish.substitute, field="substitute")
    except Invalid as error:
        errors += error.errors
    if substitute == person:
        message = "Nobody can stand in for themselves. Choose somebody else."
        errors.append(FieldError("substitute", "same_person", message))
    if wish.ends_at is None:
        errors.append(FieldError("until", "required", "Say until when."))
    elif wish.ends_at <= starts_at:
        errors.append(FieldError("until", "too_early", "The end has to be after the beginning."))
    elif wish.ends_at <= now:
        errors.append(FieldError("until", "past", "The end is past already."))
    definitions = None if wish.definitions is None else sorted(set(wish.definitions))
    errors += _wrong_keys(tx, definitions)
    if errors or wish.ends_at is None:
        raise _invalid(*errors)
    link = chains.Link(
        person,
        substitute,
        starts_at,
        wish.ends_at,
        None if definitions is None else frozenset(definitions),
    )
    wrong = _clashes(db, tx, link, but=before["id"] if before else None, now=now)
    if wrong is not None:
        raise _invalid(wrong)
    return {
        "substitute": substitute,
        "starts_at": starts_at,
        "ends_at": wish.ends_at,
        "definitions": definitions,
        "open_tasks": wish.open_tasks,
        "now": now,
    }


def _wrong_keys(tx: Tx, keys: Sequence[str] | None) -> list[FieldError]:
    if keys is None:
        return []
    if not keys:
        return [FieldError("definitions", "required", "Choose a process, or all of them.")]
    if len(keys) > MOST:
        return [FieldError("definitions", "too_long", "Choose at most %(max)d.", {"max": MOST})]
    asked = [key for key in keys if "\0" not in key]
    known = {row["key"] for row in tx.run(_KNOWN_KEYS, {"keys": asked}).fetchall()}
    message = "There is no process with the key %(key)s."
    return [
        FieldError("definitions", "unknown_name", message, {"key": key[:100]})
        for key in keys
        if key not in known
    ]


def _clashes(
    db: Database, tx: Tx, new: chains.Link, *, but: int | None, now: datetime
) -> FieldError | None:
    """Return what other absences a new one cannot stand beside."""
    about = {"but": but, "starts_at": new.starts_at, "ends_at": new.ends_at, "now": now}
    for link in _links(tx, _DOWN, [new.person], about):
        if link.within(new) is not None:
            name = _names(db, [link.substitute])
            message = "%(name)s stands in at that time already. Change or end that absence first."
            return FieldError("from", "overlaps", message, {"name": name})
    links = _around(tx, _DOWN, new.substitute, about) | _around(tx, _UP, new.person, about)
    round_ = chains.circle(new, links)
    if round_ is not None:
        message = "They would stand in for each other in a circle: %(names)s. Choose somebody else."
        return FieldError("substitute", "circle", message, {"names": _names(db, round_, " → ")})
    if chains.longest(new, links) > LONGEST:
        message = "More than %(max)d people would stand in one for the other. Choose somebody else."
        return FieldError("substitute", "chain_too_long", message, {"max": LONGEST})
    return None


def _around(tx: Tx, sql: str, person: str, about: Row) -> set[chains.Link]:
    """Return the absences that follow one another from a person on, in one direction."""
    found: set[chains.Link] = set()
    seen, ahead = {person}, [person]
    for _ in range(LONGEST + 1):
        links = _links(tx, sql, ahead, about) if ahead else []
        found.update(links)
        reached = {link.substitute if sql is _DOWN else link.person for link in links} - seen
        seen |= reached
        ahead = sorted(reached)
    return found


def _links(tx: Tx, sql: str, people: Sequence[str], about: Row) -> list[chains.Link]:
    rows = tx.run(sql, about | {"people": list(people)}).fetchall()
    return [
        chains.Link(
            row["username"],
            row["substitute"],
            row["starts_at"],
            row["ends_at"],
            None if row["definitions"] is None else frozenset(row["definitions"]),
        )
        for row in rows
    ]


def _names(db: Database, usernames: Sequence[str], between: str = ", ") -> str:
    known = display_names(db, usernames)
    return between.join(known.get(name, name) for name in usernames)


def _changeable(tx: Tx, actor: Actor, absence_id: int, now: datetime) -> Row:
    row = seen(tx, actor, absence_id)
    if row["username"] != actor.username and not actor.can(MANAGE):
        raise Forbidden(
            "not_your_absence", "Only who is away, or a manager, can change this absence."
        )
    if state(row, now) == "over":
        raise Conflict("absence_over", "This absence is over. Make another one.")
    return row


def _invalid(*errors: FieldError) -> Invalid:
    return Invalid("invalid_absence", "Correct the marked fields.", errors=errors)
