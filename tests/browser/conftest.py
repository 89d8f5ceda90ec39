"""The demo on a loopback port, and windows of people that note every complaint."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from app.adapters import sign_in_limit
from app.cli.demo import load_demo
from app.connector.standard import standard_registry
from app.db.engine import create_engine
from app.db.tx import Database
from app.definition.cache import DefinitionCache
from app.identity.service import auth_epoch
from app.runtime.ports import Engine
from app.worker import clock
from tests.browser.serving import Live, serving
from tests.support import servers
from tests.support.office import SilentWaker

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 375, "height": 812}
TOUCH: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
# What the demo loads stays between tests; everything else goes.
KEPT = ("users", "groups", "memberships", "roles", "user_roles", "process_definitions")
STILL = "Promise.allSettled(document.getAnimations().map((each) => each.finished))"
BLANK = "/static/img/favicon.svg"
"""A page of the same origin, with the same policy, that does nothing."""
AXE = Axe().axe_script
# False: every page to come would have a clock that the test drives, or axe in it.
FORGET = """() => {
  localStorage.clear();
  sessionStorage.clear();
  return !window.__pwClock && !window.axe;
}"""
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs Chromium."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def served() -> Iterator[Live]:
    """One demo for all tests of a process."""
    name = f"browser_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    servers.drop_database(name)
    engine = create_engine(servers.create_database(name), pool_size=10, max_overflow=20)
    db = Database(engine)
    load_demo(Engine(db, standard_registry(), SilentWaker(), DefinitionCache()), now=clock.now())
    with serving(db, "memory://", clock.now) as live:
        yield live
    engine.dispose()
    servers.drop_database(name)


@pytest.fixture
def live(served: Live) -> Iterator[Live]:
    """The demo with nothing started yet; jobs run as they become due."""
    sign_in_limit.forget_all()
    yield served
    served.settle()
    servers.empty(served.engine.db.engine, kept=KEPT)
    with served.engine.db.transaction() as tx:
        tx.run("update users set language = null, timezone = null")
        tx.run("delete from process_definitions where key not like 'example%%'")


@dataclass
class Watched:
    """Somebody's browser and everything that went wrong in it."""

    context: BrowserContext
    complaints: list[str] = field(default_factory=list)
    idle: Page | None = None

    def open(self, path: str) -> Page:
        """Open a page in a tab of its own; its complaints are noted."""
        page, self.idle = self.idle or self._tab(), None
        page.goto(path)
        return page

    def reset(self) -> bool:
        """Forget everything and keep one tab; say whether that could be done."""
        tab, *others = self.context.pages or [self._tab()]
        for each in others:
            each.close()
        tab.goto(BLANK)
        clean: bool = tab.evaluate(FORGET)
        tab.context.clear_cookies()
        self.idle = tab
        self.complaints.clear()
        return clean

    def _tab(self) -> Page:
        page = self.context.new_page()
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("response", lambda got: self._answered(got.status, got.url))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        return page

    def _said(self, kind: str, text: str) -> None:
        # Chromium also prints each refused request; those are told by their status.
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(f"{kind}: {text}")

    def _answered(self, status: int, url: str) -> None:
        if status >= 500 or (status == 404 and "/static/" in url):
            self.complaints.append(f"{status}: {url}")


Window = Callable[..., Watched]
Drawer = dict[str, list[Watched]]


@pytest.fixture(scope="session")
def drawer() -> Drawer:
    """Browsers that nobody uses at the moment, by their options; a new one takes a second."""
    return defaultdict(list)


@pytest.fixture
def window(browser: Browser, live: Live, drawer: Drawer) -> Iterator[Window]:
    """Open browsers; at the end none may have complained (scripts, styles, policy, 5xx)."""
    opened: list[tuple[str, Watched]] = []

    def open_window(by: str | None = None, **options: Any) -> Watched:
        """Open the browser of a person who has signed in, or of nobody."""
        wanted = {"viewport": DESKTOP, "locale": "en-GB", "timezone_id": "Europe/Berlin", **options}
        key = repr(sorted(wanted.items()))
        if drawer[key]:
            watched = drawer[key].pop()
        else:
            watched = Watched(browser.new_context(base_url=live.url, **wanted))
            watched.context.set_default_timeout(15_000)
        if by:
            watched.context.add_cookies([session_cookie(live, by)])
        opened.append((key, watched))
        return watched

    yield open_window
    complaints = [said for _, watched in opened for said in watched.complaints]
    for key, watched in opened:
        if "'java_script_enabled': False" not in key and watched.reset():
            drawer[key].append(watched)
        else:
            watched.context.close()
    assert complaints == []


def session_cookie(live: Live, username: str) -> Any:
    """Return the cookie of a person's session, without the cost of a password."""
    who = live.actor(username)
    kept = {"_user_id": f"{who.id}.{auth_epoch(live.engine.db, who.id)}", "_fresh": True}
    signer = live.app.session_interface.get_signing_serializer(live.app)  # type: ignore[attr-defined]  # Flask's own kind
    name = live.app.config["SESSION_COOKIE_NAME"]
    return {"name": name, "value": signer.dumps(kept), "url": live.url}


def sign_in(page: Page, username: str) -> None:
    """Sign in as people do, where the door is open."""
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill("password123")
    page.get_by_role("button", name="Sign in").click()


def violations(page: Page, only: list[str] | None = None) -> list[str]:
    """Return what axe has to say about a page, a line for each element.

    Args:
        only: ids of rules; default: all.
    """
    page.evaluate(STILL)
    options: dict[str, Any] = {"resultTypes": ["violations"], "iframes": False, "preload": False}
    if only:
        options["runOnly"] = {"type": "rule", "values": only}
    else:
        options["rules"] = {"target-size": {"enabled": True}}  # of WCAG 2.2; axe leaves it out
    if page.evaluate("!window.axe"):
        page.evaluate(AXE)
    found = page.evaluate("(options) => axe.run(options).then((all) => all.violations)", options)
    return [
        f"{page.url}: {each['id']}: {node['html']} {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]


def sideways(page: Page) -> int:
    """Return by how many pixels a page can be pushed to the side."""
    width: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return width


def focused(page: Page) -> str:
    """Return what has the keyboard: its id, else its text."""
    text: str = page.evaluate(
        "document.activeElement.id || document.activeElement.textContent.trim()"
    )
    return text
