"""Whose tasks an actor decides, in queries: their own, and those of whom they stand in for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.schema import tasks as t
from app.db.types import dumps
from app.db.wire import Statement
from app.identity.actor import Actor

SEAT: Final = "{seat}"
"""In the text of a ``ForSeats``: that the task ``t`` is the actor's, by name or as a substitute."""
_OWN: Final = "t.assignee = %(me)s"
_ALSO_FOR: Final = """
(t.assignee = %(me)s or (
    t.state in ('open', 'claimed') and t.assignee = any(%(absent)s) and exists (
        select 1 from jsonb_to_recordset(cast(%(stands_in)s as jsonb))
                      as s (person text, since timestamptz, key text)
         where s.person = t.assignee and (s.since is null or t.created_at >= s.since)
           and (s.key is null
                or s.key = (select key from process_definitions where id = t.definition_id)))
    and (select started_by from process_instances where id = t.instance_id) <> %(me)s))
"""


def seat_params(actor: Actor) -> dict[str, Any]:
    """Return the parameters ``absent`` and ``stands_in`` of those the actor stands in for."""
    rows = [
        {"person": one.person, "since": one.since, "key": key}
        for one in actor.stands_in
        for key in (sorted(one.definitions) if one.definitions is not None else (None,))
    ]
    return {"absent": sorted({one.person for one in actor.stands_in}), "stands_in": dumps(rows)}


_ALSO_FOR_LISTED: Final = sa.text(
    re.sub(r"%\((\w+)\)s", r":\1", _ALSO_FOR.replace("t.", "tasks."))
).bindparams(sa.bindparam("absent", type_=ARRAY(sa.Text)), sa.bindparam("stands_in", type_=sa.Text))


class ForSeats:
    """A query about an actor's own seats; who stands in for others asks for theirs too.

    Args:
        text: with ``SEAT`` about tasks called ``t``, and ``me`` as a parameter.
    """

    def __init__(self, text: str) -> None:
        self.own = text.replace(SEAT, _OWN)
        self.also_for = text.replace(SEAT, _ALSO_FOR)

    def by(self, actor: Actor, params: Mapping[str, Any] | None = None) -> Statement:
        """Return the statement for an actor: for most people it is the plain one."""
        asked = {"me": actor.username, **(params or {})}
        if not actor.stands_in:
            return self.own, asked
        return self.also_for, asked | seat_params(actor)


def seats(actor: Actor) -> sa.ColumnElement[bool]:
    """Return the same for queries that are put together."""
    own = t.c.assignee == actor.username
    if not actor.stands_in:
        return own
    # Those that an index finds; the condition then looks at each.
    found = t.c.assignee.in_(sorted({actor.username, *(one.person for one in actor.stands_in)}))
    return sa.and_(found, _ALSO_FOR_LISTED.bindparams(me=actor.username, **seat_params(actor)))
