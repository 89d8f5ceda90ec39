"""Filters that people keep by a name, for themselves or for everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from app.core.values import check_json
from app.db.paging import MAX_SIZE
from app.db.tx import Database, Tx
from app.errors import Conflict, FieldError, Forbidden, Invalid, Malformed, NotFound
from app.identity.actor import Actor
from app.identity.policy import require
from app.task.filters import read
from app.task.inbox import ORDERS

View = dict[str, Any]

MAX_NAME: Final = 80
"""Characters."""
MOST: Final = 50
"""Views that one person keeps."""
_MAX_TEXT: Final = 255
"""Characters that are searched for."""
_TABS: Final = ("todo", "done")
_SHARE: Final = "task:assign"
"""The permission of those who manage the work of others."""

_LIST: Final = f"""
select v.id, v.name, v.query, v.shared, u.username as owner, u.name as owner_name
  from saved_views v join users u on u.id = v.owner_id
 where v.owner_id = %(me)s or v.shared
 order by v.owner_id <> %(me)s, lower(v.name), v.id limit {MAX_SIZE}
"""  # noqa: S608 - a number of ours
_SAVE: Final = """
insert into saved_views (owner_id, name, query, shared, created_at, changed_at)
values (%(me)s, %(name)s, %(query)s, %(shared)s, %(now)s, %(now)s)
on conflict (owner_id, name) do update
   set query = excluded.query, shared = excluded.shared, changed_at = excluded.changed_at
returning id, xmax = 0 as made
"""
_LOCK: Final = "select id from users where id = %(me)s for no key update"
_COUNT: Final = "select count(*) as n from saved_views where owner_id = %(me)s and name <> %(name)s"
_ONE: Final = "select owner_id, shared from saved_views where id = %(id)s for update"
_DELETE: Final = "delete from saved_views where id = %(id)s"


def list_(db: Database, actor: Actor) -> list[View]:
    """Return the views that the actor may use: the own ones first, then those that are shared.

    Each is ``{id, name, query, shared, owner, owner_name, mine}``.
    """
    with db.transaction():
        return list_soon(db, actor)()


def list_soon(db: Database, actor: Actor) -> Callable[[], list[View]]:
    """Ask for ``list_`` with the next trip of the transaction that is open."""
    with db.transaction() as tx:
        rows = tx.soon(_LIST, {"me": actor.id})
    return lambda: [_view(actor, row) for row in rows()]


def save(
    db: Database,
    actor: Actor,
    *,
    name: str,
    query: Mapping[str, Any],
    shared: bool = False,
    now: datetime,
) -> tuple[View, bool]:
    """Keep filters by a name; the actor's view of that name is replaced.

    Args:
        query: ``tab``, ``q``, ``order`` and filters, as they stand in an inbox's address.
        shared: everybody sees it.

    Returns:
        The view, and whether it is new.

    Raises:
        Invalid: a name or a word that cannot be used.
        Forbidden: sharing needs ``task:assign``.
        Conflict: code ``too_many_views``.
    """
    require(actor, "task:work")
    if shared:
        require(actor, _SHARE)
    params = {
        "me": actor.id,
        "name": _name(name),
        "query": _query(query),
        "shared": shared,
        "now": now,
    }
    with db.transaction() as tx:
        tx.run(_LOCK, params)
        kept = tx.run(_COUNT, params).fetchone() or {}
        if kept["n"] >= MOST:
            raise Conflict(
                "too_many_views", "You keep %(max)d views already; delete one first.", max=MOST
            )
        row = tx.run(_SAVE, params).fetchone() or {}
    whose = {"owner": actor.username, "owner_name": actor.name}
    return _view(actor, params | row | whose), bool(row["made"])


def delete(db: Database, actor: Actor, view_id: int) -> None:
    """Forget a view: the own one, or with ``task:assign`` any that is shared.

    Raises:
        NotFound: there is none, or it is somebody else's and not shared.
        Forbidden: code ``not_your_view``.
    """
    require(actor, "task:work")
    with db.transaction() as tx:
        _require_own(tx, actor, view_id)
        tx.run(_DELETE, {"id": view_id})


def _require_own(tx: Tx, actor: Actor, view_id: int) -> None:
    row = tx.run(_ONE, {"id": view_id}).fetchone()
    if row is None or not (row["owner_id"] == actor.id or row["shared"]):
        raise NotFound("view_not_found", "There is no such view.")
    if row["owner_id"] != actor.id and not actor.can(_SHARE):
        raise Forbidden("not_your_view", "This view is somebody else's; save one of your own.")


def _view(actor: Actor, row: Mapping[str, Any]) -> View:
    names = ("id", "name", "query", "shared", "owner", "owner_name")
    return {name: row[name] for name in names} | {"mine": row["owner"] == actor.username}


def _name(given: str) -> str:
    name = " ".join(given.split())
    problem = check_json(name)
    if not name:
        error = FieldError("name", "required", "Give the view a name.")
    elif len(name) > MAX_NAME:
        error = FieldError("name", "too_long", "Use at most %(max)d characters.", {"max": MAX_NAME})
    elif problem is not None:
        error = FieldError("name", problem.code, problem.message, problem.params)
    else:
        return name
    raise Invalid("invalid_view", "The view cannot be kept; correct it.", errors=(error,))


def _query(given: Mapping[str, Any]) -> dict[str, str]:
    """Return what says something, in the words of the filters."""
    try:
        filters = read(given)
    except Malformed as error:
        wrong = FieldError("query", error.code, error.message, error.params)
        raise Invalid(
            "invalid_view", "The view cannot be kept; correct it.", errors=(wrong,)
        ) from error
    q = (given.get("q") or "").replace("\x00", "").strip()[:_MAX_TEXT]
    tab, order = given.get("tab") or _TABS[0], given.get("order") or ""
    for name, value, known in (("tab", tab, _TABS), ("order", order, ("", *ORDERS))):
        if value not in known:
            wrong = FieldError(
                "query",
                "bad_filter",
                "%(name)s must be one of: %(known)s.",
                {"name": name, "known": ", ".join(filter(None, known))},
            )
            raise Invalid("invalid_view", "The view cannot be kept; correct it.", errors=(wrong,))
    told = {"tab": tab if tab != _TABS[0] else "", "q": q, "order": order, **filters.named}
    return {name: value for name, value in told.items() if value}
