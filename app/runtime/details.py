"""An instance with what its page needs beyond the body that every door shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core.called import fields_of
from app.core.definition import Definition
from app.core.state import ENDED
from app.db.tx import Tx
from app.errors import NotFound
from app.identity.actor import Actor
from app.identity.policy import may_start
from app.runtime import access, queries, standing
from app.runtime.ports import Engine
from app.runtime.standing import Place
from app.runtime.withdrawal import back_to, may_withdraw

MAX_CHILDREN: Final = 50
"""Of an instance, as its page lists them: the newest ones."""
_RUNNING: Final = frozenset({"suspend", "terminate", "retry", "skip", "variables", "migrate"})
_SUSPENDED: Final = frozenset({"activate", "terminate", "jump", "variables", "migrate"})
_ENDED: Final = frozenset({"restart"})
_PARENT: Final = "select id, title from process_instances where id = %(id)s"
_STARTERS: Final = """
select id, starters from process_definitions where key = %(key)s and status = 'active'
 order by id = %(id)s desc, version_order desc, id desc limit 1
"""
_INCIDENT: Final = "select instance_id from incidents where id = %(id)s"


@dataclass(frozen=True, slots=True)
class Details:
    """Everything about an instance that somebody may see.

    Args:
        instance: its body, see ``queries.get``.
        variables: ``{name, field, value, sensitive}``, declared ones first.
        fields: variable → how it is called and shown: ``label``, ``type``, ``options``.
        allowed: what the actor may do now: ``suspend``, ``activate``, ``terminate``, ``retry``,
            ``skip``, ``jump``, ``variables``, ``migrate``, ``restart``, ``withdraw``.
        places: where its tokens stand.
        parent: ``{id, title}`` of the instance that called it, if the actor may see that.
        children: ``{id, title, status, stuck}`` of those that it called, the newest first.
        definition: what it runs by.
        startable: id of the version by which the actor could start another one like it, for one
            that has ended.
        comes_back: whether it would come back to its start form if it were withdrawn, instead of
            ending.
    """

    instance: Mapping[str, Any]
    variables: list[dict[str, Any]]
    fields: Mapping[str, Mapping[str, Any]]
    allowed: frozenset[str]
    places: tuple[Place, ...]
    parent: Mapping[str, Any] | None
    children: list[Mapping[str, Any]]
    definition: Definition
    startable: int | None = None
    comes_back: bool = False


def details(engine: Engine, actor: Actor, instance_id: int, *, now: datetime) -> Details:
    """Return an instance for its page.

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    with engine.db.transaction() as tx:
        seen = queries.seen(engine.db, actor, instance_id, now=now)
        instance, definition = seen.body, seen.definition
        startable = _startable(tx, actor, definition, instance)
        return Details(
            instance,
            _variables(definition, instance["variables"]),
            fields_of(definition),
            _allowed(actor, definition, instance, startable) | _own(actor, seen),
            standing.places(definition, seen.state, seen.waits),
            _parent(tx, actor, instance["parent_id"]),
            seen.children[:MAX_CHILDREN],
            definition,
            startable,
            back_to(definition, seen.state) is not None,
        )


def instance_of(engine: Engine, actor: Actor, incident_id: int) -> int:
    """Return the id of the instance that an incident belongs to.

    Raises:
        NotFound: there is no such incident, or the actor may not see its instance.
    """
    with engine.db.transaction() as tx:
        found = tx.run(_INCIDENT, {"id": incident_id}).fetchone()
        if found is None or not access.may_see(tx, actor, found["instance_id"]):
            raise NotFound(
                "incident_not_found", "There is no such incident, or you may not see it."
            )
        return int(found["instance_id"])


def _parent(tx: Tx, actor: Actor, parent_id: int | None) -> Mapping[str, Any] | None:
    if parent_id is None or not access.may_see(tx, actor, parent_id):
        return None
    return tx.run(_PARENT, {"id": parent_id}).fetchone()


def _variables(definition: Definition, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    declared = [name for name in definition.variables if name in values]
    others = sorted(name for name in values if name not in definition.variables)
    fields = fields_of(definition)
    return [
        {
            "name": name,
            "field": fields.get(name, {}),
            "value": values[name],
            "sensitive": name in definition.sensitive,
        }
        for name in (*declared, *others)
    ]


def _startable(
    tx: Tx, actor: Actor, definition: Definition, instance: Mapping[str, Any]
) -> int | None:
    if instance["status"] not in ENDED:
        return None
    which = {"key": definition.key, "id": instance["process_definition_id"]}
    found = tx.run(_STARTERS, which).fetchone()
    may = found is not None and may_start(actor, tuple(found["starters"]))
    return int(found["id"]) if found is not None and may else None


def _allowed(
    actor: Actor, definition: Definition, instance: Mapping[str, Any], startable: int | None
) -> frozenset[str]:
    if instance["status"] in ENDED:
        return frozenset() if startable is None else _ENDED
    possible = _SUSPENDED if instance["status"] == "suspended" else _RUNNING
    if actor.can("process:operate"):
        return possible
    own = instance["started_by"] == actor.username
    may_end = own and definition.settings.get("initiator_may_terminate") is True
    return possible & {"terminate"} if may_end else frozenset()


def _own(actor: Actor, seen: queries.Seen) -> frozenset[str]:
    """Return what the actor may do because they have started it."""
    own = seen.body["started_by"] == actor.username
    child = seen.body["parent_id"] is not None
    may = own and may_withdraw(seen.definition, seen.state, child=child)
    return frozenset({"withdraw"}) if may else frozenset()
