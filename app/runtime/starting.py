"""Starting an instance: which definition, by whom, with which values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import psycopg

from app.core.definition import Definition, Label
from app.core.events import Started
from app.core.expression import ExpressionError, parse_template
from app.core.state import State
from app.core.values import check_json, iso_text, plain_text
from app.db.tx import Tx
from app.definition.row import STATUS_WORDS
from app.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from app.history.record import START
from app.identity.actor import Actor
from app.identity.policy import may_start
from app.runtime.apply import apply
from app.runtime.plan import make_plan
from app.runtime.ports import Engine
from app.runtime.row import InstanceRow, row_of
from app.runtime.step import Moved
from app.runtime.variables import variable_errors

MAX_BUSINESS_KEY: Final = 255
"""Characters; the same for a title."""

# The next id comes along: expressions may name ``instance.id`` from the first step on.
_BY_ID: Final = """
select id, key, status, name, starters, checksum,
       nextval(pg_get_serial_sequence('process_instances', 'id')) as instance_id
  from process_definitions where id = %(id)s
"""
_BY_KEY: Final = """
select id, key, status, name, starters, checksum,
       nextval(pg_get_serial_sequence('process_instances', 'id')) as instance_id
  from (select * from process_definitions where key = %(key)s and status = 'active'
         order by version_order desc, id desc limit 1) newest
"""


def start(
    engine: Engine,
    actor: Actor,
    *,
    definition_id: int | None = None,
    definition_key: str | None = None,
    business_key: str | None = None,
    variables: Mapping[str, Any],
    title: str | None = None,
    now: datetime,
) -> InstanceRow:
    """Start an instance; it goes on until it waits for people, a machine, or has ended.

    Same as ``begin``, for those who only want the instance.
    """
    return begin(
        engine,
        actor,
        definition_id=definition_id,
        definition_key=definition_key,
        business_key=business_key,
        variables=variables,
        title=title,
        now=now,
    ).instance


def begin(
    engine: Engine,
    actor: Actor,
    *,
    definition_id: int | None = None,
    definition_key: str | None = None,
    business_key: str | None = None,
    variables: Mapping[str, Any],
    title: str | None = None,
    now: datetime,
) -> Moved:
    """Start an instance, and tell which tasks it opened.

    Args:
        definition_id: which definition; or
        definition_key: whose newest active version.
        business_key: what the outside world calls it.
        variables: checked against the declared types and the start form.
        title: what people call it; default: by the definition's template, else its name.

    Raises:
        NotFound: no such definition, or the actor may not see it.
        Forbidden: the actor sees it but may not start it.
        Conflict: it is a draft or retired.
        Invalid: one error per wrong value.
    """
    with engine.db.transaction() as tx:
        found = _find(tx, actor, definition_id, definition_key)
        definition = engine.definitions.get(tx, found["id"], found["checksum"])
        values = dict(variables)
        errors = [*_text_errors(business_key, title), *variable_errors(definition, values)]
        if errors:
            raise Invalid("invalid_variables", "Correct the values.", errors=tuple(errors))
        instance_id = found["instance_id"]
        facts = _facts(actor, instance_id, business_key, now)
        title = title or _title(definition, found["name"], values, facts, now)
        facts["instance"]["title"] = title
        event = Started(at=now, by=actor.username, variables=values, facts=facts)
        plan = make_plan(definition, State(), [event], engine.services)
        begins = {
            "id": instance_id,
            "definition_id": found["id"],
            "business_key": business_key,
            "title": title,
            "started_by": actor.username,
            "started_at": now,
            "history_seq": 0,
            "history_hash": START,
        }
        try:
            applied = apply(tx, definition, plan, begins, at=now, actor=actor.username, before=None)
        except psycopg.errors.ForeignKeyViolation as error:  # it was deleted in this moment
            raise _no_definition() from error
        if plan.jobs:
            tx.after_commit(engine.waker.wake)
    return Moved(row_of({**begins, **applied.changed}), None, applied.opened, plan)


def _text_errors(business_key: str | None, title: str | None) -> list[FieldError]:
    errors = []
    for name, text in (("business_key", business_key), ("title", title)):
        if text is None:
            continue
        if len(text) > MAX_BUSINESS_KEY:
            params = {"max": MAX_BUSINESS_KEY}
            errors.append(FieldError(name, "too_long", "Use at most %(max)d characters.", params))
        problem = check_json(text)
        if problem is not None:
            errors.append(FieldError(name, problem.code, problem.message, problem.params))
    return errors


def _find(tx: Tx, actor: Actor, definition_id: int | None, key: str | None) -> dict[str, Any]:
    row = (
        tx.run(_BY_ID, {"id": definition_id})
        if definition_id is not None
        else tx.run(_BY_KEY, {"key": key})
    ).fetchone()
    allowed = row is not None and may_start(actor, row["starters"])
    if row is None or not (allowed or actor.can("process:read")):
        raise _no_definition()
    if not allowed:
        raise Forbidden("not_a_starter", "The definition does not let you start it.")
    if row["status"] != "active":
        raise Conflict(
            "definition_not_active",
            "This definition is %(status)s and cannot be started; publish it, or choose an"
            " active version.",
            extra={"definition_status": row["status"]},
            status=STATUS_WORDS[row["status"]],
        )
    return row


def _no_definition() -> NotFound:
    return NotFound("definition_not_found", "There is no such definition, or you may not start it.")


def _facts(
    actor: Actor, instance_id: int, business_key: str | None, now: datetime
) -> dict[str, dict[str, Any]]:
    return {
        "initiator": {
            "username": actor.username,
            "name": actor.name,
            "email": actor.email,
            "groups": sorted(actor.groups),
            "manager": actor.manager,
        },
        "instance": {
            "id": instance_id,
            "business_key": business_key,
            "title": None,
            "started_at": iso_text(now),
        },
    }


def _title(
    definition: Definition,
    name: str,
    values: Mapping[str, Any],
    facts: Mapping[str, Any],
    now: datetime,
) -> str:
    """Evaluate the definition's title; one that fails is no reason to refuse the start."""
    template: Label | None = definition.start.get("title")
    if not isinstance(template, str):
        return name
    defaults = {key: variable.default for key, variable in definition.variables.items()}
    try:
        text = parse_template(template).evaluate({**defaults, **values, **facts}, now=now)
    except ExpressionError:
        return name
    return plain_text(text).strip()[:MAX_BUSINESS_KEY] or name
