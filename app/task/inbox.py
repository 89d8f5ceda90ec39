"""The inbox: what waits for someone, what they could take, and what they have done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.db.paging import (
    Sort,
    check_window,
    decode_cursor,
    encode_cursor,
    first_rows,
    whole,
)
from app.db.schema import tasks as t
from app.db.tx import Database, Tx
from app.errors import Malformed
from app.identity.actor import Actor
from app.identity.queries import last_names
from app.identity.seats import OFFER, SEAT, ForSeats, own_offers, own_seats
from app.task import filters as narrow
from app.task import held, passed, side_store, urgency
from app.task.access import Allowed
from app.task.filters import Filters
from app.task.present import body
from app.task.seats import progress
from app.task.select import held_by, listed, live, not_barred, offered_to, search

COUNT_CAP: Final = 1000
"""Counts beside tabs stop here: nobody reads a longer one, and it stays cheap."""

Tab = Literal["todo", "done"]
Order = Literal["newest", "oldest", "due", "priority"]

ORDERS: Final[Mapping[Order, Sort]] = {
    "newest": Sort(t.c.id, t.c.id, int, "id", descending=True),
    "oldest": Sort(t.c.id, t.c.id, int, "id"),
    "due": Sort(t.c.due_at, t.c.id, datetime, "due_at", nullable=True),
    "priority": urgency.make(),
}
_URGENT: Final = ORDERS["priority"]
_DONE: Final = Sort(t.c.completed_at, t.c.id, datetime, "completed_at", descending=True)
_MINE: Final = 0
_CLAIMABLE: Final = 1

_BY_INDEX: Final[frozenset[Order]] = frozenset({"newest", "oldest", "due", "priority"})
"""The orders that an index of live tasks gives."""
# The conditions of select.held_by and select.offered_to. Those that can be claimed are counted
# in the order of their ids, lest PostgreSQL looks for them among all that are finished.
_WAITING: Final = f"""
select (select count(*) from (select 1 from tasks t
         where t.state in ('open','claimed') and {SEAT} limit {COUNT_CAP}) own) as mine,
       (select count(*) from (select 1 from tasks t
         where t.state = 'open' and {OFFER} and (t.barred is null or not t.barred @> array[%(me)s])
         order by t.id limit {COUNT_CAP}) free) as claimable
"""  # noqa: S608 - numbers of ours
_WAITING_FOR: Final = ForSeats(_WAITING)
_COUNTED: Final = ForSeats(f"""{_WAITING},
       (select count(*) from (select 1 from tasks
         where completed_by = %(me)s limit {COUNT_CAP}) finished) as done,
       (select count(*) from (select 1 from tasks
         where assignee = %(me)s and decided_by is not null limit {COUNT_CAP}) others) as passed
""")  # noqa: S608 - as above
_WALK: Final = 5_000
"""How many live tasks are looked at in the order of an index, at most: some milliseconds.

