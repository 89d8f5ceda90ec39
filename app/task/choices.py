"""What an inbox can be narrowed by: the processes and steps that someone's tasks are of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core.definition import Label
from app.db.tx import Database
from app.identity.actor import Actor
from app.identity.queries import titles_soon
from app.identity.seats import OFFER, SEAT, ForSeats

MOST: Final = 1_000
"""How many tasks of each kind are looked at, so that it costs the same however many there are."""
_LIVE: Final = f"""
(select definition_id, step, name from tasks t
  where t.state in ('open','claimed') and {SEAT} limit {MOST})
union all
(select definition_id, step, name from tasks t
  where t.state = 'open' and {OFFER} order by t.id limit {MOST})
"""  # noqa: S608 - numbers of ours
_DONE: Final = f"""
(select definition_id, step, name from tasks
  where completed_by = %(me)s order by completed_at desc, id desc limit {MOST})
union all
(select definition_id, step, name from tasks
  where assignee = %(me)s and decided_by is not null order by completed_at desc limit {MOST})
"""  # noqa: S608 - as above
_CHOICES: Final = """
with found as ({found}),
     each as (select distinct on (definition_id, step) definition_id, step, name from found)
select d.key, d.names, each.step, each.name, d.summaries -> each.step as summary
  from each join process_definitions d on d.id = each.definition_id
 order by d.version_order desc, d.id desc
"""
_SQL: Final = {
    "todo": ForSeats(_CHOICES.replace("{found}", _LIVE)),
    "done": ForSeats(_CHOICES.replace("{found}", _DONE)),
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters of an inbox offer.

    Args:
        processes: key and name of each.
        steps: key of the process, id and name of each.
        groups: name and title of those that the person is a member of.
        data: name and label of what the steps' summaries tell, and is not sensitive.
    """

    processes: Sequence[tuple[str, Label]]
    steps: Sequence[tuple[str, str, Label]]
    groups: Sequence[tuple[str, str]]
    data: Sequence[tuple[str, Label]] = ()

    def process(self, key: str) -> Label:
        """Return what a process is called; its key, if it is none of these."""
        return dict(self.processes).get(key, key)

    def step(self, step_id: str) -> Label:
        """Return what a step is called; its id, if it is none of these."""
        return next((name for _, each, name in self.steps if each == step_id), step_id)

    def datum(self, name: str) -> Label:
        """Return what a variable of a summary is called; its name, if it is none of these."""
        return dict(self.data).get(name, name)

    def group(self, name: str) -> str:
        """Return what a group is called."""
        return dict(self.groups).get(name, name)


def choices(db: Database, actor: Actor, tab: str) -> Choices:
    """Return what the tasks of a tab can be told apart by.

    Args:
        tab: ``todo`` or ``done``.
    """
    with db.transaction():
        return choices_soon(db, actor, tab)()


def nothing() -> Choices:
    """Return what a list offers that is not narrowed."""
    return Choices((), (), ())


def choices_soon(db: Database, actor: Actor, tab: str) -> Callable[[], Choices]:
    """Ask for ``choices`` with the next trip of the transaction that is open."""
    with db.transaction() as tx:
        rows = tx.soon(*_SQL[tab].by(actor))
        titles = titles_soon(tx, actor.groups)
    return lambda: _choices(rows(), titles(), actor)


def _choices(rows: Iterable[Mapping[str, Any]], titles: Mapping[str, str], actor: Actor) -> Choices:
    processes: dict[str, Label] = {}
    steps: dict[tuple[str, str], Label] = {}
    data: dict[str, Label] = {}
    for row in rows:  # the newest version first: it says what they are called now
        processes.setdefault(row["key"], row["names"])
        steps.setdefault((row["key"], row["step"]), row["name"])
        for field in row["summary"] or ():
            if not field["sensitive"]:
                data.setdefault(field["name"], field["label"])
    return Choices(
        list(processes.items()),
        [(key, step, name) for (key, step), name in steps.items()],
        sorted(((name, titles.get(name, name)) for name in actor.groups), key=lambda one: one[1]),
        list(data.items()),
    )
