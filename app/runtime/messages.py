"""Messages: kept in the transaction that sends them, delivered in one of their own.

So a sender never holds its own instance while it waits for another's lock. What is kept
and awaited is brought together right after the commit that made it so; a duty does it for
whatever a dying process has left. A message reaches one receiver, once: the row's state
decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from app.core.events import MessageReceived
from app.core.value_check import check_json
from app.db.tx import Tx
from app.errors import AppError, FieldError, Invalid
from app.identity.actor import SYSTEM, Actor
from app.identity.policy import require
from app.runtime import starting, step
from app.runtime.ports import Engine

log = structlog.get_logger(__name__)

MAX_TTL: Final = timedelta(days=365)
MAX_NAME: Final = 255
DEFAULT_TTL: Final = timedelta(days=1)

_KEEP: Final = """
insert into messages (name, key, payload, state, sent_by, created_at, expires_at)
values (%(name)s, %(key)s, %(payload)s, 'kept', %(by)s, %(now)s, %(expires_at)s)
returning id
"""
# The oldest message of each pair that can meet; a suspended instance takes none.
_MEET: Final = """
select m.id, m.name, m.payload, s.instance_id, s.wait
  from messages m
  join subscriptions s on s.name = m.name and s.key = m.key
  join process_instances i on i.id = s.instance_id and i.status = 'running'
 where m.state = 'kept' and {filter}
 order by m.id, s.created_at, s.instance_id
 limit %(limit)s
"""
_OF_MESSAGE: Final = _MEET.format(filter="m.id = %(message)s")
_OF_INSTANCE: Final = _MEET.format(filter="s.instance_id = %(instance)s")
_ANY: Final = _MEET.format(filter="true")
_STARTS: Final = """
select m.id, m.name, m.key, m.payload, d.id as definition_id
  from messages m
  join lateral (
      select id from process_definitions
       where start_message = m.name and status = 'active'
       order by version_order desc, id desc limit 1) d on true
 where m.state = 'kept' and {filter}
   and not exists (select 1 from subscriptions s where s.name = m.name and s.key = m.key)
 order by m.id limit %(limit)s
"""
_START_OF_MESSAGE: Final = _STARTS.format(filter="m.id = %(message)s")
_ANY_START: Final = _STARTS.format(filter="true")
_DELIVERED: Final = """
update messages set state = 'delivered', receiver_id = %(receiver)s, delivered_at = %(now)s
 where id = %(id)s and state = 'kept'
"""
_EXPIRE: Final = """
update messages m set state = 'expired'
 where m.state = 'kept' and m.expires_at <= %(now)s
   and not exists (select 1 from subscriptions s where s.name = m.name and s.key = m.key)
