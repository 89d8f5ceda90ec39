"""Reading tasks: one with everything its page needs, and lists with filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.core.called import fields_of
from app.core.definition import Definition
from app.db.paging import Page, Sort, paged
from app.db.schema import tasks as t
from app.db.tx import Database, Tx
from app.db.wire import Statement
from app.definition.cache import SHARED
from app.definition.sensitive import MASK, hidden_names, masked
from app.errors import Malformed, NotFound
from app.identity.actor import Actor
from app.identity.policy import require
from app.identity.queries import display_names
from app.identity.seats import own_seats
from app.identity.store import actor_of, person_by_username
from app.task import access, copies, ended, passed, rounds, seats, side_view, store, ways_back
from app.task.filter_data import Op
from app.task.filters import Due, Filters, Priority, conditions
from app.task.inbox import InboxPage, badge, inbox
from app.task.present import body, withheld
from app.task.select import STATES, in_state, listed, offered_to, search, visible
from app.task.thread import asking, read
from app.task.unassigned import condition as nobody_there

__all__ = ["SORTS", "STATES", "InboxPage", "badge", "get", "inbox", "list_", "of_instance", "seen"]

ME: Final = frozenset({"current_user", "me"})
SORTS: Final[Mapping[str, Sort]] = {
    name.lstrip("+"): Sort(
        column,
        t.c.id,
        kind,
        column.name,
        descending=name.startswith("-"),
        nullable=bool(column.nullable),
    )
    for column, kind in (
        (t.c.id, int),
        (t.c.created_at, datetime),
        (t.c.due_at, datetime),
        (t.c.priority, int),
        (t.c.completed_at, datetime),
    )
    for name in (f"+{column.name}", f"-{column.name}")
}


_DRAFT: Final = """
select username as by, values, saved_at from drafts where task_id = %(id)s
 order by (username = %(me)s) desc, saved_at desc limit 1
"""


def get(db: Database, actor: Actor, task_id: int, *, now: datetime) -> dict[str, Any]:
    """Return a task with everything that its page needs.

    Beside the body: ``values`` (of a live task: what its form begins with; of a finished
    one: what was entered), ``variables`` (those outside the form, declared ones first, as
    ``{name, label, type, options, columns, value}``; the last two as a form's field of that
    name has them, else None), ``draft`` (``{by, values, comment, saved_at}``: the actor's own,
    else the last one that another person left), ``copies`` (see ``task.copies``), ``comments``
    (see ``task.thread``), ``visit``
    (of those who decide together, see ``task.seats``; else None), ``instructions`` (a label in
    markdown, or None), ``return_to`` (see ``task.ways_back``), ``returned`` (see
    ``task.rounds``; None in the first round), ``ended_by`` (see ``task.ended``), ``people``
    (username → name), and what others were asked (see ``task.side_view.read``).

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    with db.transaction() as tx:
        return task_body(tx, db, actor, task_id, now=now)


def task_body(tx: Tx, db: Database, actor: Actor, task_id: int, *, now: datetime) -> dict[str, Any]:
    """Same as ``get`` within a transaction."""
    row = seen(tx, actor, task_id)
    definition = SHARED.get(tx, row["definition_id"], row["definition_checksum"])
    hidden = hidden_names(definition, actor)
    shown = body(row, actor, now=now)
    if row["state"] in access.LIVE:
        unseen = withheld(row, hidden)
        shown["values"] = prefilled(shown["form"], row["variables"], unseen)
    else:
        unseen = frozenset()
        shown["values"] = masked(row["values"] or {}, hidden)
    shown["withheld"] = [field["name"] for field in row["form"] if field["name"] in unseen]
    in_form = {field["name"] for field in row["form"]}
    shown["variables"] = _details(definition, row["variables"], in_form, hidden)
    parts = {
        "draft": _draft(actor, row),
        "visit": seats.asking(row),
        "back": ways_back.asking(actor, row),
        "round": rounds.asking(row),
        "side": side_view.asking(row),
        "ended": ended.asking(row),
        "copies": copies.asking(row),
    }
    said, *found = tx.together([asking(row), *(each for asked in parts.values() for each in asked)])
    told = {part: [found.pop(0) for _ in asked] for part, asked in parts.items()}
    shown["draft"] = (
        _readable(told["draft"][0].fetchone(), actor, hidden) if told["draft"] else None
    )
    shown["visit"] = seats.told(actor, row, told["visit"])
    kept = told["back"][0].rows[0]["state"] if told["back"] else None
    shown["return_to"] = ways_back.read(definition, row, kept)
    rows = [each.rows for each in told["round"]]
    shown["returned"] = rounds.found(definition, row, rows, hidden)
    shown["ended_by"] = ended.read(
        definition, told["ended"][0].fetchone() if told["ended"] else None
    )
    shown["copies"] = [dict(each) for each in told["copies"][0].rows]
    shown["comments"] = read(said.rows, actor, row, now=now)
    shown |= side_view.read(actor, row, [answer.rows for answer in told["side"]], hidden)
    shown["allowed"] = _possible(actor, shown)
    if not row["reads"]:
        shown |= {"variables": [], "opinions": [], "returned": None, "copies": []}
    shown["instructions"] = definition.by_id[row["step"]].config.get("instructions")
    shown["people"] = display_names(db, _usernames(shown))
    return shown