Somebody who may claim one task in a hundred finds a page among them. A number, not a
parameter: PostgreSQL then knows what it plans for, also in a prepared statement.
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a list is asked for.

    Args:
        limit: how many rows, one more than are shown.
    """

    actor: Actor
    q: str | None
    filters: Filters
    now: datetime
    zone: tzinfo
    sort: Sort
    limit: int

    @property
    def narrowed(self) -> bool:
        """Whether any filter says something; searching is another matter."""
        return self.filters != narrow.NONE

    def query(self, which: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """Return the query of the tasks that fit, among those that ``which`` is true for."""
        return search(listed().where(which, *self.conditions()), self.q)

    def conditions(self, among: sa.FromClause = t) -> list[sa.ColumnElement[bool]]:
        """Return what the filters say about tasks, or a subquery of them."""
        return narrow.conditions(self.filters, now=self.now, zone=self.zone, among=among)

    def rows(
        self, tx: Tx, which: sa.ColumnElement[bool], limit: int, position: Sequence[Any] | None
    ) -> list[dict[str, Any]]:
        """Return the first of these rows behind ``position``."""
        query = self.query(which)
        return first_rows(tx, query, self.sort, limit, listed=listed(), position=position)


@dataclass(frozen=True, slots=True)
class InboxPage:
    """One page of a tab.

    Args:
        items: task bodies; ``mine`` tells the own ones, which come first, from those
            that could be claimed. In Done also those that others decided: ``decided_by``,
            and that were transferred: ``passed_on`` (``{to, at}``).
            ``awaits`` says who has to answer first (usernames), ``seats`` how many of several
            have decided (``{decided, total}``).
        next: cursor of what follows; None at the end.
        counts: ``mine``, ``claimable`` and ``done``, each at most ``COUNT_CAP``.
        names: what the people are called who started, decided or got these, or are away and
            have them.
    """

    items: Sequence[dict[str, Any]]
    next: str | None
    counts: Mapping[str, int]
    names: Mapping[str, str]

    @property
    def waiting(self) -> int:
        """How many tasks wait for the actor: what ``badge`` returns."""
        return min(COUNT_CAP, self.counts["mine"] + self.counts["claimable"])


def inbox(
    db: Database,
    actor: Actor,
    tab: Tab,
    *,
    q: str | None = None,
    filters: Filters = narrow.NONE,
    after: str | None = None,
    size: int = 50,
    order: Order = "newest",
    now: datetime,
    zone: tzinfo = UTC,
    beside: Callable[[], None] | None = None,
) -> InboxPage:
    """Return a page of the actor's inbox.

    Args:
        q: part of the title, the business key, the step's name, or of what its summary shows.
        after: cursor of the page before.
        order: of the tab To do; Done shows the latest completion first.
        zone: of the reader, for what is due today.
        beside: asks for what else is shown, with the first trip (see ``Tx.soon``).

    Raises:
        Malformed: an unknown tab or order, a size out of range, a foreign cursor.
    """
    check_window(1, size)
    if tab not in ("todo", "done") or order not in ORDERS:
        raise Malformed("bad_tab", "tab is todo or done; sort is newest, oldest, due or priority.")
    sort = _DONE if tab == "done" else ORDERS[order]
    asked = _Asked(actor, q, filters, now, zone, sort, size + 1)
    with db.transaction() as tx:
        if beside is not None:
            beside()
        counts = _counts(tx, actor)
        rows, follow = (_done if tab == "done" else _todo)(tx, asked, after, counts)
        standing = progress(tx, rows)
        awaited = side_store.awaited(tx, [row for row in rows if row["waits_for"]])
        verbs = Allowed(actor, now)
        items = [_item(row, actor, now, verbs) for row in rows]
        names = last_names(tx, _named(items).union(*awaited.values()))
    shown = {name: counts[name] for name in ("mine", "claimable")}
    shown["done"] = min(COUNT_CAP, counts["done"] + counts["passed"])
    for item in items:
        item["awaits"] = awaited.get(item["id"], [])
        item["seats"] = standing.get(item["id"])
    return InboxPage(items, follow, shown, names)


def _named(items: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return who started, decided or got these, and for whom the actor decides or has decided."""
    named = {one[by] for one in items for by in ("started_by", "decided_by", "for", "on_behalf_of")}
    named |= {one["passed_on"]["to"] for one in items if one["passed_on"]}
    return {name for name in named if name}


def badge(db: Database, actor: Actor) -> int:
    """Return how many tasks wait for the actor, own and claimable, at most ``COUNT_CAP``."""
    with db.transaction() as tx:
        row: dict[str, int] = tx.only(*_WAITING_FOR.by(actor)).fetchone() or {}
        return min(COUNT_CAP, sum(row.values()))


def _item(row: Mapping[str, Any], actor: Actor, now: datetime, verbs: Allowed) -> dict[str, Any]:
    passed_on = {"to": row["passed_to"], "at": row["passed_at"]} if "passed_at" in row else None
    return body(row, actor, now=now, verbs=verbs) | {"passed_on": passed_on}


