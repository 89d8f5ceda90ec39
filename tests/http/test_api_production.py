"""Outside of demo mode the published password opens nothing."""

from __future__ import annotations

import secrets

import pytest

from app.cli import contents
from app.cli.demo import PEOPLE
from app.cli.say import Refused
from app.config import Settings, load_settings
from app.identity import passwords
from app.runtime.ports import Engine


@pytest.fixture
def production() -> Settings:
    return load_settings({"jwt.secret_key": secrets.token_urlsafe(48)}, env={})


def test_a_start_is_refused_while_anybody_has_the_published_password(
    demo_engine: Engine, production: Settings, database_url: str
) -> None:
    with pytest.raises(Refused, match=", ".join(each.username for each in PEOPLE)):
        contents.load(production, database_url)
    change(demo_engine, "username = 'admin'")
    with pytest.raises(Refused) as refused:
        contents.load(production, database_url)
    assert "admin" not in str(refused.value).partition(";")[0]
    change(demo_engine, "true")
    contents.load(production, database_url)


def change(engine: Engine, whose: str) -> None:
    """Give people another password."""
    with engine.db.transaction() as tx:
        hashed = passwords.hash_password("a long and quiet evening")
        tx.run(f"update users set password_hash = %(hash)s where {whose}", {"hash": hashed})
