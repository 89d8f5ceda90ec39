"""Who may do what: the rules that every use case asks."""

from __future__ import annotations

from collections.abc import Collection

from app.errors import Forbidden
from app.identity.actor import Actor
from app.identity.permissions import ALL, PERMISSIONS, ROLES

__all__ = ["ALL", "PERMISSIONS", "ROLES", "may_start", "require"]


def require(actor: Actor, permission: str) -> None:
    """Refuse unless ``actor`` has ``permission``.

    Raises:
        Forbidden: code ``forbidden``; ``extra["permission"]`` names what is missing.
    """
    if permission not in ALL:
        raise ValueError(f"unknown permission {permission!r}")
    if not actor.can(permission):
        raise Forbidden(
            "forbidden",
            "You may not do this: it needs the permission %(permission)s. "
            "An administrator can give you a role that has it.",
            extra={"permission": permission},
            permission=permission,
        )


def may_start(actor: Actor, starters: Collection[str]) -> bool:
    """Say whether ``actor`` may start a definition.

    Args:
        starters: candidate keys (``u:``, ``g:``, ``r:``) of who may start it;
            empty means everyone.
    """
    if actor.can("process:start") or not starters:
        return True
    return not set(starters).isdisjoint(actor.candidate_keys)
