"""The floor of REST: three addresses, three statements, no framework, nobody to be signed in.

Run by gunicorn with the same file of settings as the application.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from tests.bench import floor

_local = threading.local()


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
    conn = _connection()
    if path == "/start":
        return {"id": floor.insert(conn, json.dumps(body["variables"]))}
    _, verb, number = path.split("/")
    if verb == "claim":
        floor.claim(conn, int(number))
        return {"id": int(number), "status": "claimed"}
    floor.complete(conn, int(number), json.dumps(body["variables"]))
    return {"id": int(number), "status": "completed"}


def _connection() -> psycopg.Connection[tuple[int, ...]]:
    if not hasattr(_local, "conn"):
        _local.conn = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    conn: psycopg.Connection[tuple[int, ...]] = _local.conn
    return conn
