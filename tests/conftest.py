"""What every test may ask for: databases, Redis, a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import redis
import sqlalchemy as sa
from argon2 import PasswordHasher
from playwright.sync_api import Browser

from app.db.engine import create_engine
from app.db.tx import Database
from app.identity import passwords
from tests.support import chromium, servers

_OURS = pytest.StashKey[servers.Servers]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to start PostgreSQL and Redis once; the workers of xdist inherit the addresses."""
    if hasattr(config, "workerinput") or config.option.collectonly or config.option.help:
        return
    ours = servers.Servers()
    ours.start()
    config.stash[_OURS] = ours


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process started."""
    ours = config.stash.get(_OURS, None)
    if ours is not None:
        ours.stop()


@pytest.fixture(scope="session")
def redis_url() -> str:
    """Address of the test run's Redis."""
    servers.until_ready()
    return os.environ[servers.REDIS_URL]


@pytest.fixture
def clean_redis(redis_url: str) -> Iterator[redis.Redis]:
    """Redis in a database of this worker's own, empty."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
    with redis.Redis.from_url(f"{redis_url}?db={number}") as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """Address of this worker's clone of the migrated database."""
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    servers.drop_database(name)
    yield servers.create_database(name)
    servers.drop_database(name)


@pytest.fixture(scope="session")
def pool(database_url: str) -> Iterator[sa.Engine]:
    """Connections to this worker's database."""
    engine = create_engine(database_url, pool_size=10, max_overflow=40)
    yield engine
    engine.dispose()


@pytest.fixture
def db(pool: sa.Engine) -> Iterator[Database]:
    """A database in which everything is undone afterwards; for one thread."""
    with pool.connect() as conn:
        conn.begin()
        yield Database.joined(conn)
        conn.rollback()


@pytest.fixture
def committed(pool: sa.Engine) -> Iterator[Database]:
    """A database that really commits; emptied afterwards."""
    yield Database(pool)
    servers.empty(pool)


@pytest.fixture
def fresh_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a database that only this test knows; for other processes too."""
    name = f"fresh_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{abs(hash(request.node.nodeid))}"
    yield servers.create_database(name)
    servers.drop_database(name)


@pytest.fixture
def fresh_db(fresh_url: str) -> Iterator[Database]:
    """The database behind ``fresh_url``."""
    engine = create_engine(fresh_url)
    yield Database(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; without one the test is skipped, or fails under ``REQUIRE_BROWSER=1``."""
    with chromium.launched(chromium.require()) as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """Hash passwords as cheaply as argon2 can: these tests sign in hundreds of times."""
    costly = passwords._hasher
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._nobody.cache_clear()
    yield
    passwords._hasher = costly
    passwords._nobody.cache_clear()
