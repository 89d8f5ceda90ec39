"""What is written to tell people, as statements of the transaction in which it happens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Literal, get_args

from app.db.wire import Statement
from app.identity.absence import COVERED, SUBSTITUTES, SUBSTITUTES_OF_MEANT

Event = Literal[
    "task",
    "transferred",
    "asked",
    "answered",
    "unasked",
    "returned",
    "withdrawn",
    "mentioned",
    "reminded",
    "overdue",
    "copied",
    "unassigned",
    "substitute",
    "absence",
]
EVENTS: Final[tuple[Event, ...]] = get_args(Event)
Choice = Literal["page", "mail", "digest", "none"]
CHOICES: Final[tuple[Choice, ...]] = ("page", "mail", "digest", "none")
MAX_TEXT: Final = 300
"""Characters of a comment that a notification shows."""

# Unions, not conditions joined by "or": each part is found by an index.
_MEANT: Final = """
select id from users where username = any(%(users)s)
union
select m.user_id from memberships m join groups g on g.id = m.group_id
 where g.name = any(%(groups)s)
union
select ur.user_id from user_roles ur join roles r on r.id = ur.role_id where r.name = any(%(roles)s)
"""
_COLUMNS: Final = "(username, event, instance_id, task_id, actor, text, at, mail_at, digest)"
CHOSEN: Final = "left join notification_choices c on c.username = u.username and c.event ="
MAIL: Final = """
case when c.choice in ('mail', 'digest') and u.email is not null then %(at)s::timestamptz end,
case when c.choice = 'digest' then false end
"""
_WANTED: Final = "u.active and u.username <> %(actor)s and coalesce(c.choice, 'page') <> 'none'"
_TOLD: Final = f"""
insert into notifications {_COLUMNS}
select u.username, %(event)s, %(instance)s, %(task)s, %(actor)s, %(text)s, %(at)s, {MAIL}
  from users u {CHOSEN} %(event)s
 where {_WANTED} and u.id in ({_MEANT}) and u.username <> all(%(but)s::text[])
 order by u.username
"""  # noqa: S608 - constants only
_OPENED: Final = f"""
insert into notifications {_COLUMNS}
select u.username, %(event)s, t.instance_id, t.id, %(actor)s, %(text)s, %(at)s, {MAIL}
  from tasks t join users u on u.username = t.assignee {CHOSEN} %(event)s
 where {_WANTED} and t.instance_id = %(instance)s and t.wait = any(%(waits)s) order by t.id
"""  # noqa: S608 - constants only
_UNASSIGNED: Final = f"""
insert into notifications {_COLUMNS}
select u.username, 'unassigned', t.instance_id, t.id, %(actor)s, null, %(at)s, {MAIL}
  from tasks t join users u on u.id in ({_MEANT}) {CHOSEN} 'unassigned'
 where {_WANTED} and t.instance_id = %(instance)s and t.wait = %(wait)s order by t.id, u.username
"""  # noqa: S608 - constants only
_RETURNED: Final = (
    _OPENED.replace(
        "join users u on u.username = t.assignee",
        "join process_instances i on i.id = t.instance_id"
        " join users u on u.username in (t.assignee, i.started_by)",
    )
    .replace("select u.username", "select distinct on (u.username) u.username")
    .replace("order by t.id", "order by u.username, t.assignee is distinct from u.username, t.id")
)
_WITHDRAWN: Final = _OPENED.replace(
    "order by t.id", "and t.state = 'cancelled' and t.completed_at = %(at)s order by t.id"
)
# The same where it was no taking back: chosen with those, and told in other words.
_ENDED: Final = _WITHDRAWN.replace("select u.username, %(event)s", "select u.username, 'ended'")
# Of side tasks that ended because others decided, or with the seat that they served. What who
# decided had asked themselves is told by them.
_UNASKED: Final = _OPENED.replace(
    "order by t.id",
    "and t.state = 'cancelled' and t.completed_at = %(at)s and t.role is not null"
    " and (t.decided_by is not null or t.reason = 'removed') order by t.id",
)
_OPEN_AGAIN: Final = "and t.state = 'claimed' and t.id <> %(task)s order by t.id"
_REOPENED: Final = _OPENED.replace("order by t.id", _OPEN_AGAIN)
# Beside those who are away, whoever stands in for them.
_OPENED_FOR: Final = f"""
insert into notifications {_COLUMNS}
select distinct on (t.id, u.username)
       u.username, 'task', t.instance_id, t.id, %(actor)s, null, %(at)s::timestamptz, {MAIL}
  from tasks t cross join lateral ({SUBSTITUTES}) s
  join users u on u.username = s.person {CHOSEN} 'task'
 where {_WANTED} and {COVERED} and t.instance_id = %(instance)s and t.wait = any(%(waits)s)
 order by t.id, u.username