def _possible(actor: Actor, shown: Mapping[str, Any]) -> list[str]:
    """Return the verbs that the actor can use, by what is known of those who decide with them."""
    gone = {"return"} if not shown["return_to"] else set()
    if shown["state"] == "open" and seats.is_seated(actor, shown["visit"]):
        gone |= {"claim", "complete"}
    verbs = [verb for verb in shown["allowed"] if verb not in gone]
    signers = [each for each in shown["opinions"] if each["role"] in ("before", "after")]
    signers += (shown["visit"] or {}).get("seats", ())
    if "remove_signer" not in verbs and any(each["removable"] for each in signers):
        verbs.append("remove_signer")
    return verbs


def seen(tx: Tx, actor: Actor, task_id: int, *, locked: bool = False) -> dict[str, Any]:
    """Return the row of a task (see ``task.store.SEEN``) if the actor may see it.

    ``reads`` in it says whether they may read its instance, ``takes_part`` whether they have a
    part in that.

    Args:
        locked: lock its instance, and return what moving that needs.

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    row = store.seen(tx, task_id, locked=locked)
    found = standing(tx, actor, row) if row is not None else None
    if row is None or (found is None and not access.may_look(actor, row)):
        raise NotFound("task_not_found", "There is no such task.")
    return row | {"takes_part": found == "part", "reads": found is not None}


def may_look(db: Database, actor: Actor, task_id: int) -> bool:
    """Say whether there is such a task that the actor may see."""
    with db.transaction() as tx:
        try:
            seen(tx, actor, task_id)
        except NotFound:
            return False
    return True


def standing(tx: Tx, actor: Actor, row: Mapping[str, Any]) -> Literal["part", "reader"] | None:
    """Say whether the actor takes part in a task's instance, may only read it, or neither."""
    if access.takes_part(actor, row) or row["started_by"] == actor.username:
        return "part"
    if actor.can("task:read"):
        return "reader"
    found = store.elsewhere(tx, actor, row["instance_id"])
    if found["takes_part"]:
        return "part"
    return "reader" if found["reads"] or access.stood_in(actor, row) else None


def of_instance(
    db: Database, actor: Actor, instance_id: int, *, now: datetime
) -> list[dict[str, Any]]:
    """Return the live tasks of an instance that lists show to the actor, the oldest first."""
    with db.transaction() as tx:
        viewer = actor.views and store.elsewhere(tx, actor, instance_id)["reads"]
        rows = store.live_of(tx, instance_id)
    everything = actor.can("task:read") or viewer
    return [
        body(row, actor, now=now) for row in rows if everything or access.takes_part(actor, row)
    ]


def list_(
    db: Database,
    actor: Actor,
    *,
    page: int = 1,
    size: int = 20,
    after: str | None = None,
    sort: str = "-id",
    assignee: str | None = None,
    candidate_user: str | None = None,
    candidate_group: str | None = None,
    process_instance_id: int | None = None,
    process_definition_key: str | None = None,
    step: str | None = None,
    state: str | None = None,
    due: Due | None = None,
    due_before: datetime | None = None,
    priority: Priority | None = None,
    field: str | None = None,
    op: Op | None = None,
    value: str | None = None,
    transferred: bool = False,
    unassigned: bool = False,
    q: str | None = None,
    now: datetime,
) -> Page[dict[str, Any]]:
    """List tasks: live ones unless ``state`` says, own ones without ``task:read``.

    Args:
        after: cursor of the page before; then ``page`` is not looked at.
        sort: a name of ``SORTS``, ``-`` in front for descending.
        assignee, candidate_user: a username, or ``current_user``.
        transferred: those that the actor passed on, in any state unless ``state`` says.
        unassigned: only those that nobody is there for any more; needs ``task:assign``.
        due, priority, field, op, value: see ``task.filters.Filters``; the day is that of the
            actor's time zone.
        q: part of the title, the business key, the step's name, or of what its summary shows.

    Raises:
        Malformed: page, size, state, sort or cursor out of range.
        Forbidden: ``unassigned`` without ``task:assign``.
    """
    if state is not None and state not in STATES:
        raise Malformed("bad_state", "state must be one of: %(known)s.", known=", ".join(STATES))
    if sort not in SORTS:
        raise Malformed("bad_sort", "sort must be one of: %(known)s.", known=", ".join(SORTS))
    if transferred:
        query = listed().where(passed.by(actor), *([in_state(state)] if state else ()))
    else:
        query = listed().where(visible(actor, state))
    filters = Filters(process_definition_key, step, None, due, priority, field, op, value)
    query = query.where(*conditions(filters, now=now, zone=_zone(actor)))
    if unassigned:
        require(actor, "task:assign")
        query = query.where(nobody_there())
    if assignee is not None:
        own = assignee in ME and (state is None or state == "claimed")
        query = query.where(own_seats(actor) if own else t.c.assignee == _who(actor, assignee))
    if candidate_group is not None:
        query = query.where(t.c.candidates.contains([f"g:{candidate_group}"]))
    if process_instance_id is not None:
        query = query.where(t.c.instance_id == process_instance_id)
    if due_before is not None:
        query = query.where(t.c.due_at < due_before)
    query = search(query, q)
    with db.transaction() as tx:
        if candidate_user is not None:
            query = query.where(_offered(tx, actor, candidate_user))
        return paged(
            tx,
            query,
            SORTS[sort],
            lambda row: body(row, actor, now=now),
            listed=listed(),
            page=page,
            size=size,
            after=after,
        )


