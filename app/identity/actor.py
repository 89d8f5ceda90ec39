"""Who acts: the one value that every use case is given about the caller."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from app.identity.permissions import ALL


@dataclass(frozen=True, slots=True)
class StandIn:
    """Somebody who is away, and whose tasks the actor decides meanwhile.

    Args:
        person: username of who is away.
        until: when it ends.
        since: only tasks that were opened from then on; None: all.
        definitions: only of processes with these keys; None: of all.
        begun: when it began.
    """

    person: str
    until: datetime
    since: datetime | None = None
    definitions: frozenset[str] | None = None
    begun: datetime | None = None

    def covers(self, definition_key: str, opened_at: datetime) -> bool:
        """Say whether it is for a task of this process that was opened then."""
        return (self.definitions is None or definition_key in self.definitions) and (
            self.since is None or opened_at >= self.since
        )


@dataclass(frozen=True)
class Actor:
    """A signed-in person, a token's owner, or the system.

    Args:
        id: ``users.id``; 0 for the system.
        groups: names of the groups the person is a member of.
        roles: names of the person's roles.
        permissions: what the roles allow (``process:read`` …), narrowed by a token's scopes.
        manager: username of the person's manager, if any.
        away_until: end of the last of the person's absences that is known; it may be past.
        views: a definition names them among its ``viewers``.
        stands_in: whose tasks they decide now (see ``identity.absence``).
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
    away_until: datetime | None = None
    views: bool = False
    stands_in: tuple[StandIn, ...] = ()

    def at(self, now: datetime) -> Actor:
        """Return the actor some seconds after they were looked up: absences end by the clock."""
        if not self.stands_in or all(one.until > now for one in self.stands_in):
            return self
        return replace(self, stands_in=tuple(one for one in self.stands_in if one.until > now))

    def can(self, permission: str) -> bool:
        """Say whether the actor has ``permission`` (``noun:verb``)."""
        return permission in self.permissions

    @property
    def lists_instances(self) -> bool:
        """Whether the list of instances is open to them: all of them, or those they are to see."""
        return self.can("process:read") or self.views

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