"""  # noqa: S608 - constants only
_TOLD_FOR: Final = f"""
insert into notifications {_COLUMNS}
select distinct on (u.username)
       u.username, %(event)s, t.instance_id, t.id, %(actor)s, %(text)s, %(at)s::timestamptz, {MAIL}
  from tasks t cross join lateral {SUBSTITUTES_OF_MEANT}
  join users u on u.username = s.person {CHOSEN} %(event)s
 where {_WANTED} and {COVERED} and t.id = %(task)s and u.id not in ({_MEANT})
 order by u.username
"""  # noqa: S608 - constants only
_ASKED_FOR: Final = (
    _TOLD_FOR.replace(
        "t.id = %(task)s",
        "t.instance_id = %(instance)s and t.serves = %(task)s and t.state = 'claimed'"
        " and t.role = %(role)s and t.assignee = any(%(people)s)",
    )
    .replace("distinct on (u.username)", "distinct on (t.id, u.username)")
    .replace("order by u.username", "order by t.id, u.username")
)
_REOPENED_FOR: Final = _OPENED_FOR.replace("order by t.id", _OPEN_AGAIN)
_SEATED_FOR: Final = _OPENED_FOR.replace("order by t.id", "and t.seat > %(after)s order by t.id")
_SEATED: Final = _OPENED.replace("order by t.id", "and t.seat > %(after)s order by t.id")
# Those who have not answered are told of their own tasks, whose ids are the database's to give.
_ASKED: Final = f"""
insert into notifications {_COLUMNS}
select u.username, 'asked', t.instance_id, t.id, %(actor)s, %(text)s, %(at)s, {MAIL}
  from tasks t join users u on u.username = t.assignee {CHOSEN} 'asked'
 where {_WANTED} and t.instance_id = %(instance)s and t.serves = %(task)s
   and t.state = 'claimed' and t.role = %(role)s and t.assignee = any(%(people)s) order by t.id
"""  # noqa: S608 - constants only
# Only who has no copy of this step yet gets one, and is told of it unless they did it.
_COPIED: Final = f"""
with added as (
    insert into copies (instance_id, step, username, task_id, actor, comment, at)
    select t.instance_id, t.step, u.username, t.id, %(actor)s, %(comment)s, %(at)s
      from users u, tasks t
     where u.active and u.id in ({_MEANT}) and t.id = %(task)s
     order by u.username
    on conflict (instance_id, step, username) do nothing
    returning instance_id, username, task_id
)
insert into notifications {_COLUMNS}
select u.username, 'copied', a.instance_id, a.task_id, %(actor)s, %(text)s, %(at)s, {MAIL}
  from added a join users u on u.username = a.username {CHOSEN} 'copied'
 where {_WANTED} order by u.username
