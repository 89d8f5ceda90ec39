"""Whose tasks an actor decides, in queries: their own, and those of whom they stand in for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.schema import tasks as t
from app.db.types import dumps
from app.db.wire import Statement
from app.identity.actor import Actor

SEAT: Final = "{seat}"
"""In the text of a ``ForSeats``: that the task ``t`` is the actor's, by name or as a substitute."""
OFFER: Final = "{offer}"
"""Same for a task that is offered to them: by name, group or role, or to the absent by name."""
_OWN: Final = "t.assignee = %(me)s"
_OFFERED: Final = "t.candidates && %(keys)s"
# The arrays find them by an index; each of them is then looked at. Who started it is asked row
# by row: as a set, PostgreSQL would read all instances to know what one person has started.
_PASSED_OVER: Final = """
    and (select begun.started_by from process_instances begun
          where begun.id = t.instance_id) <> %(me)s
"""
_ALSO_FOR: Final = f"""
(t.assignee = any(%(seats)s) and (t.assignee = %(me)s or (
    t.state in ('open', 'claimed'){{restricted}}{_PASSED_OVER})))
"""
_ALSO_OFFERED: Final = f"""
(t.candidates && %(offers)s and (t.candidates && %(keys)s or (
    t.state = 'open'{{restricted}}{_PASSED_OVER})))
"""
_RESTRICTED: Final = """
    and exists (select 1 from jsonb_to_recordset(cast(%(stands_in)s as jsonb))
                                as s (person text, since timestamptz, key text)
                 where {whose} and (s.since is null or t.created_at >= s.since)
                   and (s.key is null
                        or s.key = (select key from process_definitions
                                     where id = t.definition_id)))
"""
_THEIRS: Final = _RESTRICTED.replace("{whose}", "s.person = t.assignee")
_BY_NAME: Final = _RESTRICTED.replace("{whose}", "'u:' || s.person = any(t.candidates)")
# The second is for who stands in for somebody not in everything.
_WIDER: Final = tuple(_ALSO_FOR.replace("{restricted}", more) for more in ("", _THEIRS))
_WIDER_OFFER: Final = tuple(_ALSO_OFFERED.replace("{restricted}", more) for more in ("", _BY_NAME))


def _params(actor: Actor) -> tuple[bool, dict[str, Any]]:
    """Return which of ``_WIDER`` an actor needs, and its parameters."""
    absent = sorted({one.person for one in actor.stands_in})
    found: dict[str, Any] = {
        "me": actor.username,
        "seats": sorted({actor.username, *absent}),
        "keys": actor.candidate_keys,
        "offers": [*actor.candidate_keys, *(f"u:{person}" for person in absent)],
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
        text: with ``SEAT`` or ``OFFER`` about tasks called ``t``, and ``me`` as a parameter.
    """

    def __init__(self, text: str) -> None:
        self.own = text.replace(SEAT, _OWN).replace(OFFER, _OFFERED)
        self._wider = tuple(
            text.replace(SEAT, seat).replace(OFFER, offer)
            for seat, offer in zip(_WIDER, _WIDER_OFFER, strict=True)
        )

    def by(self, actor: Actor, params: Mapping[str, Any] | None = None) -> Statement:
        """Return the statement for an actor: for most people it is the plain one."""
        if not actor.stands_in:
            asked = {"me": actor.username, "keys": actor.candidate_keys}
            return self.own, {**asked, **(params or {})}
        restricted, asked = _params(actor)
        return self._wider[restricted], {**asked, **(params or {})}


def own_seats(actor: Actor, among: sa.FromClause = t) -> sa.ColumnElement[bool]:
    """Return the same as ``SEAT`` for queries that are put together.

    Args:
        among: the tasks, or a named subquery with columns of the same names.
    """
    if not actor.stands_in:
        return among.c.assignee == actor.username
    return _bound(_WIDER, actor, among)


def own_offers(actor: Actor, among: sa.FromClause = t) -> sa.ColumnElement[bool]:
    """Same as ``OFFER``."""
    if not actor.stands_in:
        offered: sa.ColumnElement[bool] = among.c.candidates.overlap(actor.candidate_keys)
        return offered
    return _bound(_WIDER_OFFER, actor, among)


def _bound(texts: tuple[str, ...], actor: Actor, among: sa.FromClause) -> sa.ColumnElement[bool]:
    restricted, params = _params(actor)
    text = _listed(texts[restricted], str(getattr(among, "name", "")))
    used = {name: value for name, value in params.items() if f":{name}" in text}
    lists = [
        sa.bindparam(name, type_=ARRAY(sa.Text))
        for name, value in used.items()
        if isinstance(value, list)
    ]
    return sa.and_(sa.text(text).bindparams(*lists).bindparams(**used))


@cache
def _listed(text: str, among: str) -> str:
    return re.sub(r"%\((\w+)\)s", r":\1", re.sub(r"\bt\.", f"{among}.", text))
