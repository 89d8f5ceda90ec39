"""Starting an instance: which definition, by whom, with which values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg

from app.core.definition import Definition, Label
from app.core.effects import StartChild
from app.core.events import Started
from app.core.expression import ExpressionError, parse_template
from app.core.state import State
from app.core.values import check_json, iso_text, plain_text
from app.db.tx import Tx
from app.db.wire import Statement
from app.definition.row import STATUS_WORDS
from app.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from app.history.record import START
from app.identity.actor import SYSTEM, Actor
from app.identity.policy import may_start
from app.runtime import automatic, children, files, people, step, store
from app.runtime.apply import apply
from app.runtime.files import Place
from app.runtime.given import given_to_start
from app.runtime.moved import Moved
from app.runtime.plan import make_plan
from app.runtime.ports import Engine
from app.runtime.row import InstanceRow, row_of

MAX_BUSINESS_KEY: Final = 255
"""Characters; the same for a title."""
_CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
"""Line breaks and the like, which no list, mail or log can show; a tab is a blank."""

# The next id comes along: expressions may name ``instance.id`` from the first step on.
_BY_ID: Final = """
select id, key, status, name, starters, checksum,
       nextval('process_instances_id_seq') as instance_id
  from process_definitions where id = %(id)s
"""
_BY_KEY: Final = """
select id, key, status, name, starters, checksum,
       nextval('process_instances_id_seq') as instance_id
  from (select * from process_definitions where key = %(key)s and status = 'active'
         order by version_order desc, id desc limit 1) newest
"""


_BY_VERSION: Final = """
select id, key, status, name, starters, checksum,
       nextval('process_instances_id_seq') as instance_id
  from process_definitions where key = %(key)s and version = %(version)s
"""
_ONE_AT_A_TIME: Final = """
select pg_advisory_xact_lock(hashtextextended(%(key)s || chr(31) || %(business_key)s, 7206102))
"""
_SAME_KEY: Final = """
select i.id from process_instances i join process_definitions d on d.id = i.definition_id
 where i.business_key = %(business_key)s and d.key = %(key)s
   and (%(any)s or i.status in ('running', 'suspended'))
 order by i.id desc limit 1
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
        found = _find(engine, tx, actor, definition_id, definition_key)
        definition = engine.definitions.get(tx, found["id"], found["checksum"])
        facts = _facts(_initiator(actor), found["instance_id"], business_key, now)
        place = Place(found["id"])
        values, errors = given_to_start(tx, actor, definition, place, variables, facts, now=now)
        errors = [*_text_errors(business_key, title), *errors]
        if errors:
            raise Invalid("invalid_variables", "Correct the values.", errors=tuple(errors))
        _refuse_duplicate(tx, definition, business_key)
        return _create(
            engine,
            tx,
            found,
            definition,
            Started(at=now, by=actor.username, variables=values, facts=facts),
            title=title,
            actor=actor,
        )


@dataclass(frozen=True, slots=True)
class Family:
    """Where a child belongs.

    Args:
        parent_wait: who of the parent is told of its end; None: nobody.
        root_id: whose lock comes first; None for a child that runs by itself.
        initiator: who started the family.
        depth: generations above it.
    """

    parent_id: int
    parent_wait: int | None
    root_id: int | None
    initiator: Mapping[str, Any]
    depth: int


def begin_child(
    engine: Engine,
    tx: Tx,
    call: StartChild,
    family: Family,
    *,
    business_key: str | None,
    now: datetime,
) -> Moved:
    """Start a definition as the child of an instance whose family is locked.

    Raises:
        NotFound: there is no such active definition.
        Invalid: the values do not fit its variables.
    """
    sql, params = _BY_KEY, {"key": call.process_key}
    if call.version is not None:
        sql, params = _BY_VERSION, {"key": call.process_key, "version": call.version}
    found = tx.run(sql, params).fetchone()
    if found is None or found["status"] != "active":
        raise _no_definition()
    definition = engine.definitions.get(tx, found["id"], found["checksum"])
    key = call.business_key if call.business_key is not None else business_key
    facts = _facts(family.initiator, found["instance_id"], key, now)
    facts["instance"]["depth"] = family.depth
    place = Place(found["id"], relative=family.parent_id)
    values, errors = given_to_start(tx, SYSTEM, definition, place, call.variables, facts, now=now)
    if errors:
        raise Invalid("invalid_variables", "Correct the values.", errors=tuple(errors))
    event = Started(at=now, by=SYSTEM.username, variables=values, facts=facts)
    return _create(engine, tx, found, definition, event, title=None, actor=SYSTEM, family=family)


