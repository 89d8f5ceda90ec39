"""The commands and their options.

Everything else is imported when a command runs: what it needs and no more, and a Ctrl-C
meanwhile is no traceback.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.say import Refused

if TYPE_CHECKING:
    from app.config import Settings


class _InSentences(click.Group):
    """Says what cannot be in one sentence, and exits with 1."""

    def invoke(self, ctx: click.Context) -> object:
        from app.config import ConfigError

        try:
            return super().invoke(ctx)
        except (Refused, ConfigError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_InSentences)
def main() -> None:
    """Workflow Engine: run it, migrate its database."""


@main.command()
def run() -> None:
    """PostgreSQL, Redis, web, worker and duties on this machine, until Ctrl-C."""
    from app.cli.run import run as start

    sys.exit(start(_settings()))


@main.command()
def web() -> None:
    """The web processes only (needs DATABASE_URL and REDIS_URL)."""
    from app.cli import places
    from app.cli.web import command

    _complete(_settings())
    folder = Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(places.METRICS)))
    places.emptied(folder)
    _become(command())


@main.command()
def worker() -> None:
    """One worker only (needs DATABASE_URL and REDIS_URL)."""
    _complete(_settings())
    _become([sys.executable, "-m", "app.worker"])


@main.command()
def duties() -> None:
    """The duties only (needs DATABASE_URL and REDIS_URL)."""
    _complete(_settings())
    _become([sys.executable, "-m", "app.worker.duties"])


@main.command()
def prepare() -> None:
    """Before a first start or an upgrade: tables, roles, in demo mode the demo."""
    from app.cli import contents
    from app.cli.migrate import database

    settings = _settings()
    with database(settings) as url:
        contents.migrate(url)
        contents.load(settings, url)


@main.group()
def migrate() -> None:
    """The tables: DATABASE_URL's, or those of the PostgreSQL in var/."""


@migrate.command()
def up() -> None:
    """Bring the tables to this code's shape."""
    from app.cli import migrate as commands

    commands.up(_settings_without_secret())


@migrate.command()
@click.argument("revision", default="-1")
@click.confirmation_option(prompt="Undoing a migration can delete data. Go on?")
def down(revision: str) -> None:
    """Undo migrations down to REVISION (default: the last one)."""
    from app.cli import migrate as commands

    commands.down(_settings_without_secret(), revision)


@migrate.command()
def status() -> None:
    """Where the tables stand; exit status 1 if they are not up to date."""
    from app.cli import migrate as commands

    sys.exit(0 if commands.status(_settings_without_secret()) else 1)


def _settings() -> Settings:
    from app.config import load_settings

    return load_settings()


def _settings_without_secret() -> Settings:
    """A migration signs nothing, so that its job needs no secret."""
    from app.config import load_settings

    return load_settings({"jwt.secret_key": secrets.token_urlsafe(48)})


def _complete(settings: Settings) -> None:
    for name, value in (
        ("DATABASE_URL", settings.database_url),
        ("REDIS_URL", settings.redis_url),
    ):
        if not value:
            raise Refused(f"{name} is missing; set it, or use `workflow-engine run`.")


def _become(command: list[str]) -> None:
    from app.config import ROOT

    os.chdir(ROOT)
    os.execv(command[0], command)  # noqa: S606 - our own command
