"""Notifications that are also mailed: which are due, and what became of the attempt.

Some are a mail each, at once; some wait for the mail of the day, one for each person. What is
mailed is leased before it is sent, in a transaction of its own: a process that dies while
sending loses none, and the same is sent again after the lease at the worst.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.db.tx import Database, Tx
from app.notice import away

LEASE: Final = timedelta(minutes=10)
MOST_TRIES: Final = 8
"""Attempts before a mail is given up: after about a day."""
LISTED: Final = 20
"""Notifications that the mail of the day names; it counts the others."""
_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=6)
_SCHEDULED: Final = 1000
"""Notifications whose day is worked out at a time."""

# In the order of the index: where hardly anything is due, PostgreSQL would else expect to
# come across one quickly by reading the whole table.
_DUE: Final = "select 1 from notifications where mail_at <= %(now)s order by mail_at limit 1"
# One process at a time takes its pick: else two would each lease a half of a day's mail.
ALONE: Final = "select pg_advisory_xact_lock(7206116)"
# What was read or done meanwhile, and what nobody can be sent any more, is dropped on the way.
_DROP: Final = """
update notifications n set mail_at = null
 where n.id in (select id from notifications where mail_at <= %(now)s
                 order by mail_at, id limit 1000)
   and (n.read_at is not null
        or not exists (select 1 from users u where u.username = n.username
                          and u.active and u.email is not null)
        or n.task_id is not null and not exists (
               select 1 from tasks t where t.id = n.task_id
                  and (n.event in ('mentioned', 'copied', 'withdrawn', 'unasked', 'ended')
                       or t.state in ('open', 'claimed'))))
"""
_UNSCHEDULED: Final = """
select n.id, n.at, u.timezone, u.digest_hour as hour
  from notifications n join users u on u.username = n.username
 where n.mail_at <= %(now)s and not n.digest order by n.mail_at, n.id limit %(most)s
   for update of n
"""
_SCHEDULE: Final = """
update notifications n set mail_at = s.mail_at, digest = true
  from unnest(%(ids)s::bigint[], %(times)s::timestamptz[]) as s (id, mail_at) where n.id = s.id
"""
# Of a day that could not be mailed the same is tried again; what is due for the first time goes
# together, however many days it is of.
_TAKE: Final = """
with first as (
    select * from notifications where mail_at <= %(now)s and digest is not false
     order by mail_at, id limit 1 for update
), chosen as (
    select id from first
     union
    select n.id from first f join notifications n on n.username = f.username
     where f.digest and n.digest and n.mail_at <= %(now)s and n.read_at is null
       and n.mail_tries = f.mail_tries and (f.mail_tries = 0 or n.mail_at = f.mail_at)
), leased as (
    update notifications n set mail_at = %(until)s, mail_tries = mail_tries + 1
      from chosen where n.id = chosen.id
    returning n.*
)
select l.id, l.event, l.actor, l.text, l.instance_id, l.task_id, l.mail_tries as tries, l.digest,
       l.about, coalesce(s.name, l.about ->> 'substitute') as substitute,
       t.name as step_name, t.step, i.title, u.email, u.name, u.language, u.timezone,
       coalesce(a.name, l.actor) as by, array_agg(l.id) over () as ids
  from leased l left join tasks t on t.id = l.task_id
  left join process_instances i on i.id = l.instance_id
  join users u on u.username = l.username left join users a on a.username = l.actor
  left join users s on s.username = l.about ->> 'substitute'
 order by l.id desc limit %(listed)s
