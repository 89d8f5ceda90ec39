"""Work whose people have left: found at once by who manages it, and by nobody else."""

from __future__ import annotations

from app.errors import Conflict, Forbidden, NotFound
from app.task import queries, service
from app.task.unassigned import set_active
from tests.db.conftest import Lab
from tests.support import stored


def found(lab: Lab, by: str = "li") -> list[int]:
    page = queries.list_(lab.db, lab.office[by], unassigned=True, sort="id", now=lab.at)
    return [task["id"] for task in page.items]


def leave(lab: Lab, username: str, *, active: bool = False) -> int:
    gone = set_active(lab.engine, lab.office["root"], username, active=active, now=lab.at)
    return int(gone["tasks"])


def held(lab: Lab, username: str) -> int:
    task_id = lab.office.open_task()
    service.claim(lab.engine, lab.office[username], task_id, now=lab.at)
    return task_id


def test_tasks_of_who_has_left_wait_for_a_manager(lab: Lab) -> None:
    hers, his = held(lab, "mei"), held(lab, "wang")
    assert found(lab) == []
    assert leave(lab, "mei") == 1
    assert found(lab) == [hers]
    service.assign(lab.engine, lab.office["li"], hers, "wang", now=lab.at)
    assert found(lab) == []
    leave(lab, "wang")
    assert found(lab) == [hers, his]
    leave(lab, "wang", active=True)
    assert found(lab) == []


def test_what_is_offered_counts_once_all_of_them_have_left(lab: Lab) -> None:
    task_id = lab.office.open_task()
    leave(lab, "mei")
    assert found(lab) == []
    leave(lab, "wang")
    assert found(lab) == [task_id]


def test_managers_are_told_once_and_not_for_nothing(lab: Lab) -> None:
    for _ in range(3):
        held(lab, "mei")
    for username in ("stranger", "mei", "mei"):
        leave(lab, username)
    told = stored.rows(lab.db, "select username, event, text from notifications")
    assert [(row["username"], row["event"], row["text"]) for row in told] == [
        ("li", "unassigned", "Chen Mei · 3")
    ]
    assert stored.row(lab.db, "select auth_epoch as n from users where username = 'mei'")["n"] == 1


def test_who_may_not_and_who_is_not_there(lab: Lab) -> None:
    def close(by: str, username: str) -> None:
        set_active(lab.engine, lab.office[by], username, active=False, now=lab.at)

    lab.refused(Forbidden, lambda: close("li", "mei"))
    lab.refused(NotFound, lambda: close("root", "nobody"))
    lab.refused(Conflict, lambda: close("root", "root"))
    lab.refused(Forbidden, lambda: found(lab, "mei"))
