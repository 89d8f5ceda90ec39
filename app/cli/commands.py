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
    """Workflow Engine: run it, migrate its database, try definitions out."""


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


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Check definitions in FILES; exit status 1 if one has errors. Opens no database."""
    from app.cli.check import check as judge

    sys.exit(0 if judge(files, as_json=as_json) else 1)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--scenario",
    required=True,
    type=click.Path(path_type=Path),
    help="JSON: start, answers, expect.",
)
@click.option("--json", "as_json", is_flag=True, help="Print how it went as JSON.")
def simulate(file: Path, scenario: Path, as_json: bool) -> None:
    """Play FILE with invented answers; exit status 1 if the end is not as expected.

    Opens no database and calls nobody.
    """
    from app.cli.simulate import simulate as play

    sys.exit(0 if play(file, scenario, as_json=as_json) else 1)


@main.command()
def schema() -> None:
    """Print the JSON Schema of the definition format, for editors."""
    from app.cli.schema import text

    click.echo(text(), nl=False)


@main.group()
def users() -> None:
    """Accounts: DATABASE_URL's, or those of the PostgreSQL in var/."""


@users.command("add")
@click.argument("username")
@click.option("--name", required=True, help="What people call them.")
@click.option("--email")
@click.option("--role", "roles", multiple=True, required=True, help="May be given again.")
@click.option("--group", "groups", multiple=True, help="May be given again.")
@click.option("--password-stdin", is_flag=True, help="Read it from standard input.")
def users_add(
    username: str,
    name: str,
    email: str | None,
    roles: tuple[str, ...],
    groups: tuple[str, ...],
    password_stdin: bool,
) -> None:
    """Make an account; its password is asked for."""
    from app.cli import users as commands

    commands.add(
        _settings_without_secret(),
        username,
        name=name,
        email=email,
        roles=roles,
        groups=groups,
        from_stdin=password_stdin,
    )


@users.command("list")
def users_list() -> None:
    """Who there is, with roles and groups."""
    from app.cli import users as commands

    commands.list_(_settings_without_secret())


@users.command("password")
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read it from standard input.")
def users_password(username: str, password_stdin: bool) -> None:
    """Give an account another password; it is signed out everywhere."""
    from app.cli import users as commands

    commands.password(_settings_without_secret(), username, from_stdin=password_stdin)


@users.command("deactivate")
@click.argument("username")
def users_deactivate(username: str) -> None:
    """Close an account of somebody who has left."""
    from app.cli import users as commands

    commands.set_active(_settings_without_secret(), username, active=False)


@users.command("activate")
@click.argument("username")
def users_activate(username: str) -> None:
    """Open an account again."""
    from app.cli import users as commands

    commands.set_active(_settings_without_secret(), username, active=True)


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
    from app.adapters.executor_rq import connect
    from app.db.engine import sqlalchemy_url

    for name, value in (
        ("DATABASE_URL", settings.database_url),
        ("REDIS_URL", settings.redis_url),
    ):
        if not value:
            raise Refused(f"{name} is missing; set it, or use `workflow-engine run`.")
    # Both refuse what is no address, and open nothing.
    sqlalchemy_url(settings.database_url)
    connect(settings.redis_url).close()


def _become(command: list[str]) -> None:
    from app.config import ROOT

    os.chdir(ROOT)
    os.execv(command[0], command)  # noqa: S606 - our own command
