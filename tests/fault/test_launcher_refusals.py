"""What the launcher refuses: one sentence with the remedy, and nothing left running."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator

import pytest

from app.db import upkeep
from tests.fault.launching import Checkout, free_port
from tests.support import servers

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def _deep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    folder = tmp_path_factory.mktemp("deep") / ("long" * 15) / "path with spaces, signs & a %"
    folder.mkdir(parents=True)
    made = Checkout(folder / "checkout")
    run = made.fork("migrate", "up")
    try:
        assert run.until_ended() == 0, run.said
        yield made
    finally:
        made.close()


@pytest.fixture
def checkout(_deep: Checkout) -> Iterator[Checkout]:
    """One with a whole database, in a folder that makes it hard; ``runs[0]`` has made it.

    A test that breaks something mends it.
    """
    yield _deep
    _deep.stop()


def refused(checkout: Checkout, **env: str) -> str:
    """Return the one sentence that ``run`` refuses with."""
    run = checkout.fork(**env)
    assert run.until_ended() == 1, run.said
    assert checkout.processes() == {}
    errors = [line for line in run.said.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, run.said
    assert "Traceback" not in run.said
    return errors[0]


def test_port_in_use(checkout: Checkout) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(checkout, PORT=str(port))
    assert f"Port {port} is in use; stop what uses it, or choose another one: PORT=" in said


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://root:secret-word@localhost/x", "must look like postgresql://"),
        ("postgresql://someone:secret-word@127.0.0.1:{port}/x", "Connection refused"),
        ("postgresql://someone:secret-word@127.0.0.1:port/x", "invalid integer value"),
        ("postgresql://someone:secret-word@[::1/x", "cannot be read"),
        ("postgresql:///x?host=/nowhere", "No such file"),
    ],
)
def test_wrong_address_of_the_database(checkout: Checkout, url: str, reason: str) -> None:
    said = refused(checkout, DATABASE_URL=url.format(port=free_port()))
    assert said.startswith("Error: DATABASE_URL leads to no PostgreSQL that can be used")
    assert reason in said
    assert "correct it, or unset it" in said
    assert "secret-word" not in said


def test_unknown_database_on_a_server_that_answers(checkout: Checkout) -> None:
    said = refused(checkout, DATABASE_URL=servers.url_of("not_there"))
    assert 'database "not_there" does not exist' in said


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://localhost", "must look like redis://"),
        ("redis://:secret-word@127.0.0.1:{port}/0", "Connection refused"),
    ],
)
def test_wrong_address_of_redis(checkout: Checkout, url: str, reason: str) -> None:
    said = refused(checkout, REDIS_URL=url.format(port=free_port()))
    assert said.startswith("Error: REDIS_URL leads to no Redis that can be used")
    assert reason in said
    assert "secret-word" not in said


def test_too_old_a_postgresql(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = upkeep.server_version(database_url)
    monkeypatch.setattr(upkeep, "OLDEST", found + 1)
    with pytest.raises(
        upkeep.DatabaseUnusable, match=f"PostgreSQL {found}, and {found + 1} or newer is needed"
    ):
        upkeep.server_version(database_url)


def test_data_that_lost_a_part(checkout: Checkout) -> None:
    control = checkout.data / "global" / "pg_control"
    kept = control.with_name("kept")
    control.rename(kept)
    try:
        said = refused(checkout)
    finally:
        kept.rename(control)
    assert "PostgreSQL cannot use the data in var/postgres" in said
    assert f"mv {checkout.data} {checkout.data}.broken" in said


@pytest.mark.parametrize(
    ("version", "what"),
    [("12\n", "holds data of PostgreSQL 12"), (None, "holds no data of PostgreSQL")],
)
def test_data_of_something_else(checkout: Checkout, version: str | None, what: str) -> None:
    file = checkout.data / "PG_VERSION"
    before = file.read_text()
    if version is None:
        file.unlink()
    else:
        file.write_text(version)
    try:
        said = refused(checkout)
    finally:
        file.write_text(before)
        if os.geteuid() == 0:
            shutil.chown(file, "nobody")
    assert what in said
    assert "move it away" in said


def test_redis_s_data_that_cannot_be_read(checkout: Checkout) -> None:
    dump = checkout.folder / "var/redis/dump.rdb"
    dump.parent.mkdir(exist_ok=True)
    dump.write_bytes(b"REDIS0011 and then nothing that Redis knows")
    said = refused(checkout)
    dump.unlink()
    assert "Redis cannot start on var/redis" in said
    assert "rm -r" in said


def test_a_weak_secret_and_the_published_password(checkout: Checkout) -> None:
    said = refused(checkout, APP_MODE="production", JWT_SECRET_KEY="short")
    assert "jwt.secret_key is too weak" in said
    assert "openssl rand" in said


def test_the_mark_of_a_killed_postgresql_whose_number_another_process_has(
    checkout: Checkout,
) -> None:
    user = "nobody" if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "60"], user=user) as other:
        mark = checkout.data / "postmaster.pid"
        mark.write_text(f"{other.pid}\n{checkout.data}\n1\n5432\n\n\n\n")
        if user:
            shutil.chown(mark, user)
        run = checkout.fork("migrate", "status")
        status = run.until_ended()
        other.kill()
    assert status == 0, run.said


def test_a_long_path_needs_a_short_one_for_sockets(checkout: Checkout) -> None:
    first = checkout.runs[0]
    assert checkout.processes() == {}
    assert "migrated from nothing" in first.said
    assert len(os.fsencode(checkout.folder)) > 107  # what a socket's path may have