"""
_SETTLE: Final = "update notifications set mail_at = %(again)s where id = any(%(ids)s)"


@dataclass(frozen=True, slots=True)
class Note:
    """A notification that a mail tells of: something of a task, or an absence.

    Args:
        by: what the person is called who did it.
        step: the step's label, as the definition has it.
        title: of the instance; empty: it is about an absence.
        absence: ``{change, from, until, substitute}``, the times in the reader's zone, the
            last one's name; None: it is about a task.
    """

    id: int
    event: str
    by: str
    step: Any
    step_id: str
    title: str
    text: str | None
    instance_id: int | None
    task_id: int | None
    absence: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is to be sent.

    Args:
        ids: of the notifications that it tells of.
        notes: the newest ``LISTED`` of them.
        digest: whether it is the mail of a day.
        tries: which attempt this is, from 1.
        to: the address.
        language: of the person; None: none was chosen.
    """

    ids: tuple[int, ...]
    notes: tuple[Note, ...]
    digest: bool
    tries: int
    to: str
    name: str
    language: str | None

    @property
    def key(self) -> str:
        """The same in every attempt, so that a mail that is sent twice is known as one."""
        return f"{'digest' if self.digest else 'notification'}-{min(self.ids)}"


def due(db: Database, *, now: datetime) -> bool:
    """Say whether any mail is due."""
    with db.transaction() as tx:
        return tx.run(_DUE, {"now": now}).fetchone() is not None


def take(db: Database, *, now: datetime) -> Letter | None:
    """Lease the mail that is due longest; None if none is."""
    with db.transaction() as tx:
        tx.run(ALONE)
        tx.run(_DROP, {"now": now})
        _schedule(tx, now)
        asked = {"now": now, "until": now + LEASE, "listed": LISTED}
        rows = tx.run(_TAKE, asked).fetchall()
    if not rows:
        return None
    first = rows[0]
    return Letter(
        ids=tuple(sorted(first["ids"])),
        notes=tuple(map(_note, rows)),
        digest=bool(first["digest"]),
        tries=first["tries"],
        to=first["email"],
        name=first["name"],
        language=first["language"],
    )


def settled(db: Database, letter: Letter) -> None:
    """Note that it was sent, or never can be."""
    with db.transaction() as tx:
        tx.run(_SETTLE, {"ids": list(letter.ids), "again": None})


def failed(db: Database, letter: Letter, *, now: datetime) -> bool:
    """Note that it could not be sent this time; return whether it is tried again."""
    again = letter.tries < MOST_TRIES
    pause = min(_FIRST_PAUSE * 4 ** (letter.tries - 1), _LONGEST_PAUSE)
    with db.transaction() as tx:
        tx.run(_SETTLE, {"ids": list(letter.ids), "again": now + pause if again else None})
    return again


def day_of(at: datetime, zone: str | None, hour: int) -> datetime:
    """Return when something of ``at`` is mailed with its day: at the next full ``hour`` there.

    Args:
        zone: an IANA name; None, and one that is not known: UTC.
    """
    there = _zone(zone)
    today = at.astimezone(there).date()
    for day in (today, today + timedelta(days=1)):
        when = datetime.combine(day, time(hour), tzinfo=there).astimezone(UTC)
        if when > at:
            return when
    return at + timedelta(days=1)


def _schedule(tx: Tx, now: datetime) -> None:
    """Work out when what is for the mail of the day is due: PostgreSQL may know other zones."""
    rows = tx.run(_UNSCHEDULED, {"now": now, "most": _SCHEDULED}).fetchall()
    if rows:
        times = [day_of(row["at"], row["timezone"], row["hour"]) for row in rows]
        tx.run(_SCHEDULE, {"ids": [row["id"] for row in rows], "times": times})


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _note(row: Mapping[str, Any]) -> Note:
    return Note(
        id=row["id"],
        event=row["event"],
        by=row["by"],
        step=row["step_name"],
        step_id=row["step"] or row["event"],
        title=row["title"] or "",
        text=row["text"],
        instance_id=row["instance_id"],
        task_id=row["task_id"],
        absence=_absence(row),
    )


def _absence(row: Mapping[str, Any]) -> dict[str, Any] | None:
    about, there = row["about"], _zone(row["timezone"])
    if about is None:
        return None
    times = {each: when.astimezone(there) for each, when in away.times(about).items()}
    return {"change": about["change"], "substitute": row["substitute"], **times}
