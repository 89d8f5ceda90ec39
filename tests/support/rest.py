"""The REST API as a client sees it, on the small office."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app.api import bearer
from app.api.errors import TYPE
from app.api.openapi import document
from app.db.types import dumps, loads
from app.identity.service import auth_epoch
from tests.support.contract import Contract
from tests.support.office import NOW, Office

PROBLEM = "application/problem+json"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **more: float) -> None:
        """Move it on by a ``timedelta`` of these parts."""
        self.at += timedelta(**more)


@dataclass(frozen=True)
class Reply:
    """An answer, read."""

    status: int
    body: Any
    headers: Mapping[str, str]
    text: str

    def refused(self, status: int, code: str) -> Any:
        """Return the problem document; fail unless the refusal is exactly this one."""
        assert (self.status, (self.body or {}).get("code")) == (status, code), self.text
        assert self.headers["Content-Type"] == PROBLEM
        assert self.body["type"] == TYPE + code
        assert self.body["status"] == status
        assert self.body["detail"]
        assert self.body["request_id"] == self.headers["X-Request-ID"]
        return self.body

    def ok(self, status: int = 200) -> Any:
        """Return the body; fail unless the request was answered with ``status``."""
        assert self.status == status, self.text
        return self.body


class Rest:
    """Sends requests as people of the office; ``None`` is nobody."""

    def __init__(self, app: Flask, office: Office, clock: Clock) -> None:
        self.app = app
        self.office = office
        self.clock = clock
        self._tokens: dict[str, str] = {}

    def token(self, username: str) -> str:
        """Return an access token of a person, without the cost of a password."""
        if username not in self._tokens:
            who = self.office[username]
            with self.app.test_request_context():
                epoch = auth_epoch(self.office.db, who.id)
                assert epoch is not None
                self._tokens[username] = bearer.make_pair(who.id, epoch).access_token
        return self._tokens[username]

    def __call__(
        self,
        who: str | None,
        method: str,
        path: str,
        body: Any = None,
        *,
        text: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request.

        Args:
            path: below ``/api/v1`` unless it begins with ``//``, which stands for the root.
            body: JSON value; ``text`` sends these very characters instead.
        """
        sent = dict(headers or {})
        if who is not None:
            sent.setdefault("Authorization", f"Bearer {self.token(who)}")
        data = text if text is not None else (dumps(body) if body is not None else None)
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        url = path[1:] if path.startswith("//") else f"/api/v1{path}"
        answer = self.app.test_client().open(url, method=method, data=data, headers=sent)
        reply = read(answer)
        kind = answer.headers.get("Content-Type", "")
        contract().check(method, url.partition("?")[0], reply.status, kind, reply.text)
        return reply


@cache
def contract() -> Contract:
    """Return the judge of every answer."""
    return Contract(document())


def read(answer: TestResponse) -> Reply:
    """Read an answer of a test client."""
    text = answer.get_data(as_text=True)
    is_json = "json" in (answer.headers.get("Content-Type") or "")
    return Reply(
        answer.status_code, loads(text) if is_json and text else None, answer.headers, text
    )
