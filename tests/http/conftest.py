"""The application on the small office, or on the demo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from flask import Flask

from app.adapters import sign_in_limit
from app.api.figures import BusinessFigures
from app.cli.demo import PEOPLE, load_demo
from app.config import Settings, load_settings
from app.connector.standard import standard_registry
from app.db.tx import Database
from app.definition.cache import DefinitionCache
from app.factory import create_app, make_engine
from app.identity import service
from app.identity.service import DEMO_PASSWORD as DEMO
from app.runtime.figures import figures as count_figures
from app.runtime.ports import Engine
from app.worker import clock as wall
from app.worker.drain import Drain
from tests.support.office import Office, SilentWaker, make_office
from tests.support.pages import Pages
from tests.support.rest import Clock, Rest
from tests.support.until import until

MakeApp = Callable[[Engine, Callable[[], datetime]], Flask]


@pytest.fixture(scope="session")
def settings(database_url: str) -> Settings:
    """Settings of a demo; sign-in failures are counted in the process."""
    return load_settings(
        {"mode": "demo", "database_url": database_url, "redis_url": "memory://"}, env={}
    )


@pytest.fixture(scope="session")
def _made(settings: Settings, redis_url: str) -> Flask:
    """The application, made once: its routes take longer than most tests."""
    engine = make_engine(settings.model_copy(update={"redis_url": redis_url}))
    app = create_app(settings, engine=engine)
    app.config.update(TESTING=True, REDIS_URL=redis_url)
    return app


@pytest.fixture
def make_app(_made: Flask) -> Iterator[MakeApp]:
    """Put the application on an engine and a clock of the test's own, as if it were new."""
    config, extensions = dict(_made.config), dict(_made.extensions)

    def make(engine: Engine, clock: Callable[[], datetime]) -> Flask:
        figures = BusinessFigures(lambda now: count_figures(engine.db, now=now))
        _made.extensions.update(engine=engine, clock=clock, bearers={}, figures=figures)
        sign_in_limit.forget_all()
        return _made

    yield make
    _made.config.clear()
    _made.config.update(config)
    _made.extensions.clear()
    _made.extensions.update(extensions)


@pytest.fixture
def office(db: Database) -> Office:
    """People and two definitions; undone afterwards."""
    return make_office(db)


@pytest.fixture
def app(make_app: MakeApp, office: Office) -> Flask:
    """The application on the small office."""
    return make_app(office.engine, Clock())


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
def demo(make_app: MakeApp, demo_engine: Engine) -> Rest:
    """REST on the demo, at the time it is."""
    app = make_app(demo_engine, wall.now)
    people = {
        each.username: service.authenticate(demo_engine.db, each.username, DEMO, now=wall.now())
        for each in PEOPLE
    }
    return Rest(app, Office(demo_engine, people), wall.now)


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
