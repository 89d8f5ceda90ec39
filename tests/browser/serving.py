"""The demo on a loopback port, with a worker beside it that does the automatic steps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

from app.config import load_settings
from app.connector.registry import Registry
from app.connector.standard import standard_registry
from app.db.tx import Database
from app.definition.cache import DefinitionCache
from app.factory import create_app
from app.identity.actor import Actor
from app.identity.service import actor_by_id
from app.runtime import service as runtime
from app.runtime.ports import Engine
from app.task import service as tasks
from app.worker.drain import Drain
from tests.support.office import SilentWaker
from tests.support.until import until

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Live:
    """A running demo, and what people do in it elsewhere than in the browser at hand."""

    url: str
    engine: Engine
    app: Flask
    clock: Clock

    def actor(self, username: str) -> Actor:
        """Return a person of the demo."""
        with self.engine.db.transaction() as tx:
            row = tx.run(
                "select id from users where username = %(name)s", {"name": username}
            ).fetchone()
        assert row is not None, username
        found = actor_by_id(self.engine.db, row["id"])
        assert found is not None, username
        return found

    def start(self, key: str, by: str = "zhao", **variables: Any) -> int:
        """Start an instance; return its id."""
        row = runtime.start(
            self.engine,
            self.actor(by),
            definition_key=key,
            variables=variables,
            now=self.clock(),
        )
        return int(row.id)

    def order(self, number: str, amount: int = 250, *, by: str = "zhao") -> int:
        """Enter an order; return the id of the instance."""
        return self.start(
            "example_order_processing", by, order_id=number, customer_id="C-77", amount=amount
        )

    def payment(self, number: str) -> int:
        """Enter an order that needs no approval; return the id of its payment check."""
        return self.task(self.order(number), "payment_check")

    def task(self, instance_id: int, step: str) -> int:
        """Return the id of an instance's open task of a step, as soon as there is one."""

        def found() -> int | None:
            with self.engine.db.transaction() as tx:
                row = tx.run(
                    "select max(id) as id from tasks where instance_id = %(id)s"
                    " and step = %(step)s and state in ('open', 'claimed')",
                    {"id": instance_id, "step": step},
                ).fetchone()
            return row["id"] if row else None

        return int(until(found))

    def settle(self) -> None:
        """Wait until no automatic step is left that could be done now."""

        def none() -> bool:
            with self.engine.db.transaction() as tx:
                row = tx.run(
                    "select count(*) as left from jobs where not paused and topic is null"
                    " and (state = 'leased' or (state = 'due' and due_at <= %(now)s))",
                    {"now": self.clock()},
                ).fetchone()
            return row is not None and row["left"] == 0

        until(none)

    def claim(self, task_id: int, by: str) -> None:
        """Let somebody claim a task."""
        tasks.claim(self.engine, self.actor(by), task_id, now=self.clock())

    def complete(self, task_id: int, by: str, outcome: str | None = None, **values: Any) -> None:
        """Let somebody complete a task."""
        tasks.complete(
            self.engine, self.actor(by), task_id, values, outcome=outcome, now=self.clock()
        )

    def state(self, task_id: int) -> tuple[str, str | None]:
        """Return the state of a task and who has it."""
        with self.engine.db.transaction() as tx:
            row = tx.run(
                "select state, assignee from tasks where id = %(id)s", {"id": task_id}
            ).fetchone()
        assert row is not None
        return row["state"], row["assignee"]


@contextmanager
def serving(
    db: Database, redis_url: str, clock: Clock, registry: Registry | None = None
) -> Iterator[Live]:
    """Serve the demo that ``db`` holds as long as the block lasts.

    Args:
        registry: services; default: those that every process starts with.
    """
    registry = registry or standard_registry()
    plain = Engine(db, registry, SilentWaker(), DefinitionCache())
    worker = Drain(plain, registry, worker="browser", clock=clock)
    engine = Engine(db, registry, _Call(worker), plain.definitions)
    app = application(engine, redis_url, clock)
    worker.start()
    try:
        with listening(app) as url:
            yield Live(url, engine, app, clock)
    finally:
        worker.stop(5)


def application(engine: Engine, redis_url: str, clock: Clock) -> Flask:
    """Make the application of a demo; failed sign-ins are counted in this process."""
    settings = load_settings({"mode": "demo", "redis_url": "memory://"}, env={})
    app = create_app(settings, engine=engine)
    app.config["REDIS_URL"] = redis_url
    app.extensions["clock"] = clock
    return app


@contextmanager
def listening(app: Flask) -> Iterator[str]:
    """Answer requests by threads of this process; the value is the address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


@dataclass(frozen=True)
class _Call:
    """Wakes the worker of this process."""

    worker: Drain

    def wake(self) -> None:
        """Say that there may be work."""
        self.worker.notify()
