"""Shapes of answers about accounts."""

from __future__ import annotations

from app.api.bodies import Body


class Account(Body):
    """An account that was closed or opened."""

    username: str
    name: str
    active: bool
    tasks: int
