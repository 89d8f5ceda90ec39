"""Appending to the history of an instance, and proving that nobody changed it.

A stored row packs what one transaction did: ``{"events": […], "lines": […]}``. Events
are those of the core and can be replayed; lines are ``[kind, step | null, data]`` for
readers. Each row carries a hash over itself and the hash before it; the head of the
chain is in the instance's row, whose lock the writer must hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from app.db.tx import Tx

Line = Sequence[Any]
"""``[kind, step id or None, data]``."""

START: Final = b""
"""The hash before the first row."""

# The next row after the head of ``i``, which a statement has locked; and the new head.
APPENDED: Final = """h as (
    insert into history_events
           (instance_id, seq, at, actor, on_behalf_of, kind, data, prev_hash, hash)
    select i.id, i.history_seq + 1, %(at)s, %(actor)s, %(behalf)s, %(kind)s, %(data)s,
           i.history_hash,
           history_hash(i.history_hash, i.history_seq + 1, %(at)s, %(actor)s, %(behalf)s,
                        %(kind)s, %(data)s)
      from i
    returning instance_id, seq, hash
), head as (
    update process_instances p set history_seq = h.seq, history_hash = h.hash
      from h where p.id = h.instance_id
    returning p.history_seq as seq
)"""

_APPEND: Final = f"""
with i as (
    select id, history_seq, history_hash from process_instances where id = %(id)s for update
), {APPENDED}
select seq from head
"""  # noqa: S608 - constants only

# By instance the first row that does not follow from the one before it, or is not the head.
_BROKEN: Final = """
with chain as (
    select instance_id, seq, prev_hash, hash,
           history_hash(prev_hash, seq, at, actor, on_behalf_of, kind, data) as should,
           lag(hash, 1, '\\x'::bytea) over rows as before, row_number() over rows as place
      from history_events where instance_id between %(first)s and %(last)s
    window rows as (partition by instance_id order by seq)
), broken as (
    select instance_id, seq from chain
     where hash <> should or prev_hash <> before or seq <> place
), ends as (
    select distinct on (instance_id) instance_id, seq, hash
      from chain order by instance_id, seq desc
), heads as (
    select i.id, i.history_seq from process_instances i left join ends e on e.instance_id = i.id
     where i.id between %(first)s and %(last)s
       and (e.seq is distinct from i.history_seq or e.hash is distinct from i.history_hash)
)
select instance_id, min(seq) as seq
  from (select instance_id, seq from broken union all select id, history_seq from heads) found
 group by instance_id order by instance_id
"""


def append(
    tx: Tx,
    instance_id: int,
    *,
    at: datetime,
    actor: str,
    kind: str,
    lines: Sequence[Line],
    on_behalf_of: str | None = None,
) -> int:
    """Add a row about what did not move the instance (a claim, an attempt of a job).

    The caller holds the lock of the instance's row.

    Args:
        kind: what set it off; see the kinds in the REST documentation.
        lines: one per thing that happened.

    Returns:
        The number of the row within the instance.

    Raises:
        LookupError: there is no such instance.
    """
    row = tx.run(
        _APPEND,
        {
            "id": instance_id,
            **entry(at=at, actor=actor, kind=kind, lines=lines, on_behalf_of=on_behalf_of),
        },
    ).fetchone()
    if row is None:
        raise LookupError(instance_id)
    return int(row["seq"])


def entry(
    *,
    at: datetime,
    actor: str,
    kind: str,
    lines: Sequence[Line],
    on_behalf_of: str | None = None,
) -> dict[str, Any]:
    """Return the parameters of ``APPENDED``; see ``append``."""
    return {
        "at": at,
        "actor": actor,
        "behalf": on_behalf_of,
        "kind": kind,
        "data": {"events": [], "lines": lines},
    }


def broken(tx: Tx, first: int, last: int) -> dict[int, int]:
    """Return the instances from ``first`` to ``last`` whose history somebody touched.

    Returns:
        Instance → number of its first row that was changed, removed, moved or slipped in.
        The chain of any other is whole, from its first row to the head in the instance.
    """
    rows = tx.run(_BROKEN, {"first": first, "last": last}).fetchall()
    return {row["instance_id"]: row["seq"] for row in rows}


def verify(tx: Tx, instance_id: int) -> int | None:
    """Same for one instance: the number of the row, or None."""
    return broken(tx, instance_id, instance_id).get(instance_id)
