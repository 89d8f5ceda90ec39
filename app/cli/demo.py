"""Loads the demo: people, groups and the shipped example definitions. Safe to repeat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from app.definition import service as definitions
from app.errors import Conflict
from app.identity import queries, service
from app.identity.actor import SYSTEM
from app.runtime.ports import Engine

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples" / "definitions"

GROUPS: Final = {
    "finance_team": "Finance 财务",
    "approval_team": "Approval 审批",
    "sales": "Sales 销售",
    "warehouse": "Warehouse 仓库",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Someone of the demo; everyone's password is the manual's."""

    username: str
    name: str
    groups: tuple[str, ...]
    roles: tuple[str, ...] = ("user",)
    manager: str | None = None


# A manager stands before the people they manage.
PEOPLE: Final = (
    Person("admin", "Administrator 管理员", tuple(GROUPS), ("admin", "manager", "user")),
    Person("li", "Li Wei 李伟", ("approval_team",), ("manager",)),
    Person("mei", "Chen Mei 陈梅", ("finance_team",)),
    Person("zhao", "Zhao Min 赵敏", ("sales",), manager="li"),
    Person("wang", "Wang Fang 王芳", ("finance_team",)),
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load added, and which example could not be stored because its version differs."""

    people: tuple[str, ...]
    definitions: tuple[str, ...]
    kept: tuple[str, ...]


def load_demo(engine: Engine, *, now: datetime) -> Loaded:
    """Make the demo's people and definitions that are not there yet.

    What exists is left as it is: a changed person stays changed, and an example whose
    version is stored with another content is reported in ``kept``.

    Raises:
        Invalid: a shipped example has errors.
    """
    db = engine.db
    with db.transaction():
        service.ensure_roles(db)
        _, groups, _ = queries.known_names(db)
        users = queries.display_names(db, (person.username for person in PEOPLE))
        for name, title in GROUPS.items():
            if name not in groups:
                service.create_group(db, SYSTEM, name=name, title=title, now=now)
        people = tuple(person.username for person in PEOPLE if person.username not in users)
        for person in PEOPLE:
            if person.username in people:
                _make(engine, person, now)
    stored, kept = [], []
    known = definitions.known(db, engine.services.names(), engine.services.types())
    for path in _examples():
        source = path.read_text(encoding="utf-8")
        try:
            row, new = definitions.create(db, SYSTEM, source, known=known, now=now)
        except Conflict:
            kept.append(path.name)
            continue
        if new:
            stored.append(row.key)
    return Loaded(people, tuple(stored), tuple(kept))


def _make(engine: Engine, person: Person, now: datetime) -> None:
    service.create_user(
        engine.db,
        SYSTEM,
        username=person.username,
        name=person.name,
        email=f"{person.username}@example.com",
        password=service.DEMO_PASSWORD,
        groups=person.groups,
        roles=person.roles,
        manager=person.manager,
        now=now,
    )


def _examples() -> Iterator[Path]:
    yield from sorted(EXAMPLES.glob("*.json"))
