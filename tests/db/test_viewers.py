"""Whoever a definition names among its viewers reads its instances and reminds, no more."""

from __future__ import annotations

import pytest

from app.errors import Conflict, Forbidden, NotFound
from app.history import queries as history
from app.identity.actor import Actor
from app.identity.service import actor_by_id
from app.runtime import queries as instances
from app.task import bulk, comments, service
from app.task.queries import get, of_instance
from tests.db.conftest import Lab
from tests.db.test_rules import person
from tests.support.office import NOW


def looked_up(lab: Lab, username: str) -> Actor:
    """Return a person as a request does."""
    found = actor_by_id(lab.db, lab.office[username].id, now=NOW)
    assert found is not None
    return found


@pytest.mark.parametrize("named", [["stranger"], ["user:stranger", "nobody_yet"]])
def test_a_viewer_reads_and_reminds(lab: Lab, named: list[str]) -> None:
    lab.define(person("check", "mei"), settings={"viewers": named})
    lab.define(person("check", "mei"), key="other")
    shown, hidden = lab.start(), lab.start("other")
    viewer = looked_up(lab, "stranger")
    assert viewer.views
    assert not looked_up(lab, "li").views
    assert [row["id"] for row in instances.list_(lab.db, viewer).items] == [shown]
    assert [row["id"] for row in instances.list_(lab.db, viewer, business_key="?").items] == []
    assert [row["key"] for row in instances.viewed_processes(lab.db, viewer)] == ["own"]
    assert instances.get(lab.db, viewer, shown, now=NOW)["id"] == shown
    assert list(history.events(lab.db, viewer, shown))
    with pytest.raises(NotFound):
        instances.get(lab.db, viewer, hidden, now=NOW)

    (task,) = of_instance(lab.db, viewer, shown, now=NOW)
    assert get(lab.db, viewer, task["id"], now=NOW)["allowed"] == ["remind"]
    (offer,) = bulk.waiting(lab.engine, viewer, [shown, hidden], now=NOW)
    assert (offer.id, offer.problem) == (task["id"], None)
    assert service.remind(lab.engine, viewer, task["id"], now=NOW)["reminders"] == 1
    with pytest.raises(NotFound):
        get(lab.db, viewer, lab.task(hidden, "check"), now=NOW)


def test_a_viewer_neither_decides_nor_talks_nor_ends_it(lab: Lab) -> None:
    lab.define(person("check", "mei"), settings={"viewers": ["stranger"]})
    task = lab.task(instance := lab.start(), "check")
    viewer = looked_up(lab, "stranger")
    lab.refused(Forbidden, lambda: service.complete(lab.engine, viewer, task, {}, now=NOW))
    lab.refused(Forbidden, lambda: service.comment(lab.engine, viewer, task, "hello", now=NOW))
    lab.refused(Forbidden, lambda: lab.operate("suspend", instance, by="stranger"))
    assert comments.comments(lab.db, viewer, task, now=NOW) == []
    service.remind(lab.engine, viewer, task, now=NOW)
    lab.complete(instance, "check", ok=True)
    with pytest.raises((Conflict, Forbidden)):
        service.remind(lab.engine, viewer, task, now=NOW)


def test_each_version_says_it_of_its_own_instances(lab: Lab) -> None:
    lab.define(person("check", "mei"))
    before = lab.start()
    lab.define(person("check", "mei"), settings={"viewers": ["finance_team"]}, version="2")
    after = lab.start()
    member = looked_up(lab, "mei")
    assert member.views
    lab.complete(before, "check", ok=True)
    found = [row["id"] for row in instances.list_(lab.db, member).items]
    assert found == [after, before]  # the first by having decided it


def test_who_transferred_a_task_reads_the_history_too(lab: Lab) -> None:
    lab.define(person("check", "zhao"))
    task = lab.task(instance := lab.start(by="wang"), "check")
    service.transfer(lab.engine, lab.office["zhao"], task, "mei", now=NOW)
    assert history.events(lab.db, lab.office["zhao"], instance)[-1]["kind"] == "task.transferred"
