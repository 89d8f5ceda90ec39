"""Notifications that are also mailed: which are due, and what became of the attempt.

One is leased before it is sent, in a transaction of its own: a process that dies while
sending loses none, and the same is sent again after the lease at the worst.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.db.tx import Database

LEASE: Final = timedelta(minutes=10)
MOST_TRIES: Final = 8
"""Attempts before a mail is given up: after about a day."""
_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=6)

# In the order of the index: where hardly anything is due, PostgreSQL would else expect to
# come across one quickly by reading the whole table.
_DUE: Final = "select 1 from notifications where mail_at <= %(now)s order by mail_at limit 1"
# What was read meanwhile, and what nobody can be sent any more, is dropped on the way.
_DROP: Final = """
update notifications n set mail_at = null
 where n.id in (select id from notifications where mail_at <= %(now)s
                 order by mail_at limit 1000)
   and (n.read_at is not null
        or not exists (select 1 from users u where u.username = n.username
                          and u.active and u.email is not null))
"""
_TAKE: Final = """
with due as (
    select id from notifications where mail_at <= %(now)s
     order by mail_at, id limit 1 for update skip locked
), leased as (
    update notifications n set mail_at = %(until)s, mail_tries = mail_tries + 1
      from due where n.id = due.id
    returning n.*
)
select l.id, l.event, l.actor, l.text, l.instance_id, l.mail_tries as tries, t.name as step_name,
       t.step, i.title, u.email, u.name, u.language, coalesce(a.name, l.actor) as by
  from leased l join tasks t on t.id = l.task_id join process_instances i on i.id = l.instance_id
  join users u on u.username = l.username left join users a on a.username = l.actor
"""
_SETTLE: Final = "update notifications set mail_at = %(again)s where id = %(id)s"


@dataclass(frozen=True, slots=True)
class Letter:
    """A notification that is to be mailed.

    Args:
        tries: which attempt this is, from 1.
        to: the address.
        language: of the person; None: none was chosen.
        by: what the person is called who did it.
        step: the step's label, as the definition has it.
    """

    id: int
    event: str
    tries: int
    to: str
    name: str
    language: str | None
    by: str
    step: Any
    step_id: str
    title: str
    text: str | None
    instance_id: int


def due(db: Database, *, now: datetime) -> bool:
    """Say whether any mail is due."""
    with db.transaction() as tx:
        return tx.run(_DUE, {"now": now}).fetchone() is not None


def take(db: Database, *, now: datetime) -> Letter | None:
    """Lease the mail that is due longest; None if none is."""
    with db.transaction() as tx:
        tx.run(_DROP, {"now": now})
        row = tx.run(_TAKE, {"now": now, "until": now + LEASE}).fetchone()
    if row is None:
        return None
    return Letter(
        id=row["id"],
        event=row["event"],
        tries=row["tries"],
        to=row["email"],
        name=row["name"],
        language=row["language"],
        by=row["by"],
        step=row["step_name"],
        step_id=row["step"],
        title=row["title"],
        text=row["text"],
        instance_id=row["instance_id"],
    )


def settled(db: Database, letter: Letter) -> None:
    """Note that it was sent, or never can be."""
    with db.transaction() as tx:
        tx.run(_SETTLE, {"id": letter.id, "again": None})


def failed(db: Database, letter: Letter, *, now: datetime) -> bool:
    """Note that it could not be sent this time; return whether it is tried again."""
    again = letter.tries < MOST_TRIES
    pause = min(_FIRST_PAUSE * 4 ** (letter.tries - 1), _LONGEST_PAUSE)
    with db.transaction() as tx:
        tx.run(_SETTLE, {"id": letter.id, "again": now + pause if again else None})
    return again
