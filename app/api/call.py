"""What every endpoint is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Response, current_app, g

from app.db.tx import Database
from app.db.types import dumps
from app.errors import Unauthenticated
from app.identity.actor import Actor
from app.runtime.ports import Engine

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was read.

    Args:
        now: the time of the request, aware, UTC; every use case is given this one.
        text: the body as sent, for what cares about lines and columns; of a file its hash.
        data: the body of an endpoint that takes a file.
    """

    engine: Engine
    now: datetime
    text: str = ""
    who: Actor | None = None
    data: bytes = b""

    @property
    def db(self) -> Database:
        """The database."""
        return self.engine.db

    @property
    def actor(self) -> Actor:
        """The caller.

        Raises:
            Unauthenticated: the endpoint is open and nobody signed in.
        """
        if self.who is None:
            raise Unauthenticated("no_token", "Sign in: send “Authorization: Bearer <token>”.")
        return self.who


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: JSON values (dates and exact numbers too), or nothing with 204."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Make the HTTP response; answers are never cached."""
        text = "" if self.status == 204 else dumps(self.body)
        made = Response(text, status=self.status, mimetype=JSON)
        made.headers["Cache-Control"] = "no-store"
        if self.status == 204:
            del made.headers["Content-Type"]
        made.headers.update(self.headers)
        return made


def engine() -> Engine:
    """Return the engine of the running application."""
    found: Engine = current_app.extensions["engine"]
    return found


def now() -> datetime:
    """Return the time of this request: the clock is looked at once."""
    if "now" not in g:
        g.now = current_app.extensions["clock"]()
    moment: datetime = g.now
    return moment
