"""What must be in the database before the first request: tables, roles, in demo mode people."""

from __future__ import annotations

from datetime import UTC, datetime

from app.cli.demo import PEOPLE, load_demo
from app.cli.engine import opened
from app.cli.say import Refused, say
from app.config import Settings
from app.db.upkeep import DatabaseUnusable, bring_up
from app.identity.service import DEMO_PASSWORD, ensure_roles, has_demo_password


def migrate(url: str) -> None:
    """Bring the tables to this code's shape.

    Raises:
        Refused: the database does not let us, or belongs to another version.
    """
    try:
        before, after = bring_up(url)
    except DatabaseUnusable as error:
        raise Refused(
            f"The database cannot be migrated: {error}; see docs/operations.md, Upgrade."
        ) from error
    if before == after:
        say(f"The tables are up to date ({after}).")
    else:
        say(f"The tables were migrated from {before or 'nothing'} to {after}.")


def load(settings: Settings, url: str) -> None:
    """Load the demo, or refuse what only a demo may have.

    Raises:
        Refused: the manual's password outside of demo mode, whoever of the demo has it.
    """
    with opened(url) as engine:
        if settings.mode == "demo":
            loaded = load_demo(engine, now=datetime.now(UTC))
            for file in loaded.kept:
                say(f"The example {file} is stored with another content, which stays.")
            if loaded.people or loaded.definitions:
                say(
                    f"Demo: {len(loaded.people)} people and {len(loaded.definitions)} process"
                    " definitions loaded."
                )
            return
        ensure_roles(engine.db)
        known = [each.username for each in PEOPLE if has_demo_password(engine.db, each.username)]
        if known:
            raise Refused(
                f"The published password of the demo still opens {', '.join(known)}; change it on"
                " the profile page of a demo start, or start with APP_MODE=demo."
            )


def logins() -> str:
    """Say who can sign in to the demo."""
    *names, last = [person.username for person in PEOPLE]
    return f"{', '.join(names)} or {last}, password {DEMO_PASSWORD}"
