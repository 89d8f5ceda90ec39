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
# The array finds them by an index; each of them is then looked at.
_ALSO_FOR: Final = """
(t.assignee = any(%(seats)s) and (t.assignee = %(me)s or (
    t.state in ('open', 'claimed'){restricted}
    and not exists (select 1 from process_instances begun
                     where begun.id = t.instance_id and begun.started_by = %(me)s))))
"""
_RESTRICTED: Final = """
    and exists (select 1 from jsonb_to_recordset(cast(%(stands_in)s as jsonb))
                                as s (person text, since timestamptz, key text)
                 where s.person = t.assignee and (s.since is null or t.created_at >= s.since)
                   and (s.key is null
                        or s.key = (select key from process_definitions
                                     where id = t.definition_id)))
"""
# The second is for who stands in for somebody not in everything.
_WIDER: Final = tuple(_ALSO_FOR.replace("{restricted}", more) for more in ("", _RESTRICTED))


def _params(actor: Actor) -> tuple[bool, dict[str, Any]]:
    """Return which of ``_WIDER`` an actor needs, and its parameters."""
    found: dict[str, Any] = {
        "me": actor.username,
        "seats": sorted({actor.username, *(one.person for one in actor.stands_in)}),
    }
    if all(one.since is None and one.definitions is None for one in actor.stands_in):
        return False, found
    rows = [
        {"person": one.person, "since": one.since, "key": key}
        for one in actor.stands_in
        for key in (sorted(one.definitions) if one.definitions is not None else (None,))
    ]
    return True, found | {"stands_in": dumps(rows)}


class ForSeats:
    """A query about an actor's own seats; who stands in for others asks for theirs too.

    Args:
        text: with ``SEAT`` about tasks called ``t``, and ``me`` as a parameter.
    """

    def __init__(self, text: str) -> None:
        self.own = text.replace(SEAT, _OWN)
        self._wider = tuple(text.replace(SEAT, each) for each in _WIDER)

    def by(self, actor: Actor, params: Mapping[str, Any] | None = None) -> Statement:
        """Return the statement for an actor: for most people it is the plain one."""
        asked = {"me": actor.username, **(params or {})}
        if not actor.stands_in:
            return self.own, asked
        restricted, more = _params(actor)
        return self._wider[restricted], asked | more


def own_seats(actor: Actor) -> sa.ColumnElement[bool]:
    """Return the same for queries that are put together."""
    if not actor.stands_in:
        return t.c.assignee == actor.username
    restricted, params = _params(actor)
    return sa.and_(_LISTED[restricted].bindparams(**params))


_LISTED: Final = tuple(
    sa.text(re.sub(r"%\((\w+)\)s", r":\1", each.replace("t.", "tasks."))).bindparams(
        sa.bindparam("seats", type_=ARRAY(sa.Text))
    )
    for each in _WIDER
)
