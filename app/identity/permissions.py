"""The permissions that roles give, and the three roles that every installation has.

A permission is ``noun:verb`` and widens what a person may do beyond their own work:
without ``process:read`` one still reads the instances one takes part in, without
``process:start`` one still starts what the definition lets one start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PERMISSIONS: Final[Mapping[str, str]] = {
    "process:read": "Read every definition and every instance",
    "process:write": "Create, publish and retire definitions",
    "process:start": "Start any active definition",
    "process:operate": "Suspend, activate, terminate and repair instances",
    "task:read": "Read everybody's tasks",
    "task:assign": "Give tasks to other people",
    "task:work": "Claim and complete one's own tasks",
    "history:read": "Read all finished work",
    "variable:read_sensitive": "Read variables that are marked as sensitive",
    "message:send": "Send messages to instances",
    "job:work": "Fetch and complete external jobs",
    "user:admin": "Manage people, groups and roles",
    "system:read": "Read the system's state",
    "system:admin": "Change the system's settings",
}
"""Every permission with what it means, in English."""

ALL: Final[frozenset[str]] = frozenset(PERMISSIONS)

_MANAGER = frozenset(
    {
        "process:read",
        "process:write",
        "process:start",
        "process:operate",
        "task:read",
        "task:assign",
        "task:work",
        "history:read",
    }
)

ROLES: Final[Mapping[str, frozenset[str]]] = {
    "admin": ALL,
    "manager": _MANAGER,
    "user": frozenset({"task:work"}),
}
"""The built-in roles. Further roles are rows that an administrator makes."""