def _todo(
    tx: Tx, asked: _Asked, after: str | None, counts: Mapping[str, int]
) -> tuple[list[dict[str, Any]], str | None]:
    sort, limit = asked.sort, asked.limit
    part, position = _MINE, None
    if after:
        part, *position = decode_cursor(after, int, sort.kind, int, nullable=sort.nullable)
    rows: list[tuple[int, dict[str, Any]]] = []
    if part <= _MINE and counts["mine"]:
        begin = position if part == _MINE else None
        many = counts["mine"] == COUNT_CAP and not asked.q
        rows.extend((_MINE, row) for row in _held(tx, asked, limit, begin, many=many))
    if part <= _CLAIMABLE and len(rows) < limit and counts["claimable"]:
        begin = position if part == _CLAIMABLE else None
        many = counts["claimable"] == COUNT_CAP and _by_index(sort)
        others = _claimable(tx, asked, limit - len(rows), begin, many=many)
        rows.extend((_CLAIMABLE, row) for row in others)
    shown = rows[: limit - 1]
    if len(rows) < limit:
        return [row for _, row in shown], None
    last_part, last = shown[-1]
    return [row for _, row in shown], encode_cursor(last_part, *sort.position(last))


def _held(
    tx: Tx, asked: _Asked, limit: int, position: Sequence[Any] | None, *, many: bool
) -> list[dict[str, Any]]:
    """Return the first tasks that are the actor's, or theirs for whom they stand in."""
    actor, sort = asked.actor, asked.sort
    if not (actor.stands_in or asked.narrowed or asked.q or many):
        return asked.rows(tx, held_by(actor), limit, position)
    by_date = sort is ORDERS["due"]
    if many and by_date:
        found = _walked(tx, asked, _MINE, limit, position)
        if len(found) == limit:
            return found
    at_once = by_date or bool(asked.q)
    return held.rows(tx, actor, asked.query(live()), sort, limit, position, at_once=at_once)


def _by_index(sort: Sort) -> bool:
    return any(ORDERS[order] is sort for order in _BY_INDEX)


def _claimable(
    tx: Tx, asked: _Asked, limit: int, position: Sequence[Any] | None, *, many: bool
) -> list[dict[str, Any]]:
    """Return the first tasks that the actor can claim.

    All ways find the same. Few tasks are found by who may claim them, and sorted. Were
    there a hundred thousand, nearly all of them would be sorted to show fifty: then an
    index is walked that has the order, unless those fifty are too far apart in it, as what is
    searched for may be.
    """
    fewer = bool(asked.q) or asked.narrowed
    if many and not (fewer and _are_rare(tx, asked)):
        found = _walked(tx, asked, _CLAIMABLE, limit, position)
        if len(found) == limit:
            return found
    offered = offered_to(asked.actor)
    if many and fewer:
        return held.in_order(tx, asked.query(offered), asked.sort, limit, position)
    return asked.rows(tx, offered, limit, position)


def _are_rare(tx: Tx, asked: _Asked) -> bool:
    offered = listed().where(offered_to(asked.actor))
    return held.are_rare(tx, asked.query(sa.true()), offered)


def _walked(
    tx: Tx, asked: _Asked, which: int, limit: int, position: Sequence[Any] | None
) -> list[dict[str, Any]]:
    """Return what is theirs, or can be claimed, among the next live tasks.

    Fewer than ``limit`` say nothing. What stands behind those with a date is not looked at:
    whether there are more with one is not known.

    Args:
        which: ``_MINE`` or ``_CLAIMABLE``.
    """
    asks, sort = _asks(asked.actor), asked.sort
    plain = which == _CLAIMABLE
    plain &= not (asked.narrowed or asked.q or asked.actor.stands_in)
    if position is None and plain and sort is not _URGENT:  # the most frequent
        return tx.run(_first_walk(sort), {**asks, "most": limit}).fetchall()
    rows: list[dict[str, Any]] = []
    parts = sort.behind(position)
    parts = parts if sort is _URGENT else parts[:1]
    for part in parts:
        walk = _walk(sort, part, None if plain else asked, which)
        given = {**asks, "most": limit - len(rows)}
        rows += [dict(row) for row in tx.conn.execute(walk, given).mappings()]
        if len(rows) == limit or part is parts[-1] or _is_long(tx, sort, part):
            break
    return rows


