"""Who stands in for whom: absences as they are at a moment, and the chains they make.

While Mei is away and Li decides for her, and Li is away too and Wang decides for him, Wang
decides for Mei as well. A chain that comes back to where it began ends there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.db.tx import Tx
from app.identity.actor import StandIn

LONGEST: Final = 8
"""Absences in a row that a chain follows."""
# Read from ``{begin}`` on: by each further absence there may be less of it.
_CHAINS: Final = """
with recursive chain as (
    select {end} as person, definitions, case when open_tasks then null else starts_at end as since,
           starts_at, ends_at, array[{begin}, {end}] as path
      from absences
     where {begin} = {who} and ended_at is null and starts_at <= %(at)s and ends_at > %(at)s
    union all
    select a.{end},
           case when chain.definitions is null then a.definitions
                when a.definitions is null then chain.definitions
                else array(select unnest(chain.definitions) intersect select unnest(a.definitions))
           end,
           greatest(chain.since, case when a.open_tasks then null else a.starts_at end),
           greatest(chain.starts_at, a.starts_at), least(chain.ends_at, a.ends_at),
           chain.path || a.{end}
      from chain join absences a on a.{begin} = chain.person
     where a.ended_at is null and a.starts_at <= %(at)s and a.ends_at > %(at)s
       and a.{end} <> all(chain.path) and cardinality(chain.path) <= {longest}
)
select distinct person, definitions, since, starts_at, ends_at from chain
 where definitions is null or definitions <> '{{}}'
"""
_STANDS_IN: Final = _CHAINS.format(
    begin="substitute", end="username", who="%(me)s", longest=LONGEST
)
SUBSTITUTES: Final = _CHAINS.format(
    begin="username", end="substitute", who="t.assignee", longest=LONGEST
)
"""Who stands in for the assignee of the task ``t`` at ``at``, for a lateral join.

The columns are ``person``, ``definitions`` and ``since`` (see ``StandIn``).
"""
_MEANT: Final = _CHAINS.format(
    begin="username", end="substitute", who="meant.person", longest=LONGEST
)
SUBSTITUTES_OF_MEANT: Final = f"""
(select t.assignee as person where t.assignee is not null
  union all
 select substr(key, 3) from unnest(t.candidates) as key
  where t.assignee is null and starts_with(key, 'u:')) meant
 cross join lateral ({_MEANT}) s
"""  # noqa: S608 - constants only
"""Same for whom it is offered to by name, as long as nobody has it; a whole lateral join."""
COVERED: Final = """
(s.definitions is null
 or (select key from process_definitions where id = t.definition_id) = any(s.definitions))
 and (s.since is null or t.created_at >= s.since)
 and s.person <> (select started_by from process_instances where id = t.instance_id)
 and not coalesce(s.person = any(t.barred), false)
"""
"""Whether such a substitute ``s`` decides the task ``t``: not who started it all, nor whom a rule
keeps from it."""


def stands_in(tx: Tx, username: str, *, now: datetime) -> tuple[StandIn, ...]:
    """Return those whose tasks a person decides now, chains included."""
    rows = tx.run(_STANDS_IN, {"me": username, "at": now}).fetchall()
    return tuple(
        StandIn(
            row["person"],
            row["ends_at"],
            row["since"],
            None if row["definitions"] is None else frozenset(row["definitions"]),
            row["starts_at"],
        )
        for row in rows
    )
