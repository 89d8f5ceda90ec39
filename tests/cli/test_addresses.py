"""An address that is none, of Redis or PostgreSQL: one sentence with the remedy, at every start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.adapters.executor_rq import connect
from app.adapters.redis_reach import problem
from app.cli.commands import main
from app.config import ConfigError
from app.db.engine import sqlalchemy_url
from tests.fault.nursery import Born

WRONG = "http://:secret-word@localhost"
SECRET = "tK4vNq7Zr2Wm9XcB5hJd8LpGf3Ys6EuA"
STARTS = {
    "worker": ["app.worker"],
    "duties": ["app.worker.duties"],
    "web": ["gunicorn", "--config", "gunicorn.conf.py", "--bind", "127.0.0.1:0", "wsgi:app"],
    "any server": ["wsgi"],
}


@pytest.fixture
def env() -> dict[str, str]:
    """Settings that are right but for one."""
    return {
        "DATABASE_URL": "postgresql://someone@127.0.0.1:1/x",
        "REDIS_URL": WRONG,
        "JWT_SECRET_KEY": SECRET,
    }


@pytest.mark.parametrize(
    "url",
    [
        WRONG,
        "redis",
        "redis://:secret-word@host:port/0",
        "redis://:secret-word@[::1/0",
        "redis://:secret-word@host/0?socket_timeout=soon",
        "redis://:secret-word@host/0?no_such_option=1",
    ],
)
def test_what_is_no_address_is_refused_and_no_password_told(url: str) -> None:
    with pytest.raises(ConfigError, match=r"REDIS_URL .* must look like redis://") as refused:
        connect(url)
    assert "secret-word" not in str(refused.value)
    assert problem(url) == "its address must look like redis://host:6379/0"


@pytest.mark.parametrize(
    "url", ["redis://h:1/2", "rediss://u:p@h/0", "unix:///run/r.sock?db=3", "redis://h?db=1"]
)
def test_what_is_an_address_is_taken(url: str) -> None:
    connect(url).close()


@pytest.mark.parametrize("who", STARTS)
def test_each_process_says_so_in_one_sentence_and_ends(
    env: dict[str, str], who: str, tmp_path: Path
) -> None:
    out = tmp_path / "said"
    process = Born(STARTS[who], env={**os.environ, **env}, out=out)
    assert process.wait(60) > 0
    (sentence,) = out.read_text(encoding="utf-8").splitlines()
    assert sentence.startswith("REDIS_URL cannot be used: it must look like redis://host:6379/0")


@pytest.mark.parametrize("command", ["web", "worker", "duties"])
def test_the_command_line_refuses_before_it_starts_anything(
    env: dict[str, str], command: str
) -> None:
    result = CliRunner(env=env).invoke(main, [command])
    assert result.exit_code == 1
    assert result.output.startswith("Error: REDIS_URL cannot be used: it must look like redis://")
    result = CliRunner(env=env | {"DATABASE_URL": "postgres"}).invoke(main, [command])
    assert result.exit_code == 1
    assert result.output.startswith("Error: DATABASE_URL cannot be used: it must look like post")


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "http://u:secret-word@host/db",
        "postgresql://u:secret-word@host:port/db",
        "postgresql://u:secret-word@[::1/db",
    ],
)
def test_what_is_no_database_is_refused_and_no_password_told(url: str) -> None:
    with pytest.raises(ConfigError, match=r"DATABASE_URL .* must look like postgresql://") as no:
        sqlalchemy_url(url)
    assert "secret-word" not in str(no.value)


@pytest.mark.parametrize(
    "url", ["postgres://u:p%40@h:5/d", "postgresql:///d?host=/run", "postgresql+psycopg://h/d"]
)
def test_what_is_a_database_is_taken(url: str) -> None:
    assert sqlalchemy_url(url).drivername == "postgresql+psycopg"
