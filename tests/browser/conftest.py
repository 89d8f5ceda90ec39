"""The demo on a loopback port with a worker beside it, and pages that note every complaint."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server

from app.cli.demo import load_demo
from app.config import load_settings
from app.connector.standard import standard_registry
from app.db.tx import Database
from app.definition.cache import DefinitionCache
from app.factory import create_app
from app.identity.actor import Actor
from app.identity.service import authenticate
from app.runtime.ports import Engine
from app.worker import clock
from app.worker.drain import Drain
from tests.support.office import SilentWaker

PASSWORD = "password123"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 375, "height": 812}


@dataclass(frozen=True)
class Live:
    """A running demo."""

    url: str
    engine: Engine

    def actor(self, username: str) -> Actor:
        """Return a person of the demo."""
        return authenticate(self.engine.db, username, PASSWORD, now=clock.now())


@pytest.fixture
def live(fresh_db: Database, redis_url: str) -> Iterator[Live]:
    """The demo, served by threads of this process; jobs run as they become due."""
    engine = Engine(
        db=fresh_db,
        services=standard_registry(),
        waker=SilentWaker(),
        definitions=DefinitionCache(),
    )
    load_demo(engine, now=clock.now())
    worker = Drain(engine, standard_registry(), worker="browser", clock=clock.now)
    engine = Engine(fresh_db, engine.services, _Call(worker), engine.definitions)
    settings = load_settings({"mode": "demo", "redis_url": "memory://"}, env={})
    app = create_app(settings, engine=engine)
    app.config["REDIS_URL"] = redis_url
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    worker.start()
    yield Live(f"http://127.0.0.1:{server.server_port}", engine)
    worker.stop(5)
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


@dataclass
class Watched:
    """A browser's window and everything that went wrong in it."""

    context: BrowserContext
    base: str
    complaints: list[str] = field(default_factory=list)

    def page(self) -> Page:
        """Open a page whose complaints are noted."""
        page = self.context.new_page()
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("response", lambda got: self._answered(got.status, got.url))
        return page

    def _said(self, kind: str, text: str) -> None:
        # Chromium also prints each refused request; those are told by their status.
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(f"{kind}: {text}")

    def _answered(self, status: int, url: str) -> None:
        if status >= 500 or (status == 404 and "/static/" in url):
            self.complaints.append(f"{status}: {url}")


Open = Callable[..., Watched]


@pytest.fixture
def window(browser: Browser, live: Live) -> Iterator[Open]:
    """Open windows; at the end none may have complained (scripts, styles, policy, 5xx)."""
    opened: list[Watched] = []

    def open_window(**options: Any) -> Watched:
        context = browser.new_context(
            base_url=live.url,
            **({"viewport": DESKTOP, "locale": "en-GB", "timezone_id": "Europe/Berlin"} | options),
        )
        context.set_default_timeout(10_000)
        watched = Watched(context, live.url)
        opened.append(watched)
        return watched

    yield open_window
    for watched in opened:
        watched.context.close()
    assert [said for watched in opened for said in watched.complaints] == []