"""
_PRUNE: Final = """
delete from messages where state <> 'kept' and expires_at < %(before)s
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message.

    Args:
        id: of the message.
        instance_id: whom it reached, if anybody.
        started: whether that instance was started by it.
        kept_until: if it waits for a receiver.
    """

    id: int
    instance_id: int | None
    started: bool
    kept_until: datetime | None


def send(
    engine: Engine,
    actor: Actor,
    name: str,
    key: str,
    payload: Mapping[str, Any],
    *,
    ttl: timedelta = DEFAULT_TTL,
    now: datetime,
) -> Sent:
    """Send a message from outside, and tell whom it reached.

    Args:
        key: correlation key; the receiver waits with the same.
        ttl: how long it is kept if nobody awaits it.

    Raises:
        Forbidden: the actor may not send messages.
        Invalid: one error per wrong value.
    """
    require(actor, "message:send")
    _check(name, key, payload, ttl)
    params = {
        "name": name,
        "key": key,
        "payload": dict(payload),
        "by": actor.username,
        "now": now,
        "expires_at": now + ttl,
    }
    with engine.db.transaction() as tx:
        row = tx.run(_KEEP, params).fetchone()
        assert row is not None  # noqa: S101 - an insert returns its row
        message = int(row["id"])
        reached = _meet(engine, tx, _OF_MESSAGE, {"message": message, "limit": 1}, now=now)
        started = reached is None
        if reached is None:
            reached = _starts(engine, tx, {"message": message, "limit": 1}, now=now)
    if reached is None:
        return Sent(message, None, False, now + ttl)
    return Sent(message, reached, started, None)


def deliver_sent(engine: Engine, instance_id: int, *, now: datetime) -> None:
    """Deliver what an instance has just sent, and what it has just begun to wait for.

    Never raises: what is left over is the duty's.
    """
    try:
        with engine.db.transaction() as tx:
            ids = tx.run(
                "select id from messages where sender_id = %(id)s and state = 'kept' order by id",
                {"id": instance_id},
            ).fetchall()
        for row in ids:
            _deliver(engine, _OF_MESSAGE, {"message": row["id"]}, now=now)
        _deliver(engine, _OF_INSTANCE, {"instance": instance_id}, now=now)
    except AppError as error:
        log.warning("messages.left_over", instance_id=instance_id, error=str(error))


def deliver_left_over(engine: Engine, *, now: datetime, limit: int = 200) -> int:
    """Bring together what is kept and awaited; return how many."""
    count = 0
    while count < limit and _deliver(engine, _ANY, {}, now=now):
        count += 1
    return count


def prune(engine: Engine, *, now: datetime, keep: timedelta = timedelta(days=7)) -> int:
    """Let kept messages expire that nobody awaits, and forget old ones; return how many."""
    with engine.db.transaction() as tx:
        tx.run(_EXPIRE, {"now": now})
        return tx.run(_PRUNE, {"before": now - keep}).rowcount


def _deliver(engine: Engine, sql: str, params: Mapping[str, Any], *, now: datetime) -> bool:
    """Deliver one message in a transaction of its own; say whether there was one."""
    with engine.db.transaction() as tx:
        if _meet(engine, tx, sql, {**params, "limit": 1}, now=now) is not None:
            return True
        if sql is _OF_INSTANCE:
            return False
        return _starts(engine, tx, {**params, "limit": 1}, now=now) is not None


def _meet(
    engine: Engine, tx: Tx, sql: str, params: Mapping[str, Any], *, now: datetime
) -> int | None:
    """Give a kept message to who awaits it; return the instance."""
    for row in tx.run(sql, params).fetchall():
        locked = step.lock(engine, tx, row["instance_id"])
        event = MessageReceived(
            at=now,
            by=SYSTEM.username,
            wait=row["wait"],
            name=row["name"],
            payload=row["payload"],
        )
        if not step.would_answer(locked, event):
            continue
        done = {"id": row["id"], "receiver": row["instance_id"], "now": now}
        if tx.run(_DELIVERED, done).rowcount == 1:
            step.move_locked(engine, tx, locked, event, actor=SYSTEM)
            return int(row["instance_id"])
    return None


def _starts(engine: Engine, tx: Tx, params: Mapping[str, Any], *, now: datetime) -> int | None:
    """Start what begins with a kept message; return the instance."""
    sql = _START_OF_MESSAGE if "message" in params else _ANY_START
    for row in tx.run(sql, params).fetchall():
        done = {"id": row["id"], "receiver": None, "now": now}
        if tx.run(_DELIVERED, done).rowcount != 1:
            continue
        try:
            with tx.undone_on_error():
                begun = starting.begin(
                    engine,
                    SYSTEM,
                    definition_id=row["definition_id"],
                    business_key=row["key"] or None,
                    variables=row["payload"],
                    now=now,
                )
        except Invalid as error:  # its payload does not fit; it is not tried for ever
            log.warning("messages.cannot_start", message_id=row["id"], error=str(error))
            continue
        tx.run(
            "update messages set receiver_id = %(receiver)s where id = %(id)s",
            {"id": row["id"], "receiver": begun.instance.id},
        )
        return begun.instance.id
    return None


def _check(name: str, key: str, payload: Mapping[str, Any], ttl: timedelta) -> None:
    errors = []
    for field, text in (("name", name), ("correlation_key", key)):
        if field == "name" and not text.strip():
            errors.append(FieldError(field, "required", "Name the message."))
        if len(text) > MAX_NAME:
            params = {"max": MAX_NAME}
            errors.append(FieldError(field, "too_long", "Use at most %(max)d characters.", params))
    for field, value in (("name", name), ("correlation_key", key), ("variables", dict(payload))):
        problem = check_json(value)
        if problem is not None:
            errors.append(FieldError(field, problem.code, problem.message, problem.params))
    if not timedelta() <= ttl <= MAX_TTL:
        params = {"max": MAX_TTL.days}
        errors.append(FieldError("ttl", "out_of_range", "Use 0 to %(max)d days.", params))
    if errors:
        raise Invalid("invalid_message", "Correct the message.", errors=tuple(errors))
