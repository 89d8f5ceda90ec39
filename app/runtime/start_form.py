"""What people fill in to start an instance: the definition's start form, or its variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core import form
from app.core.definition import Definition, Variable
from app.core.expression import ExpressionError, evaluate_config
from app.core.form_seen import NOTHING
from app.core.generated_form import AS_JSON, field_of
from app.core.jsontext import JsonError, read
from app.core.values import plain_text, storable
from app.db import idempotency
from app.db.idempotency import Kept, Slot
from app.db.tx import Tx
from app.definition import queries
from app.definition.row import STATUS_WORDS, DefinitionRow
from app.errors import Conflict, FieldError, Forbidden, Invalid
from app.identity.actor import Actor
from app.identity.policy import may_start
from app.runtime import files
from app.runtime.files import Place
from app.runtime.form_look import Look, look, surroundings
from app.runtime.given import start_scope
from app.runtime.ports import Engine
from app.runtime.row import InstanceRow, row_of
from app.runtime.starting import start

_ONE: Final = "select * from process_instances where id = %(id)s"


@dataclass(frozen=True, slots=True)
class StartForm:
    """What can be filled in.

    Args:
        fields: of ``core.form``, with defaults as values.
        declared: the definition's variables.
        generated: whether the fields were made of the variables, for want of a form.
        scope: what ``show_if`` sees beside the fields.
    """

    definition: DefinitionRow
    fields: tuple[Mapping[str, Any], ...]
    declared: Mapping[str, Variable]
    generated: bool
    scope: Mapping[str, Any]

    @property
    def values(self) -> dict[str, Any]:
        """What the form begins with."""
        return {
            field["name"]: _shown(field["default"], self._json_type(field["name"]))
            for field in self.fields
            if field.get("default") is not None
        }

    def read(self, raw: Mapping[str, Any], seen: form.Seen = NOTHING) -> dict[str, Any]:
        """Return the variables that somebody filled in.

        Args:
            raw: by field name, as a browser posts it.
            seen: what it is judged against.

        Raises:
            Invalid: one error per wrong value.
        """
        filled, errors = form.validate(self.fields, raw, text=True, seen=seen)
        found, values = list(errors), {}
        for name, value in filled.items():
            if value is None and not self._takes_default_away(name):
                continue
            try:
                values[name] = self._as_declared(name, value)
            except JsonError as error:
                found.append(not_json(name, error))
        if found:
            raise Invalid("invalid_variables", "Correct the values.", errors=tuple(found))
        return values

    def _takes_default_away(self, name: str) -> bool:
        """Say whether leaving ``name`` empty means anything: else it is simply not set."""
        variable = self.declared.get(name)
        return variable is not None and variable.default is not None

    def _as_declared(self, name: str, value: Any) -> Any:
        kind = self._json_type(name)
        if kind is None or value is None:
            return value
        try:
            return read(value).value
        except JsonError:
            if kind == "any":
                return value
            raise

    def _json_type(self, name: str) -> str | None:
        """Return the type of a variable whose field takes JSON; None for any other field."""
        variable = self.declared.get(name)
        if not self.generated or variable is None or variable.enum is not None:
            return None
        return variable.type if variable.type in AS_JSON else None


def start_form(engine: Engine, actor: Actor, definition_id: int, *, now: datetime) -> StartForm:
    """Return what the actor can fill in to start a definition.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: the actor sees it but may not start it.
        Conflict: it is a draft or retired.
    """
    with engine.db.transaction() as tx:
        row = queries.get(engine.db, actor, definition_id)
        if not may_start(actor, row.starters):
            raise Forbidden("not_a_starter", "The definition does not let you start it.")
        if row.status != "active":
            raise Conflict(
                "definition_not_active",
                "This definition is %(status)s and cannot be started; publish it, or choose an"
                " active version.",
                extra={"definition_status": row.status},
                status=STATUS_WORDS[row.status],
            )
        definition = engine.definitions.get(tx, row.id, row.checksum)
    given, scope = definition.start.get("form"), start_scope(definition, _initiator(actor))
    fields: tuple[Mapping[str, Any], ...]
    if given is None:
        fields = tuple(field_of(variable) for variable in definition.variables.values())
    else:
        fields = tuple(_live(_declared(field, definition), scope, now) for field in given)
    return StartForm(row, fields, definition.variables, given is None, scope)


def start_by_form(
    engine: Engine,
    actor: Actor,
    definition_id: int,
    raw: Mapping[str, Any],
    *,
    business_key: str | None = None,
    once: str | None = None,
    now: datetime,
) -> InstanceRow:
    """Start an instance with what was filled in.

    Args:
        raw: by field name, as a browser posts it.
        once: tells this sending from others of the actor's: what is sent twice starts one
            instance, and the second time returns it.

    Raises:
        As ``start_form``, and Invalid: one error per wrong value.
    """
    with engine.db.transaction() as tx:
        slot = Slot(actor.id, "POST", f"start {definition_id}", once) if once else None
        begun = _begun(tx, slot, now) if slot is not None else None
        if begun is not None:
            return begun
        shown = start_form(engine, actor, definition_id, now=now)
        values = shown.read(raw, _around(tx, actor, shown, raw, text=True, now=now))
        row = start(
            engine,
            actor,
            definition_id=definition_id,
            business_key=business_key,
            variables=values,
            now=now,
        )
        if slot is not None:
            idempotency.keep(tx, slot, Kept(b"", 303, {}, str(row.id)), now=now)
        return row


def _begun(tx: Tx, slot: Slot, now: datetime) -> InstanceRow | None:
    """Return what the same sending has started, if it came before; wait for it if it is at work."""
    idempotency.lock(tx, slot)
    kept = idempotency.find(tx, slot, now=now)
    found = tx.run(_ONE, {"id": int(kept.answer)}).fetchone() if kept is not None else None
    return row_of(found) if found is not None else None


def _around(
    tx: Tx, actor: Actor, shown: StartForm, raw: Mapping[str, Any], *, text: bool, now: datetime
) -> form.Seen:
    place = Place(shown.definition.id)
    return surroundings(tx, actor, place, shown.fields, raw, text=text, scope=shown.scope, now=now)


def look_at_start(
    engine: Engine,
    actor: Actor,
    shown: StartForm,
    raw: Mapping[str, Any] | None,
    *,
    now: datetime,
) -> Look:
    """Return how a start form stands with what is filled in so far; nothing is kept.

    Args:
        raw: by field name, as a browser posts it; None: what the form begins with.
    """
    text = raw is not None
    given = shown.values if raw is None else raw
    with engine.db.transaction() as tx:
        seen = _around(tx, actor, shown, given, text=text, now=now)
    return look(shown.fields, given, seen, text=text)


def upload_for_start(
    engine: Engine,
    actor: Actor,
    definition_id: int,
    field: str,
    name: str,
    content: bytes,
    *,
    now: datetime,
) -> dict[str, Any]:
    """Store a file for a start form; it is forgotten after a day unless the form is sent.

    Returns:
        ``{id, name, type, size, sha256}``; a start names it by its id.

    Raises:
        As ``start_form``, and ``runtime.files.keep``.
    """
    shown = start_form(engine, actor, definition_id, now=now)
    with engine.db.transaction() as tx:
        place = Place(definition_id)
        return files.keep(tx, actor, place, shown.fields, field, name, content, now=now)


def _declared(field: Mapping[str, Any], definition: Definition) -> Mapping[str, Any]:
    """Complete a field by the variable of its name: its label, its default."""
    variable = definition.variables.get(field["name"])
    if variable is None:
        return field
    full = dict(field)
    if full.get("label") == field["name"] and variable.label:
        full["label"] = variable.label
    if "default" not in full and field["type"] != "boolean":
        full["default"] = variable.default
    return {**full, "required": bool(full.get("required")) or variable.required}


def _initiator(actor: Actor) -> dict[str, Any]:
    """Return what a start form may name of who fills it in."""
    initiator = {
        "username": actor.username,
        "name": actor.name,
        "email": actor.email,
        "groups": sorted(actor.groups),
        "manager": actor.manager,
    }
    return {"initiator": initiator}


def _live(field: Mapping[str, Any], scope: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """Evaluate default and options; what cannot be evaluated yet is left out."""
    live = dict(field)
    for key in ("default", "options"):
        if key not in field:
            continue
        try:
            live[key] = storable(evaluate_config(field[key], scope, now))
        except ExpressionError:
            live[key] = None
    if isinstance(live.get("options"), list):
        live["options"] = form.options_of(live["options"])
    if "columns" in field:
        live["columns"] = [_live(column, scope, now) for column in field["columns"]]
    return live


def _shown(value: Any, kind: str | None) -> Any:
    """Return a default as its control shows it."""
    return value if kind is None or isinstance(value, str) else plain_text(value)


def not_json(name: str, error: JsonError) -> FieldError:
    """Return what is wrong with a value that should be JSON."""
    return FieldError(
        name,
        "bad_json",
        "This is not JSON (line %(line)d, column %(column)d). Texts stand in double quotes.",
        {"line": error.line, "column": error.column},
    )
