"""Candidate keys (``u:``, ``g:``, ``r:``) as lists of people, groups and roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_KINDS: Final = {"u": "users", "g": "groups", "r": "roles"}


def by_kind(keys: Sequence[str]) -> dict[str, list[str]]:
    """Return candidate keys as ``{users, groups, roles}``."""
    named: dict[str, list[str]] = {"users": [], "groups": [], "roles": []}
    for key in keys:
        letter, _, name = key.partition(":")
        named[_KINDS[letter]].append(name)
    return named
