"""Parts of answers that several endpoints share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from app.core import jsontext
from app.db.paging import Page
from app.definition.row import DefinitionRow
from app.identity.actor import Actor

Item = TypeVar("Item")


def paged(page: Page[Item], present: Callable[[Item], Any]) -> dict[str, Any]:
    """Return the envelope of a list."""
    envelope: dict[str, Any] = {
        "items": [present(item) for item in page.items],
        "page": page.page,
        "size": page.size,
        "total": page.total,
        "pages": page.pages,
    }
    if page.total_is_estimate:
        envelope["total_is_estimate"] = True
    if page.next is not None:
        envelope["next"] = page.next
    return envelope


def as_it_is(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Present a body that the use case already made."""
    return item


def definition_summary(row: DefinitionRow) -> dict[str, Any]:
    """Return a definition as lists show it."""
    return {
        "id": row.id,
        "key": row.key,
        "version": row.version,
        "name": row.name,
        "names": row.names,
        "description": row.description,
        "status": row.status,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "changed_at": row.changed_at,
    }


def definition(row: DefinitionRow) -> dict[str, Any]:
    """Return a definition with its document."""
    return definition_summary(row) | {
        "checksum": row.checksum,
        "config": jsontext.read(row.source).value,
    }


def user(actor: Actor) -> dict[str, Any]:
    """Return who someone is."""
    return {
        "id": actor.id,
        "username": actor.username,
        "name": actor.name,
        "email": actor.email,
        "groups": sorted(actor.groups),
        "roles": sorted(actor.roles),
        "permissions": sorted(actor.permissions),
        "language": actor.language,
        "timezone": actor.timezone,
    }