"""  # noqa: S608 - constants only
_COPIED_BY_STEP: Final = _COPIED.replace(
    "t.id = %(task)s", "t.instance_id = %(instance)s and t.wait = %(wait)s and t.seat <= 1"
)


def told(
    event: Event,
    keys: Iterable[str],
    *,
    instance: int,
    task: int,
    actor: str,
    text: str | None = None,
    but: Iterable[str] | None = None,
    at: datetime,
) -> Statement:
    """Return what tells people of something; each of them once, and never the actor.

    Args:
        keys: whom: ``u:``, ``g:``, ``r:`` and a name; groups and roles as they are now.
        text: what the actor said.
        but: usernames of those among them who are not told.
    """
    said = {"event": event, "instance": instance, "task": task, "actor": actor, "at": at}
    return _TOLD, {**said, **_meant(keys), "text": shortened(text), "but": list(but or ())}


def opened(instance: int, waits: Sequence[int], *, actor: str, at: datetime) -> Statement:
    """Return what tells people of tasks that were opened for them alone."""
    about = {"instance": instance, "waits": list(waits), "actor": actor, "at": at}
    return _OPENED, {**about, "event": "task", "text": None}


def withdrawn(
    instance: int, waits: Sequence[int], *, text: str | None, actor: str, at: datetime
) -> Statement:
    """Return what tells people of tasks of theirs that are cancelled in the same trip, before."""
    about = {"instance": instance, "waits": list(waits), "actor": actor, "at": at}
    return _WITHDRAWN, {**about, "event": "withdrawn", "text": shortened(text)}


def ended(
    instance: int, waits: Sequence[int], *, text: str | None, actor: str, at: datetime
) -> Statement:
    """Return the same of tasks that end because the instance is returned."""
    _, said = withdrawn(instance, waits, text=text, actor=actor, at=at)
    return _ENDED, said


def unasked(instance: int, wait: int, *, actor: str, at: datetime) -> Statement:
    """Return what tells those who need not answer any more, as what they served has ended.

    Their tasks are withdrawn in the same trip, before.
    """
    about = {"instance": instance, "waits": [wait], "actor": actor, "at": at}
    return _UNASKED, {**about, "event": "unasked", "text": None}


def returned(
    instance: int, waits: Sequence[int], *, text: str | None, actor: str, at: datetime
) -> Statement:
    """Return what tells of steps that were opened once more: who has them, and the initiator."""
    about = {"instance": instance, "waits": list(waits), "actor": actor, "at": at}
    return _RETURNED, {**about, "event": "returned", "text": shortened(text)}


def reopened(instance: int, wait: int, but: int, *, actor: str, at: datetime) -> list[Statement]:
    """Return what tells people, and who stands in for them, of tasks that they have once more.

    Args:
        but: the task that the actor has opened again for themselves.
    """
    said: dict[str, Any] = {"instance": instance, "waits": [wait], "task": but}
    said |= {"event": "task", "text": None, "actor": actor, "at": at}
    return [(_REOPENED, said), (_REOPENED_FOR, said)]


def unassigned(keys: Iterable[str], *, instance: int, wait: int, at: datetime) -> Statement:
    """Return what tells people that they got a task for lack of others."""
    said = {"instance": instance, "wait": wait, "actor": "system", "at": at}
    return _UNASSIGNED, {**said, **_meant(keys)}


def opened_for(instance: int, waits: Sequence[int], *, actor: str, at: datetime) -> Statement:
    """Return what tells those who stand in for the people that these tasks were opened for."""
    return _OPENED_FOR, {"instance": instance, "waits": list(waits), "actor": actor, "at": at}


def told_for(
    event: Event,
    *,
    task: int,
    actor: str,
    keys: Iterable[str] = (),
    text: str | None = None,
    at: datetime,
) -> Statement:
    """Return what tells those who stand in for whoever has a task, as the transaction leaves it.

    If nobody has it: for those whom it is offered to by name.

    Args:
        keys: whom ``told`` tells of it; they are not told twice.
    """
    said = {"event": event, "task": task, "actor": actor, "at": at, "text": shortened(text)}
    return _TOLD_FOR, {**said, **_meant(keys)}


def seated_for(instance: int, wait: int, after: int, *, actor: str, at: datetime) -> Statement:
    """Return the same as ``opened_for`` for seats that were added; see ``seated``."""
    said: dict[str, Any] = {"instance": instance, "waits": [wait], "after": after}
    return _SEATED_FOR, {**said, "actor": actor, "at": at}


def seated(instance: int, wait: int, after: int, *, actor: str, at: datetime) -> Statement:
    """Return the same for seats that were added to a wait, those with a number above ``after``."""
    said: dict[str, Any] = {"instance": instance, "waits": [wait], "after": after}
    return _SEATED, {**said, "event": "task", "text": None, "actor": actor, "at": at}


def asked(
    people: Sequence[str],
    *,
    instance: int,
    task: int,
    role: str,
    actor: str,
    text: str | None = None,
    at: datetime,
) -> list[Statement]:
    """Return what tells people of the side tasks that serve a task, made in the same trip.

    Whoever stands in for one of them is told too.
    """
    said = {"instance": instance, "task": task, "role": role, "actor": actor, "at": at}
    said |= {"people": list(people), "text": shortened(text), "event": "asked", **_meant(())}
    return [(_ASKED, said), (_ASKED_FOR, said)]


def copied(
    keys: Iterable[str], *, task: int, actor: str, comment: str | None = None, at: datetime
) -> Statement:
    """Return what gives people a copy of a task, with the right to read its instance."""
    said = {"task": task, "actor": actor, "at": at, "comment": comment}
    return _COPIED, {**said, **_meant(keys), "text": shortened(comment)}


def copied_by_step(
    keys: Iterable[str], *, instance: int, wait: int, actor: str, at: datetime
) -> Statement:
    """Return the same for a task that is opened in the same trip, by the word of its step."""
    said: dict[str, Any] = {"instance": instance, "wait": wait, "actor": actor, "at": at}
    return _COPIED_BY_STEP, {**said, **_meant(keys), "comment": None, "text": None}


def shortened(text: str | None) -> str | None:
    """Return what a notification shows of a text: its beginning, on one line."""
    line = " ".join((text or "").split())
    return (line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…") or None


def _meant(keys: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"u": [], "g": [], "r": []}
    for key in dict.fromkeys(keys):
        letter, _, name = key.partition(":")
        found[letter].append(name)
    return {"users": found["u"], "groups": found["g"], "roles": found["r"]}
