"""Telling of absences: whoever stands in for somebody, and whose absence another has entered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from app.db.types import Json
from app.db.wire import Statement
from app.notice.store import CHOSEN, MAIL, Event

Row = Mapping[str, Any]
Change = Literal["set", "changed", "ended"]

_WHAT: Final = ("substitute", "starts_at", "ends_at", "definitions", "open_tasks")
_TOLD: Final = f"""
insert into notifications (username, event, actor, about, at, mail_at, digest)
select u.username, %(event)s, %(by)s, %(about)s, %(at)s, {MAIL}
  from users u {CHOSEN} %(event)s
 where u.username = %(username)s and u.active and coalesce(c.choice, 'page') <> 'none'
"""  # noqa: S608 - constants only


def told(before: Row | None, after: Row | None, *, actor: str, at: datetime) -> list[Statement]:
    """Return what tells the substitute of an absence, and who is away if another has entered it.

    Nobody is told of what they did themselves.

    Args:
        before: the absence's row as it was; None: it is new.
        after: as it is; None: it is over.
    """
    said = [each for each in _changes(before, after) if each[0] != actor]
    return [_statement(*each, actor=actor, at=at) for each in said]


def times(about: Mapping[str, Any]) -> dict[str, datetime]:
    """Return ``from`` and ``until`` of what a notification keeps about an absence."""
    return {each: datetime.fromisoformat(about[each]) for each in ("from", "until")}


def _changes(before: Row | None, after: Row | None) -> list[tuple[str, Event, Change, Row]]:
    """Return whom to tell, of which event, what has become of it, and its row."""
    if before is None and after is not None:
        return _both("set", after)
    if before is not None and after is None:
        return _both("ended", before)
    if before is None or after is None or all(before[each] == after[each] for each in _WHAT):
        return []
    if before["substitute"] == after["substitute"]:
        return _both("changed", after)
    return [
        (before["substitute"], "substitute", "ended", before),
        (after["substitute"], "substitute", "set", after),
        (after["username"], "absence", "changed", after),
    ]


def _both(change: Change, row: Row) -> list[tuple[str, Event, Change, Row]]:
    return [
        (row["substitute"], "substitute", change, row),
        (row["username"], "absence", change, row),
    ]


def _statement(
    username: str, event: Event, change: Change, row: Row, *, actor: str, at: datetime
) -> Statement:
    about = {
        "change": change,
        "user": row["username"],
        "substitute": row["substitute"],
        "from": row["starts_at"].isoformat(),
        "until": row["ends_at"].isoformat(),
    }
    by = row["username"] if event == "substitute" else actor
    return _TOLD, {"username": username, "event": event, "by": by, "about": Json(about), "at": at}
