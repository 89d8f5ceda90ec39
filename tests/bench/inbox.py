"""The inbox with 50 rows when very many are open: page, badge, query alone, and substitutes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import dict_row
from werkzeug.test import create_environ

from app.db.engine import create_database
from app.db.tx import Database
from app.factory import create_app
from app.identity.actor import SYSTEM
from app.identity.service import actor_by_id, auth_epoch, create_user
from app.task.inbox import COUNT_CAP, badge, inbox
from tests.bench import copies, workers
from tests.bench.approval import begun, person
from tests.bench.given import Given, engine, quantile
from tests.bench.rows import Row

_ROWS: Final = 50
_BARE: Final = b"""
select id, instance_id, step, name, state, candidates, priority, due_at, created_at
  from tasks where state = 'open' and candidates && %s order by due_at, id limit 50
"""
# As in life: dates of their own for most, in no order of the ids, some of them past.
_SPREAD: Final = b"""
update tasks
   set due_at = case when id % 10 > 0
                     then now() + make_interval(secs => (id * 7919) % 3000000 - 100000) end,
       priority = case when id % 9 = 0 then 80 else 50 end
"""
_AWAY: Final = b"""
with theirs as (update tasks set state = 'claimed', assignee = 'zhao' where id % 10 = 0)
insert into absences (username, substitute, starts_at, ends_at, open_tasks, created_by, created_at)
values ('zhao', 'deputy', now() - interval '1 day', now() + interval '1 day', true, 'zhao', now())
"""
_TIMES: Final = 15


def _asking(app: Flask, client: FlaskClient, path: str) -> Callable[[], tuple[str, bytes]]:
    """Return what asks as a server does: making requests and reading answers is not its time."""
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = client.get_cookie(name)
    assert cookie is not None
    environ = create_environ(path, headers={"Cookie": f"{name}={cookie.value}"})

    def ask() -> tuple[str, bytes]:
        said: list[str] = []

        def start(status: str, _headers: Any, _trouble: Any = None) -> Callable[[bytes], None]:
            said.append(status)
            return lambda _: None

        body = b"".join(app(dict(environ), start))
        return said[0], body

    return ask


def run(given: Given) -> list[Row]:
    """Measure the page, the badge, the use case below and a bare query in turns."""
    url = given.database("inbox")
    db = create_database(url, pool_size=1)
    ours = engine(db)
    copies.make(db, begun(ours, person(db, "zhao")).instance.id, given.sizes.open - 1)
    conn = psycopg.connect(url, autocommit=True, row_factory=dict_row)
    conn.execute(_SPREAD)
    conn.execute("vacuum analyze tasks")  # what was there before is not to be walked over
    li = person(db, "li")
    app = create_app(given.loaded(url), engine=ours)
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = f"{li.id}.{auth_epoch(db, li.id)}"
        session["_fresh"] = True
    ask_page, ask_badge = (
        _asking(app, client, path) for path in ("/inbox", "/inbox/badge?shown=1000")
    )
    keys = [f"u:{li.username}", *(f"g:{each}" for each in li.groups)]

    def page() -> None:
        status, body = ask_page()
        if not status.startswith("200") or body.count(b"PO-1") < _ROWS:
            raise AssertionError(f"no inbox of {_ROWS} rows: {status}")

    def poll() -> None:
        status, _ = ask_badge()
        if not status.startswith("204" if given.sizes.open >= COUNT_CAP else "200"):
            raise AssertionError(f"no badge: {status}")

    def use_case() -> None:
        found = inbox(db, li, "todo", size=_ROWS, order="due", now=workers.now())
        if len(found.items) != _ROWS:
            raise AssertionError(f"{len(found.items)} rows")

    def bare() -> None:
        if len(conn.execute(_BARE, (keys,), prepare=True).fetchall()) != _ROWS:
            raise AssertionError("the query finds something else")

    calls: dict[str, Callable[[], Any]] = {
        "page": page,
        "badge": poll,
        "use case": use_case,
        "query": bare,
    }
    took: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(3):
            call()
    end = time.monotonic() + given.seconds * given.rounds
    while not took["page"] or time.monotonic() < end:
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            took[name].append(1000 * (time.perf_counter() - begin))
    deputy = _substitute(db, conn)
    conn.close()
    db.engine.dispose()
    p50 = {name: statistics.median(values) for name, values in took.items()}
    return [
        Row(
            "inbox",
            p50["page"],
            {
                "p95": quantile(took["page"], 0.95),
                "badge ms": p50["badge"],
                "use case ms": p50["use case"],
                "bare query ms": p50["query"],
                "use case / query": p50["use case"] / p50["query"],
                "open": given.sizes.open,
                **deputy,
            },
        )
    ]


def _substitute(db: Database, conn: psycopg.Connection[Any]) -> dict[str, float]:
    """Measure the same for somebody who stands in for a person with a tenth of the tasks."""
    create_user(db, SYSTEM, username="deputy", name="Deputy", roles=["user"], now=workers.now())
    conn.execute(_AWAY)
    conn.execute("vacuum analyze tasks")
    who = actor_by_id(db, person(db, "deputy").id, now=workers.now())
    if who is None or not who.stands_in:
        raise AssertionError("nobody stands in")
    calls: dict[str, Callable[[], Any]] = {
        "substitute's ms": lambda: inbox(db, who, "todo", order="due", now=workers.now()).items[0],
        "substitute's badge ms": lambda: badge(db, who),
    }
    took: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(_TIMES):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            took[name].append(1000 * (time.perf_counter() - begin))
    return {name: statistics.median(values) for name, values in took.items()}
