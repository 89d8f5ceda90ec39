"""Who acts: the one value that every use case is given about the caller."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from app.identity.permissions import ALL


@dataclass(frozen=True)
class Actor:
    """A signed-in person, a token's owner, or the system.

    Args:
        id: ``users.id``; 0 for the system.
        groups: names of the groups the person is a member of.
        roles: names of the person's roles.
        permissions: what the roles allow (``process:read`` …), narrowed by a token's scopes.
        manager: username of the person's manager, if any.
    """

    id: int
    username: str
    name: str
    email: str | None = None
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    manager: str | None = None
    language: str | None = None
    timezone: str | None = None

    def can(self, permission: str) -> bool:
        """Say whether the actor has ``permission`` (``noun:verb``)."""
        return permission in self.permissions

    @cached_property
    def candidate_keys(self) -> list[str]:
        """What a task's ``candidates`` may name this person by: ``u:``, ``g:``, ``r:``."""
        return [
            f"u:{self.username}",
            *(f"g:{group}" for group in sorted(self.groups)),
            *(f"r:{role}" for role in sorted(self.roles)),
        ]


SYSTEM = Actor(id=0, username="system", name="system", permissions=ALL)
"""The engine itself: automatic decisions, duties, workers."""
OPERATOR = Actor(id=0, username="system", name="system", permissions=ALL)
"""Whoever may run commands on the server: as much as the engine, by the rules for people."""
