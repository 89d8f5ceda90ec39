"""Appending to the history of an instance, and proving that nobody changed it.

A stored row packs what one transaction did: ``{"events": […], "lines": […]}``. Events
are those of the core and can be replayed; lines are ``[kind, step | null, data]`` for
readers. Each row carries a hash over itself and the hash before it; the head of the
chain is in the instance's row, whose lock the writer must hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from app.db.tx import Tx
from app.db.types import dump_bytes
from app.db.wire import Statement
from app.db.wire_values import Written

Line = Sequence[Any]
"""``[kind, step id or None, data]``."""

START: Final = b""
"""The hash before the first row."""

INSERT: Final = """
insert into history_events
       (instance_id, seq, at, actor, on_behalf_of, kind, data, prev_hash, hash)
values (%(id)s, %(seq)s, %(at)s, %(actor)s, %(behalf)s, %(kind)s, %(data)s, %(prev)s, %(hash)s)
"""
_HEAD: Final = """
update process_instances set history_seq = %(seq)s, history_hash = %(hash)s where id = %(id)s
"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

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


def row(
    head: Mapping[str, Any],
    *,
    at: datetime,
    actor: str,
    kind: str,
    data: Mapping[str, Any],
    on_behalf_of: str | None = None,
) -> dict[str, Any]:
    """Return the parameters of ``INSERT`` for the row that follows ``head``.

    Args:
        head: ``id``, ``history_seq`` and ``history_hash`` of the instance, which the
            transaction has locked.
        kind: what set it off; see the kinds in the REST documentation.
        data: ``{"events": […], "lines": […]}``.
    """
    seq, prev, written = head["history_seq"] + 1, head["history_hash"], Written(dump_bytes(data))
    return {
        "id": head["id"],
        "seq": seq,
        "at": at,
        "actor": actor,
        "behalf": on_behalf_of,
        "kind": kind,
        "data": written,
        "prev": prev,
        "hash": chained(prev, seq, at, actor, on_behalf_of, kind, written),
    }


def told(
    head: Mapping[str, Any],
    *,
    at: datetime,
    actor: str,
    kind: str,
    lines: Sequence[Line],
    on_behalf_of: str | None = None,
) -> list[Statement]:
    """Return what tells of something that did not move the instance (a claim, say).

    Args:
        head: as of ``row``.
        lines: one per thing that happened.
    """
    data = {"events": [], "lines": lines}
    added = row(head, at=at, actor=actor, kind=kind, data=data, on_behalf_of=on_behalf_of)
    return [(_HEAD, added), (INSERT, added)]


def append(
    tx: Tx,
    head: Mapping[str, Any],
    *,
    at: datetime,
    actor: str,
    kind: str,
    lines: Sequence[Line],
) -> None:
    """Tell of something that did not move the instance; see ``told``."""
    tx.together(told(head, at=at, actor=actor, kind=kind, lines=lines))


def chained(
    prev: bytes,
    seq: int,
    at: datetime,
    actor: str,
    behalf: str | None,
    kind: str,
    written: bytes,
) -> bytes:
    """Return the hash of a row; the database's ``history_hash`` computes the same.

    SHA-256 of the hash before it, the fields as netstrings (``<bytes>:<text>,``; one that
    is null as ``-,``; the time in microseconds since 1970) and the data as it is written.
    """
    number, micros = str(seq), str((at - _EPOCH) // _MICROSECOND)
    other = "-," if behalf is None else f"{len(behalf.encode())}:{behalf},"
    fields = (
        f"{len(number)}:{number},{len(micros)}:{micros},"
        f"{len(actor.encode())}:{actor},{other}{len(kind)}:{kind},"
    )
    return sha256(b"".join((prev, fields.encode(), written))).digest()


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
