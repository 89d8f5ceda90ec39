"""The application on the small office, or on the demo."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask

from app.adapters import sign_in_limit
from app.cli.demo import PEOPLE, load_demo
from app.config import Settings, load_settings
from app.connector.standard import standard_registry
from app.db.tx import Database
from app.definition.cache import DefinitionCache
from app.factory import create_app
from app.identity import passwords, service
from app.identity.service import DEMO_PASSWORD as DEMO
from app.runtime.ports import Engine
from app.worker import clock as wall
from app.worker.drain import Drain
from tests.support.office import Office, SilentWaker, make_office
from tests.support.pages import Pages
from tests.support.rest import Clock, Rest
from tests.support.until import until


@pytest.fixture(scope="package", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """Hash passwords as cheaply as argon2 can: these tests sign in hundreds of times."""
    costly = passwords._hasher
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._nobody.cache_clear()
    yield
    passwords._hasher = costly
    passwords._nobody.cache_clear()


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings of a demo; sign-in failures are counted in the process."""
    return load_settings(
        {"mode": "demo", "database_url": database_url, "redis_url": "memory://"}, env={}
    )


def make_app(settings: Settings, engine: Engine, redis_url: str) -> Flask:
    """Make the application on an engine of the test's own, with a clock that stands."""
    app = create_app(settings, engine=engine)
    app.config.update(TESTING=True, REDIS_URL=redis_url)
    app.extensions["clock"] = Clock()
    sign_in_limit.forget_all()
    return app


@pytest.fixture
def office(db: Database) -> Office:
    """People and two definitions; undone afterwards."""
    return make_office(db)


@pytest.fixture
def app(settings: Settings, office: Office, redis_url: str) -> Flask:
    """The application on the small office."""
    return make_app(settings, office.engine, redis_url)


@pytest.fixture
def rest(app: Flask, office: Office) -> Rest:
    """REST on the small office."""
    return Rest(app, office, app.extensions["clock"])


@pytest.fixture
def browser(app: Flask, office: Office) -> Callable[[str | None], Pages]:
    """Open a browser of a person, or of nobody, on the pages of the small office."""

    def open_(username: str | None = None) -> Pages:
        pages = Pages(app, office)
        return pages.sign_in(username) if username else pages

    return open_


@pytest.fixture
def demo_engine(committed: Database) -> Engine:
    """The demo's people and definitions, really committed."""
    engine = Engine(
        db=committed,
        services=standard_registry(),
        waker=SilentWaker(),
        definitions=DefinitionCache(),
    )
    load_demo(engine, now=wall.now())
    return engine


@pytest.fixture
def demo(settings: Settings, demo_engine: Engine, redis_url: str) -> Rest:
    """REST on the demo, at the time it is."""
    app = make_app(settings, demo_engine, redis_url)
    app.extensions["clock"] = wall.now
    people = {
        each.username: service.authenticate(demo_engine.db, each.username, DEMO, now=wall.now())
        for each in PEOPLE
    }
    return Rest(app, Office(demo_engine, people), app.extensions["clock"])


@pytest.fixture
def drain(demo_engine: Engine) -> Iterator[Callable[[], None]]:
    """Run the demo's jobs until none is due."""
    worker = Drain(demo_engine, standard_registry(), worker="test", clock=wall.now)
    worker.start()

    def ended() -> bool:
        with demo_engine.db.transaction() as tx:
            left = tx.run("select 1 from jobs where state in ('due', 'leased')").fetchone()
        return left is None

    def run() -> None:
        worker.notify()
        until(ended)

    yield run
    worker.stop(5)