def _is_long(tx: Tx, sort: Sort, part: sa.ColumnElement[bool]) -> bool:
    """Say whether a walk saw not all of a part: what comes behind it is not next then."""
    last = sa.select(t.c.id).where(live(), part).order_by(*sort.order())
    beyond = last.offset(sa.literal_column(str(_WALK))).limit(1)
    return tx.conn.execute(beyond).first() is not None


@cache
def _first_walk(sort: Sort) -> str:
    dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no types for it
    return str(_walk(sort, sa.true()).compile(dialect=dialect))


def _walk(
    sort: Sort,
    behind: sa.ColumnElement[bool],
    asked: _Asked | None = None,
    which: int = _CLAIMABLE,
) -> sa.Select[Any]:
    """Return the query of the tasks that ``keys`` can claim, ``most`` of them at most.

    Args:
        asked: what else they have to be; a date that the index is sorted by bounds the walk.
        which: ``_MINE``: those that the actor of ``asked`` decides, instead.
    """
    columns = dict.fromkeys((t.c.id, t.c.state, t.c.candidates, t.c.barred, sort.column))
    bounds: list[sa.ColumnElement[bool]] = []
    if asked is not None:
        columns |= dict.fromkeys(
            (t.c.instance_id, t.c.definition_id, t.c.step, t.c.due_at, t.c.priority)
        )
        columns |= dict.fromkeys((t.c.assignee, t.c.created_at))
        if asked.filters.due is not None and sort.column is t.c.due_at:
            bounds = [t.c.due_at < narrow.bound(asked.filters.due, asked.now, asked.zone)]
    near = (
        sa.select(*columns)
        .where(live(), behind, *bounds)
        .order_by(*sort.order())
        .limit(sa.literal_column(str(_WALK)))
        .subquery("near")
    )
    keys = sa.bindparam("keys", type_=t.c.candidates.type)
    offered = near.c.candidates.overlap(keys)
    if asked is not None and asked.actor.stands_in:
        offered = own_offers(asked.actor, near)
    if asked is not None and which == _MINE:
        fit = [own_seats(asked.actor, near)]
    else:
        me = sa.bindparam("me", type_=sa.Text)
        fit = [near.c.state == sa.literal_column("'open'"), offered, not_barred(me, near)]
    fit += asked.conditions(near) if asked is not None else []
    if asked is not None and asked.q:  # asked row by row, until there are enough
        found = search(listed().where(t.c.id == near.c.id).correlate(near), asked.q)
        found = found.with_only_columns(sa.true(), maintain_column_froms=True)
        fit.append(found.scalar_subquery().is_(sa.true()))
    window = sa.select(near.c.id).where(*fit).order_by(*sort.order(near))
    return whole(listed(), sort, window.limit(sa.bindparam("most", type_=sa.Integer)))


def _done(
    tx: Tx, asked: _Asked, after: str | None, counts: Mapping[str, int]
) -> tuple[list[dict[str, Any]], str | None]:
    """Return what the actor has completed or transferred, and what was decided before they had.

    Each of these is read by an index of its own, in the order of the list.
    """
    position, limit = _DONE.read(after) if after else None, asked.limit
    me = asked.actor.username
    rows = asked.rows(tx, t.c.completed_by == me, limit, position)
    if counts["passed"]:
        decided = sa.and_(t.c.assignee == me, t.c.decided_by.is_not(None))
        rows += asked.rows(tx, decided, limit, position)
    rows += passed.rows(tx, asked.actor, asked.query(sa.true()), limit, position)
    rows.sort(key=_done_at, reverse=True)
    shown = rows[: limit - 1]
    return shown, encode_cursor(*_done_at(shown[-1])) if len(rows) >= limit else None


def _done_at(row: Mapping[str, Any]) -> tuple[datetime, int]:
    return row.get("passed_at") or row["completed_at"], row["id"]


def _counts(tx: Tx, actor: Actor) -> dict[str, int]:
    return tx.run(*_COUNTED.by(actor)).fetchone() or {}


def _asks(actor: Actor) -> dict[str, Any]:
    return {"me": actor.username, "keys": actor.candidate_keys}
