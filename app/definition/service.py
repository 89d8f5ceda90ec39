"""Storing definitions and moving them through draft, active and retired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from app.core.definition import Definition
from app.core.findings import Known
from app.core.parse import Checked
from app.db.tx import Database, Tx
from app.definition import store, version
from app.definition.content import (
    checksum_of,
    findings_json,
    plain,
    starters_of,
    summaries_of,
    viewers_of,
)
from app.definition.custom import ConfigCheck, KnownHere, check
from app.definition.row import STATUS_WORDS, DefinitionRow
from app.errors import Conflict, FieldError, Invalid, NotFound
from app.identity.actor import Actor
from app.identity.policy import require
from app.identity.queries import known_names


def known(
    db: Database,
    services: frozenset[str],
    types: Mapping[str, ConfigCheck] = MappingProxyType({}),
) -> Known:
    """Return the names that exist now, for the checker's warnings.

    Args:
        services: every ``Service.method`` that is registered.
        types: step types that were registered beside ours, with what checks their configs.
    """
    with db.transaction() as tx:
        users, groups, roles = known_names(db)
        processes = store.active_keys(tx)
    return KnownHere(users, groups, roles, services, frozenset(types), processes, types)


def check_source(source: str, known: Known | None = None) -> Checked:
    """Check a document without storing anything; never raises for what it says."""
    return check(source, known)


def checked_definition(source: str, known: Known | None = None) -> Definition:
    """Return the definition of a document that is not stored.

    Raises:
        Invalid: it has errors; ``extra["findings"]`` has every finding.
    """
    definition = _checked(source, known).definition
    if definition is None:
        raise ValueError("only a checked definition can be played")
    return definition


def create(
    db: Database,
    actor: Actor,
    source: str,
    *,
    known: Known | None,
    now: datetime,
    status: Literal["draft", "active"] = "active",
) -> tuple[DefinitionRow, bool]:
    """Store a definition.

    Args:
        source: the bare document (see ``core.parse.envelope``).
        status: an active one can be started at once.

    Returns:
        The row, and whether it is new: the same content again gives the existing row.

    Raises:
        Forbidden: without ``process:write``.
        Invalid: the document has errors; ``extra["findings"]`` has every finding.
        Conflict: code ``version_exists``: this (key, version) has another content;
            ``extra["next_version"]`` is free.
    """
    require(actor, "process:write")
    checked = _checked(source, known)
    with db.transaction() as tx:
        values = _values(tx, checked, source, actor, now) | {"status": status}
        made = store.insert(tx, values)
        if made is not None:
            return made, True
        existing = store.by_version(tx, values["key"], values["version"])
        if existing is not None and existing.checksum == values["checksum"]:
            return existing, False
        raise _taken(tx, values)


def update_draft(
    db: Database,
    actor: Actor,
    definition_id: int,
    source: str,
    *,
    known: Known | None,
    now: datetime,
    guard: Callable[[DefinitionRow], None] = lambda stored: None,
) -> DefinitionRow:
    """Give a draft another content (and, with it, another key or version).

    Args:
        guard: called with what is stored, locked; what it raises stops the change.

    Raises:
        Forbidden, Invalid: as for ``create``.
        NotFound: there is no such definition.
        Conflict: it is no draft any more, or its new (key, version) is taken.
    """
    require(actor, "process:write")
    checked = _checked(source, known)
    with db.transaction() as tx:
        row = _locked(tx, definition_id)
        guard(row)
        if row.status != "draft":
            raise Conflict(
                "not_a_draft",
                "Version %(version)s is %(status)s and cannot be changed; upload a new version.",
                version=row.version,
                status=STATUS_WORDS[row.status],
            )
        values = _values(tx, checked, source, actor, now) | {"id": definition_id}
        try:
            changed = store.replace(tx, values)
        except psycopg.errors.UniqueViolation as error:
            raise Conflict(
                "version_exists", "Another definition took this version just now; choose another."
            ) from error
        if changed is None:
            raise _taken(tx, values)
        return changed


def publish(db: Database, actor: Actor, definition_id: int, *, now: datetime) -> DefinitionRow:
    """Make a draft, or a retired definition, active; an active one stays as it is.

    Raises:
        Forbidden: without ``process:write``.
        NotFound: there is no such definition.
    """
    require(actor, "process:write")
    with db.transaction() as tx:
        row = _locked(tx, definition_id)
        if row.status == "active":
            return row
        return store.set_status(tx, definition_id, "active", now=now)


def retire(db: Database, actor: Actor, definition_id: int, *, now: datetime) -> DefinitionRow:
    """Allow no new starts; running instances go on. A retired one stays as it is.

    Raises:
        Forbidden: without ``process:write``.
        NotFound: there is no such definition.
        Conflict: it is a draft: delete it instead.
    """
    require(actor, "process:write")
    with db.transaction() as tx:
        row = _locked(tx, definition_id)
        if row.status == "draft":
            raise Conflict("is_a_draft", "A draft cannot be retired; delete it instead.")
        if row.status == "retired":
            return row
        return store.set_status(tx, definition_id, "retired", now=now)


def delete(db: Database, actor: Actor, definition_id: int) -> None:
    """Delete a definition that was never started.

    Raises:
        Forbidden: without ``process:write``.
        NotFound: there is no such definition.
        Conflict: code ``in_use``: it has instances, whose history needs it.
    """
    require(actor, "process:write")
    with db.transaction() as tx:
        _locked(tx, definition_id)
        if not store.delete_unused(tx, definition_id):
            raise Conflict(
                "in_use", "This version has been started and is kept; retire it instead."
            )


def _locked(tx: Tx, definition_id: int) -> DefinitionRow:
    row = store.lock(tx, definition_id)
    if row is None:
        raise NotFound("definition_not_found", "There is no such definition.")
    return row


def _checked(source: str, known: Known | None) -> Checked:
    checked = check(source, known)
    if checked.valid and checked.definition is not None:
        return checked
    wrong = tuple(
        FieldError(finding.pointer, finding.code, finding.message, finding.params)
        for finding in checked.findings
        if finding.severity == "error"
    )
    raise Invalid(
        "definition_invalid",
        "The definition has errors (%(count)d); correct them and upload it again.",
        errors=wrong,
        extra={"findings": findings_json(checked.findings)},
        count=len(wrong),
    )


def _values(tx: Tx, checked: Checked, source: str, actor: Actor, now: datetime) -> dict[str, Any]:
    definition = checked.definition
    if definition is None or checked.document is None:
        raise ValueError("only a checked definition can be stored")
    return {
        "key": definition.key,
        "version": definition.version,
        "version_order": version.order(definition.version),
        "name": plain(definition.name) or definition.key,
        "names": Jsonb(definition.name),
        "description": plain(definition.description),
        "source": source,
        "checksum": checksum_of(checked.document),
        "starters": starters_of(tx, definition),
        "viewers": viewers_of(tx, definition),
        "summaries": Jsonb(summaries_of(definition)),
        "start_message": definition.start.get("message"),
        "start_cron": definition.start.get("cron"),
        "by": actor.username,
        "now": now,
    }


def _taken(tx: Tx, values: dict[str, Any]) -> Conflict:
    free = version.next_free(values["version"], store.versions_of(tx, values["key"]))
    return Conflict(
        "version_exists",
        "Version %(version)s of “%(key)s” exists with another content. "
        "Give this one the version %(next)s, which is free.",
        extra={"next_version": free},
        version=values["version"],
        key=values["key"],
        next=free,
    )
