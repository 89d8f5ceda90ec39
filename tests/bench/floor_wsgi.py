"""The floor of REST: three addresses, three statements, no framework, nobody to be signed in.

Run by gunicorn with the same file of settings as the application.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from tests.bench.floor import Floor


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request."""
    path = environ["PATH_INFO"]
    answer: dict[str, Any] = {"status": "ready"}
    if environ["REQUEST_METHOD"] != "GET":
        body = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        answer = _do(path, body)
    data = json.dumps(answer).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
    start_response("200 OK", headers)
    return [data]


def _do(path: str, body: dict[str, Any]) -> dict[str, Any]:
    floor = _floor()
    if path == "/start":
        return {"id": floor.insert(json.dumps(body["variables"]))}
    _, verb, number = path.split("/")
    if verb == "claim":
        floor.claim(int(number))
        return {"id": int(number), "status": "claimed"}
    floor.complete(int(number), json.dumps(body["variables"]))
    return {"id": int(number), "status": "completed"}


@cache
def _floor() -> Floor:
    """Return that of this process; made after the fork."""
    return Floor(os.environ["DATABASE_URL"], threads=16)
