"""Answers kept under the key that a caller chose, so that a repeat gets the first one.

The answer is stored in the transaction of the work: there is never one without the other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from app.db.tx import Database, Tx

KEPT: Final = timedelta(hours=24)
PRUNED_AT_ONCE: Final = 10_000
"""Rows that one transaction deletes: a day's backlog must not run into a time limit."""

_PRUNE: Final = """
delete from idempotency_keys where ctid = any(array(
    select ctid from idempotency_keys where created_at <= %(since)s
     order by created_at limit %(limit)s for update skip locked))
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an answer is kept: one caller's key for one method and path."""

    user_id: int
    method: str
    path: str
    key: str

    @property
    def lock(self) -> int:
        """The number of its advisory lock (signed 64 bits)."""
        text = f"{self.user_id} {self.method} {self.path} {self.key}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored answer; ``body_hash`` is of the request that it answers."""

    body_hash: bytes
    status: int
    headers: dict[str, str]
    answer: str


def try_lock(tx: Tx, slot: Slot) -> bool:
    """Hold the key until the transaction ends; False if someone else holds it."""
    row = tx.run("select pg_try_advisory_xact_lock(%(lock)s) as held", {"lock": slot.lock})
    return bool((row.fetchone() or {})["held"])


def lock(tx: Tx, slot: Slot) -> None:
    """Hold the key until the transaction ends; wait for whoever else holds it."""
    tx.run("select pg_advisory_xact_lock(%(lock)s)", {"lock": slot.lock})


def find(tx: Tx, slot: Slot, *, now: datetime) -> Kept | None:
    """Return the answer kept for the key, if it is not older than ``KEPT``."""
    row = tx.run(
        "select body_hash, status, headers, answer from idempotency_keys"
        " where user_id = %(user_id)s and method = %(method)s and path = %(path)s"
        " and key = %(key)s and created_at > %(since)s",
        {**_columns(slot), "since": now - KEPT},
    ).fetchone()
    if row is None:
        return None
    return Kept(bytes(row["body_hash"]), row["status"], row["headers"], row["answer"])


def keep(tx: Tx, slot: Slot, kept: Kept, *, now: datetime) -> None:
    """Store the answer; one that had expired is replaced."""
    tx.run(
        "insert into idempotency_keys"
        " (user_id, method, path, key, body_hash, status, headers, answer, created_at)"
        " values (%(user_id)s, %(method)s, %(path)s, %(key)s, %(body_hash)s, %(status)s,"
        " %(headers)s, %(answer)s, %(now)s)"
        " on conflict (user_id, method, path, key) do update set"
        " body_hash = excluded.body_hash, status = excluded.status,"
        " headers = excluded.headers, answer = excluded.answer, created_at = excluded.created_at",
        {
            **_columns(slot),
            "body_hash": kept.body_hash,
            "status": kept.status,
            "headers": Jsonb(kept.headers),
            "answer": kept.answer,
            "now": now,
        },
    )


def prune(db: Database, *, now: datetime) -> int:
    """Delete answers that are older than ``KEPT``, so many at once; return how many."""
    count = 0
    while True:
        with db.transaction() as tx:
            gone = tx.run(_PRUNE, {"since": now - KEPT, "limit": PRUNED_AT_ONCE}).rowcount
        count += gone
        if gone < PRUNED_AT_ONCE:
            return count


def _columns(slot: Slot) -> dict[str, Any]:
    return {
        "user_id": slot.user_id,
        "method": slot.method,
        "path": slot.path,
        "key": slot.key,
    }