def _zone(actor: Actor) -> tzinfo:
    return ZoneInfo(actor.timezone) if actor.timezone else UTC


def _who(actor: Actor, name: str) -> str:
    return actor.username if name in ME else name


def _offered(tx: Tx, actor: Actor, name: str) -> sa.ColumnElement[bool]:
    if name in ME or name == actor.username:
        return offered_to(actor)
    person = person_by_username(tx, name)
    return offered_to(actor_of(person)) if person and person["active"] else sa.false()


def prefilled(
    form: Sequence[Mapping[str, Any]], variables: Mapping[str, Any], kept: frozenset[str]
) -> dict[str, Any]:
    """Return what a form begins with: the variables of the same name, else defaults.

    A yes/no that can be edited begins with neither (a decision is never made by a value
    from before); what the reader may not see is not filled in, lest a mask be saved, and
    is a mask where nothing is.

    Args:
        kept: see ``task.present.withheld``.
    """
    values = {}
    for field in form:
        name = field["name"]
        if name in kept:
            values[name] = MASK if field.get("read_only") else None
            continue
        decides = field["type"] == "boolean" and not field.get("read_only")
        value = None if decides else variables.get(name)
        values[name] = field.get("default") if value is None else value
    return values


def _details(
    definition: Definition,
    variables: Mapping[str, Any],
    in_form: set[str],
    hidden: frozenset[str],
) -> list[dict[str, Any]]:
    shown = masked(variables, hidden)
    declared = [name for name in definition.variables if name in shown]
    others = sorted(name for name in shown if name not in definition.variables)
    fields = fields_of(definition)
    return [
        {
            "name": name,
            "label": field.get("label"),
            "type": declaration.type if declaration else "any",
            "options": field.get("options"),
            "columns": field.get("columns"),
            "value": shown[name],
        }
        for name in (*declared, *others)
        if name not in in_form
        for declaration, field in ((definition.variables.get(name), fields.get(name, {})),)
    ]


def _draft(actor: Actor, row: Mapping[str, Any]) -> list[Statement]:
    """Return what asks for the draft to offer; nothing for who could not complete the task."""
    if row["state"] not in access.LIVE or not access.takes_part(actor, row):
        return []
    if row["state"] == "claimed" and not access.is_holder(actor, row):
        return []
    return [(_DRAFT, {"id": row["id"], "me": actor.username})]


def _readable(
    draft: dict[str, Any] | None, actor: Actor, hidden: frozenset[str]
) -> dict[str, Any] | None:
    """Return a draft without what the reader may not see, unless they have typed it themselves."""
    if draft is None:
        return None
    kept = dict(draft["values"])
    draft |= {"comment": kept.pop(store.COMMENT, None), "values": kept}
    if draft["by"] == actor.username:
        return draft
    kept = {  # cells of a table stand under its name and a dot
        name: value for name, value in kept.items() if name.partition(".")[0] not in hidden
    }
    return draft | {"values": kept}


def _usernames(shown: Mapping[str, Any]) -> set[str]:
    draft = shown["draft"] or {}
    named = {shown[by] for by in ("started_by", "assignee", "completed_by", "on_behalf_of")}
    named.add(draft.get("by"))
    named |= {each["user"] for each in shown["copies"]}
    said = {each["by"] for each in shown["comments"]}
    said.update(*(each["mentions"] for each in shown["comments"]))
    named |= set(shown["candidates"]["users"]) | said | seats.people(shown["visit"])
    named |= side_view.people(shown) | {shown["decided_by"]} | rounds.usernames(shown["returned"])
    named |= {each["by"] for each in shown["return_to"]} | {(shown["ended_by"] or {}).get("by")}
    return {name for name in named if name}
