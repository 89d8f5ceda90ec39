"""Reading definitions: one, a list, its versions, what someone can start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from app.core.definition import Label
from app.db.paging import Page, check_window, count_capped, like
from app.db.schema import process_definitions as d
from app.db.tx import Database, Tx
from app.definition import store
from app.definition.cache import SHARED
from app.definition.row import DefinitionRow, row_of
from app.errors import Malformed, NotFound
from app.identity.actor import Actor
from app.identity.policy import may_start

STATUSES: Final = ("draft", "active", "retired")

# A list leaves out the source, which can be 1 MiB a row.
_LISTED: Final = [column for column in d.columns if column.name not in ("source", "version_order")]


def get(db: Database, actor: Actor, definition_id: int) -> DefinitionRow:
    """Return a definition with its source.

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    with db.transaction() as tx:
        row = store.by_id(tx, definition_id)
    if row is None or not _may_see(actor, row):
        raise NotFound("definition_not_found", "There is no such definition.")
    return row


def list_(
    db: Database,
    actor: Actor,
    *,
    page: int = 1,
    size: int = 20,
    key: str | None = None,
    name: str | None = None,
    status: str | None = None,
    latest: bool = False,
    q: str | None = None,
) -> Page[DefinitionRow]:
    """List the definitions that the actor may see, by name, the newest version first.

    Args:
        name: part of the name, in any of its languages, without regard to case.
        latest: only the newest version of each key among those that match.
        q: part of the name, in any of its languages, or of the key.

    Raises:
        Malformed: page, size or status out of range.
    """
    if status is not None and status not in STATUSES:
        raise Malformed(
            "bad_status", "status must be one of: %(known)s.", known=", ".join(STATUSES)
        )
    query = sa.select(*_LISTED).where(_visible(actor))
    if key is not None:
        query = query.where(d.c.key == key)
    if name:
        query = query.where(sa.cast(d.c.names, sa.Text).ilike(like(name)))
    if q:
        query = query.where(sa.cast(d.c.names, sa.Text).ilike(like(q)) | d.c.key.ilike(like(q)))
    if status is not None:
        query = query.where(d.c.status == status)
    if latest:
        newest = query.ext(distinct_on(d.c.key)).order_by(
            d.c.key, d.c.version_order.desc(), d.c.id.desc()
        )
        ids = newest.with_only_columns(d.c.id).subquery()
        query = sa.select(*_LISTED).where(d.c.id.in_(sa.select(ids.c.id)))
    order = (sa.func.lower(d.c.name), d.c.key, d.c.version_order.desc(), d.c.id.desc())
    check_window(page, size)
    with db.transaction() as tx:
        total, estimated = count_capped(tx, query)
        items = _rows(tx, query.order_by(*order).limit(size).offset((page - 1) * size))
    return Page(items, page, size, total, estimated, -(-total // size))


def versions(db: Database, actor: Actor, key: str) -> list[DefinitionRow]:
    """Return the versions of a key that the actor may see, the newest first."""
    query = sa.select(*_LISTED).where(_visible(actor), d.c.key == key)
    with db.transaction() as tx:
        return _rows(tx, query.order_by(d.c.version_order.desc(), d.c.id.desc()))


def versions_of(key: str) -> sa.Select[tuple[int]]:
    """Return the query of the ids of all versions of a key, for lists of what runs by them."""
    return sa.select(d.c.id).where(d.c.key == key)


def startable(db: Database, actor: Actor) -> list[DefinitionRow]:
    """Return what the actor can start: the newest active version of each key, by name.

    If the newest one is closed to the actor, an older one is not offered instead: a
    newer version replaces it.
    """
    newest = (
        sa.select(*_LISTED)
        .where(d.c.status == "active")
        .ext(distinct_on(d.c.key))
        .order_by(d.c.key, d.c.version_order.desc(), d.c.id.desc())
    )
    with db.transaction() as tx:
        rows = _rows(tx, newest)
    return sorted(
        (row for row in rows if may_start(actor, row.starters)),
        key=lambda row: (row.name.lower(), row.key),
    )


def descriptions(db: Database, rows: Iterable[DefinitionRow]) -> dict[int, Label]:
    """Return the descriptions of definitions by their ids, in every language they are given in."""
    with db.transaction() as tx:
        compiled = {row.id: SHARED.get(tx, row.id, row.checksum) for row in rows if row.description}
    return {key: each.description for key, each in compiled.items() if each.description}


def _visible(actor: Actor) -> sa.ColumnElement[bool]:
    if actor.can("process:read"):
        return sa.true()
    if actor.can("process:start"):
        return d.c.status == "active"
    open_to_all = sa.func.cardinality(d.c.starters) == 0
    mine = d.c.starters.overlap(actor.candidate_keys)
    return sa.and_(d.c.status == "active", sa.or_(open_to_all, mine))


def _may_see(actor: Actor, row: DefinitionRow) -> bool:
    if actor.can("process:read"):
        return True
    return row.status == "active" and may_start(actor, row.starters)


def _rows(tx: Tx, query: sa.Select[Any]) -> list[DefinitionRow]:
    return [row_of(dict(row)) for row in tx.conn.execute(query).mappings()]
