"""Figures of the whole installation, counted in SQL: right for any number of processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.db.tx import Database

MAX_DEFINITIONS: Final = 200
"""So many definitions are counted by name, the busiest ones; the others together."""

OTHERS: Final = "(others)"

LATE: Final = timedelta(seconds=5)
"""Timers due for longer are late; duties look for them far more often."""
MAX_LATE: Final = 10_000
"""So many late timers are counted; the count says no more than that there are many."""

_INSTANCES: Final = """
with counted as (
    select definition_id, status, count(*) as n
      from process_instances group by definition_id, status
), named as (
    select d.key, c.status, sum(c.n)::bigint as n
      from counted c join process_definitions d on d.id = c.definition_id
     group by d.key, c.status
), ranked as (
    select key, row_number() over (order by sum(n) desc, key) as place from named group by key
)
select case when r.place <= %(most)s then n.key else %(others)s end as definition,
       n.status, sum(n.n)::bigint as n
  from named n join ranked r using (key)
 group by 1, 2
"""

_NOW: Final = """
select (select count(*) from tasks where state in ('open', 'claimed') and role is null)
           as tasks_open,
       (select count(*) from tasks
         where state in ('open', 'claimed') and due_at < %(now)s and role is null)
       - (select count(*) from process_instances i join tasks t on t.instance_id = i.id
           where i.status = 'suspended' and t.state in ('open', 'claimed') and t.role is null
             and t.due_at >= i.suspended_at and t.due_at < %(now)s)
           as tasks_overdue,
       (select count(*) from jobs where state = 'due' and not paused and due_at <= %(now)s)
           as jobs_due,
       (select count(*) from jobs where state = 'leased') as jobs_leased,
       (select min(due_at) from jobs where state = 'due' and not paused and due_at <= %(now)s)
           as oldest_due,
       (select count(*) from incidents where resolved_at is null) as incidents_open,
       (select count(*) from (select 1 from timers where not paused and due_at < %(late)s
                               limit %(most_late)s) l) as timers_late,
       (select min(due_at) from timers where not paused and due_at < %(late)s) as oldest_timer
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """How much there is of everything at a moment.

    Args:
        instances: how many per (definition key, status).
        oldest_due_seconds: how long the oldest due job has been waiting; 0 if none is.
        timers_late: how many have been due for longer than ``LATE``, at most ``MAX_LATE``.
        oldest_timer_seconds: how long the oldest of these has been due; 0 if none is.
    """

    instances: dict[tuple[str, str], int]
    tasks_open: int
    tasks_overdue: int
    jobs_due: int
    jobs_leased: int
    oldest_due_seconds: float
    incidents_open: int
    timers_late: int
    oldest_timer_seconds: float


def figures(db: Database, *, now: datetime) -> Figures:
    """Count everything, in one transaction."""
    with db.transaction() as tx:
        rows = tx.run(_INSTANCES, {"most": MAX_DEFINITIONS, "others": OTHERS}).fetchall()
        row = tx.run(_NOW, {"now": now, "late": now - LATE, "most_late": MAX_LATE}).fetchone()
    return _made(rows, row or {}, now)


def _made(rows: list[dict[str, Any]], row: dict[str, Any], now: datetime) -> Figures:
    return Figures(
        instances={(each["definition"], each["status"]): each["n"] for each in rows},
        tasks_open=row["tasks_open"],
        tasks_overdue=row["tasks_overdue"],
        jobs_due=row["jobs_due"],
        jobs_leased=row["jobs_leased"],
        oldest_due_seconds=_seconds_since(row["oldest_due"], now),
        incidents_open=row["incidents_open"],
        timers_late=row["timers_late"],
        oldest_timer_seconds=_seconds_since(row["oldest_timer"], now),
    )


def _seconds_since(moment: datetime | None, now: datetime) -> float:
    return max((now - moment).total_seconds(), 0.0) if moment else 0.0