def _create(
    engine: Engine,
    tx: Tx,
    found: Mapping[str, Any],
    definition: Definition,
    event: Started,
    *,
    title: str | None,
    actor: Actor,
    family: Family | None = None,
) -> Moved:
    """Write a new instance and everything that its start leads to."""
    facts = event.facts["instance"]
    initiator = event.facts["initiator"]["username"]
    title = title or _title(definition, found["name"], event.variables, event.facts, event.at)
    facts["title"] = title
    plan = make_plan(definition, State(), [event], engine.services)
    automatic.settle(tx, definition, plan, engine.services, at=event.at)
    begins = {
        "id": found["instance_id"],
        "definition_id": found["id"],
        "business_key": facts["business_key"],
        "title": title,
        "started_by": initiator,
        "started_at": event.at,
        "history_seq": 0,
        "history_hash": START,
    }
    if family is not None:
        begins |= {
            "parent_id": family.parent_id,
            "parent_wait": family.parent_wait,
            "root_id": family.root_id,
        }
    try:
        applied = apply(
            tx,
            definition,
            plan,
            begins,
            at=event.at,
            actor=actor.username,
            before=None,
            also=files.submitted(
                definition.start.get("form") or (), event.variables, begins["id"], event.at
            ),
            last=family is None and not children.concerned(begins, plan),
        )
    except psycopg.errors.ForeignKeyViolation as error:  # it was deleted in this moment
        raise _no_definition() from error
    row = {**begins, **applied.changed}
    if step.after(engine, tx, row, plan, actor=actor, now=event.at):
        row = store.lock(tx, row["id"]) or row
    return Moved(row_of(row), None, applied.opened, plan)


def _refuse_duplicate(tx: Tx, definition: Definition, business_key: str | None) -> None:
    """Refuse a business key that the definition has had, if its settings say so.

    The advisory lock lets only one of two starts with the same key look at a time.
    """
    rule = definition.settings.get("on_duplicate_business_key", "allow")
    if business_key is None or rule == "allow":
        return
    params = {"key": definition.key, "business_key": business_key, "any": rule == "refuse"}
    tx.run(_ONE_AT_A_TIME, params)
    found = tx.run(_SAME_KEY, params).fetchone()
    if found is not None:
        raise Conflict(
            "duplicate_business_key",
            "There is an instance with the business key %(business_key)s already: %(id)d.",
            extra={"process_instance_id": found["id"]},
            business_key=business_key,
            id=found["id"],
        )


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
        elif _CONTROL.search(text):
            message = "Contains a line break or another control character; remove it."
            errors.append(FieldError(name, "bad_text", message))
    return errors


def _find(
    engine: Engine, tx: Tx, actor: Actor, definition_id: int | None, key: str | None
) -> dict[str, Any]:
    sought: Statement = (_BY_KEY, {"key": key})
    if definition_id is not None:
        sought = (_BY_ID, {"id": definition_id})
    last = engine.definitions.last(key) if definition_id is None and key else None
    row = people.ask_ahead(tx, last, sought).fetchone()
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


def _initiator(actor: Actor) -> dict[str, Any]:
    return {
        "username": actor.username,
        "name": actor.name,
        "email": actor.email,
        "groups": sorted(actor.groups),
        "manager": actor.manager,
    }


def _facts(
    initiator: Mapping[str, Any], instance_id: int, business_key: str | None, now: datetime
) -> dict[str, dict[str, Any]]:
    return {
        "initiator": dict(initiator),
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
    return _CONTROL.sub(" ", plain_text(text)).strip()[:MAX_BUSINESS_KEY] or name
