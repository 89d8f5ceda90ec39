"""Comments, copies, reminders: who may, who is told, and what is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from app.history import queries as history
from app.notice import queries as notices
from app.runtime import listing, repair
from app.runtime import queries as instances
from app.task import comments, service
from tests.db.conftest import Lab
from tests.db.test_verbs_give import claimed, get, last_line, notes, set_active
from tests.support import stored
from tests.support.office import NOW

SOON = NOW + timedelta(minutes=4)
LATE = NOW + timedelta(minutes=6)


def say(lab: Lab, by: str, task_id: int, text: str, at: datetime = NOW) -> dict[str, Any]:
    return service.comment(lab.engine, lab.office[by], task_id, text, now=at)


def correct(
    lab: Lab, by: str, task_id: int, comment: int, text: str, at: datetime = SOON
) -> dict[str, Any]:
    return service.edit(lab.engine, lab.office[by], task_id, comment, text, now=at)


def read(lab: Lab, by: str, task_id: int, at: datetime = NOW) -> list[dict[str, Any]]:
    return comments.comments(lab.db, lab.office[by], task_id, now=at)


# --- comments -------------------------------------------------------------------------


def test_those_who_take_part_talk_about_a_task(lab: Lab) -> None:
    task_id = lab.office.open_task()
    made = [say(lab, by, task_id, f"from {by}")["id"] for by in ("mei", "zhao", "li")]
    seen = read(lab, "mei", task_id)
    assert [(each["id"], each["by"], each["text"]) for each in seen] == [
        (made[0], "mei", "from mei"),
        (made[1], "zhao", "from zhao"),
        (made[2], "li", "from li"),
    ]
    assert [each["may_edit"] for each in seen] == [True, False, False]
    assert get(lab, "wang", task_id)["comments"][1]["text"] == "from zhao"
    assert last_line(lab, task_id)["data"]["comment"] == "from li"
    stored.agrees(lab.db, get(lab, "root", task_id)["process_instance_id"])


def test_who_has_no_part_neither_reads_nor_writes(lab: Lab) -> None:
    task_id = lab.office.open_task()
    lab.refused(NotFound, lambda: say(lab, "stranger", task_id, "hello"))
    with pytest.raises(NotFound):
        read(lab, "stranger", task_id)


def test_who_only_has_a_copy_reads_and_does_not_write(lab: Lab) -> None:
    task_id = claimed(lab)
    copy(lab, "mei", task_id, ["stranger"])
    say(lab, "mei", task_id, "Between us.")
    assert [each["text"] for each in read(lab, "stranger", task_id)] == ["Between us."]
    error = lab.refused(Forbidden, lambda: say(lab, "stranger", task_id, "hello"))
    assert error.code == "not_a_participant"
    assert get(lab, "stranger", task_id)["allowed"] == ["remind"]


def test_whoever_decided_another_step_goes_on_talking(lab: Lab) -> None:
    task_id = lab.office.open_task()
    instance = get(lab, "root", task_id)["process_instance_id"]
    lab.complete(instance, "approve", approved=True)
    pay = lab.task(instance, "pay")
    assert say(lab, "mei", pay, "It was me.")["text"] == "It was me."
    assert say(lab, "mei", task_id, "And here.")["text"] == "And here."


@pytest.mark.parametrize(
    ("verb", "code"), [("suspend", "instance_suspended"), ("terminate", "instance_ended")]
)
def test_nothing_is_said_where_nothing_runs(lab: Lab, verb: str, code: str) -> None:
    task_id = lab.office.open_task()
    lab.operate(verb, get(lab, "root", task_id)["process_instance_id"], reason="x")
    error = lab.refused(Conflict, lambda: say(lab, "zhao", task_id, "hello"))
    assert error.code == code


@pytest.mark.parametrize(
    ("text", "code"), [("  ", "required"), ("x" * 10_001, "too_long"), ("a\0b", "bad_text")]
)
def test_a_comment_that_cannot_be_kept_is_refused(lab: Lab, text: str, code: str) -> None:
    task_id = lab.office.open_task()
    error = lab.refused(Invalid, lambda: say(lab, "mei", task_id, text))
    assert [(each.field, each.code) for each in error.errors] == [("text", code)]


def test_who_is_mentioned_and_may_see_it_is_told_once(lab: Lab) -> None:
    task_id = lab.office.open_task()
    text = "@wang. @Wang, @zhao请看; @stranger @nobody me@li @mei"
    assert say(lab, "mei", task_id, text)["mentions"] == ["wang", "zhao"]
    assert notes(lab) == [("wang", "mentioned", "mei"), ("zhao", "mentioned", "mei")]


def test_somebody_inactive_is_not_told(lab: Lab) -> None:
    task_id = lab.office.open_task()
    set_active(lab, "wang")
    assert say(lab, "mei", task_id, "@wang")["mentions"] == []


def test_a_comment_mentions_twenty_people_at_most(lab: Lab) -> None:
    task_id = lab.office.open_task()
    text = " ".join(f"@p{number}" for number in range(21))
    error = lab.refused(Invalid, lambda: say(lab, "mei", task_id, text))
    assert [each.code for each in error.errors] == ["too_long"]


def test_a_comment_is_corrected_and_both_are_kept(lab: Lab) -> None:
    task_id = lab.office.open_task()
    made = say(lab, "mei", task_id, "To much, @wang")["id"]
    say(lab, "zhao", task_id, "What?")
    assert correct(lab, "mei", task_id, made, "Too much, @wang @zhao")["edited_at"] == SOON
    correct(lab, "mei", task_id, made, "Far too much")
    first, second = read(lab, "mei", task_id)
    assert (first["text"], first["at"], first["edited_at"]) == ("Far too much", NOW, SOON)
    assert [each["text"] for each in first["earlier"]] == [
        "To much, @wang",
        "Too much, @wang @zhao",
    ]
    assert second["text"] == "What?"
    assert [each[0] for each in notes(lab)] == ["wang", "zhao"]
    lines = history.events(
        lab.db, lab.office["mei"], get(lab, "mei", task_id)["process_instance_id"]
    )
    said = [each["data"]["comment"] for each in lines if each["kind"].startswith("task.comment")]
    assert said == ["To much, @wang", "What?", "Too much, @wang @zhao", "Far too much"]


def test_correcting_nothing_writes_nothing(lab: Lab) -> None:
    task_id = lab.office.open_task()
    made = say(lab, "mei", task_id, "Fine")["id"]
    before = stored.everything(lab.db)
    assert correct(lab, "mei", task_id, made, " Fine ")["edited_at"] is None
    assert stored.everything(lab.db) == before


def test_a_comment_is_corrected_by_its_writer_and_soon(lab: Lab) -> None:
    task_id, other = lab.office.open_task(), lab.office.open_task()
    made = say(lab, "mei", task_id, "Fine")["id"]
    error = lab.refused(Forbidden, lambda: correct(lab, "wang", task_id, made, "Bad"))
    assert error.code == "not_your_comment"
    error = lab.refused(Conflict, lambda: correct(lab, "mei", task_id, made, "Bad", LATE))
    assert error.code == "too_late"
    assert [each["may_edit"] for each in read(lab, "mei", task_id, LATE)] == [False]
    lab.refused(NotFound, lambda: correct(lab, "mei", task_id, made + 1, "Bad"))
    lab.refused(NotFound, lambda: correct(lab, "mei", other, made, "Bad"))


def test_whose_task_is_ended_by_force_is_told(lab: Lab) -> None:
    ended, skipped = claimed(lab), claimed(lab)
    instances = [get(lab, "root", each)["process_instance_id"] for each in (ended, skipped)]
    lab.operate("terminate", instances[0], reason="Mistake")
    (token,) = stored.state_of(lab.db, instances[1]).tokens
    repair.skip(lab.engine, lab.office["li"], instances[1], token.id, outcome="pay", now=NOW)
    told = [each for each in notes(lab) if each[0] == "mei"]
    assert [each[1] for each in told] == ["withdrawn", "withdrawn"]


# --- copies ---------------------------------------------------------------------------


def copy(lab: Lab, by: str, task_id: int, users: list[str], **more: Any) -> dict[str, Any]:
    return service.copy(lab.engine, lab.office[by], task_id, users, now=NOW, **more)


def readers(lab: Lab) -> list[tuple[str, str, str]]:
    found = stored.rows(lab.db, "select step, username, actor from copies order by id")
    return [(each["step"], each["username"], each["actor"]) for each in found]


def test_a_copy_lets_somebody_read_this_instance_only(lab: Lab) -> None:
    task_id, other = claimed(lab), claimed(lab)
    instance = get(lab, "mei", task_id)["process_instance_id"]
    copy(lab, "mei", task_id, ["stranger"], comment="for your books")
    who = lab.office["stranger"]
    assert get(lab, "stranger", task_id)["id"] == task_id
    assert instances.get(lab.db, who, instance, now=NOW)["id"] == instance
    assert history.events(lab.db, who, instance)
    assert [each["id"] for each in listing.list_(lab.db, who).items] == [instance]
    assert [each["id"] for each in listing.list_(lab.db, who, business_key="R-1").items] == [
        instance
    ]
    with pytest.raises(NotFound):
        get(lab, "stranger", other)
    assert notes(lab) == [("stranger", "copied", "mei")]
    (shown,) = notices.copies(lab.db, who).items
    assert (shown["process_instance_id"], shown["by"]) == (instance, "mei")
    assert (shown["comment"], shown["read_at"]) == ("for your books", None)


def test_nobody_gets_two_copies_of_a_step(lab: Lab) -> None:
    task_id = claimed(lab)
    copy(lab, "mei", task_id, ["zhao"])
    copy(lab, "mei", task_id, ["zhao", "wang", "wang", "mei"])
    assert last_line(lab, task_id)["data"]["users"] == ["wang"]
    error = lab.refused(Invalid, lambda: copy(lab, "mei", task_id, ["wang", "zhao"]))
    assert {each.code for each in error.errors} == {"has_a_copy"}
    assert readers(lab) == [("approve", "zhao", "mei"), ("approve", "wang", "mei")]
    assert [each[0] for each in notes(lab)] == ["zhao", "wang"]


def test_a_copy_stays_when_the_instance_goes_on_or_ends(lab: Lab) -> None:
    task_id = claimed(lab)
    copy(lab, "mei", task_id, ["stranger"])
    instance = get(lab, "mei", task_id)["process_instance_id"]
    lab.complete(instance, "approve", approved=False)
    lab.operate("terminate", instance, reason="x")
    assert get(lab, "stranger", task_id)["instance_status"] == "terminated"


def test_only_who_has_a_task_copies_it(lab: Lab) -> None:
    task_id = lab.office.open_task()
    error = lab.refused(Conflict, lambda: copy(lab, "mei", task_id, ["wang"]))
    assert error.code == "not_yours_yet"
    service.claim(lab.engine, lab.office["mei"], task_id, now=NOW)
    error = lab.refused(Forbidden, lambda: copy(lab, "zhao", task_id, ["wang"]))
    assert error.code == "not_a_candidate"


def test_all_who_cannot_get_a_copy_are_named(lab: Lab) -> None:
    task_id = claimed(lab)
    set_active(lab, "wang")
    error = lab.refused(Invalid, lambda: copy(lab, "mei", task_id, ["nobody", "li", "wang"]))
    assert [(each.field, each.code) for each in error.errors] == [
        ("users", "unknown_name"),
        ("users", "inactive"),
    ]
    for none in ([], ["mei"], [" "]):
        error = lab.refused(Invalid, lambda users=none: copy(lab, "mei", task_id, users))
        assert [each.code for each in error.errors] == ["required"]


def complete(lab: Lab, task_id: int, cc: list[str]) -> Any:
    values = {"approved": True}
    return service.complete(
        lab.engine, lab.office["mei"], task_id, values, comment="Fine", cc=cc, now=NOW
    )


def test_a_task_is_copied_as_it_is_completed(lab: Lab) -> None:
    task_id = lab.office.open_task()
    complete(lab, task_id, ["stranger"])
    assert readers(lab) == [("approve", "stranger", "mei")]
    kinds = [
        line["kind"]
        for line in history.events(
            lab.db, lab.office["stranger"], get(lab, "mei", task_id)["process_instance_id"]
        )
        if line["kind"].startswith("task.")
    ]
    assert kinds == ["task.opened", "task.claimed", "task.copied", "task.completed", "task.opened"]
    stored.agrees(lab.db, get(lab, "mei", task_id)["process_instance_id"])


def test_a_completion_with_an_unknown_reader_completes_nothing(lab: Lab) -> None:
    task_id = lab.office.open_task()
    error = lab.refused(Invalid, lambda: complete(lab, task_id, ["nobody"]))
    assert [(each.field, each.code) for each in error.errors] == [("cc", "unknown_name")]


def test_a_step_copies_to_people_and_groups_by_itself(lab: Lab) -> None:
    config = {"assignee": "mei", "cc": ["${initiator.username}", "stranger", "sales", "gone"]}
    lab.define({"id": "work", "type": "user_task", "config": config})
    instance = lab.start(by="li")
    assert readers(lab) == [
        ("work", "li", "li"),
        ("work", "stranger", "li"),
        ("work", "zhao", "li"),
    ]
    assert ("task.copied", "work") in stored.lines(lab.db, instance)
    assert sorted(notes(lab)) == [
        ("mei", "task", "li"),
        ("stranger", "copied", "li"),
        ("zhao", "copied", "li"),
    ]
    stored.agrees(lab.db, instance)


def test_a_step_that_allows_no_copies_takes_none_at_its_completion(lab: Lab) -> None:
    lab.define({"id": "work", "type": "user_task", "config": {"assignee": "mei", "allow": []}})
    task_id = lab.task(lab.start(), "work")
    error = lab.refused(
        Invalid,
        lambda: service.complete(lab.engine, lab.office["mei"], task_id, {}, cc=["zhao"], now=NOW),
    )
    assert [(each.field, each.code) for each in error.errors] == [("cc", "no_choice")]


# --- reminders ------------------------------------------------------------------------


def remind(lab: Lab, by: str, task_id: int, at: datetime = NOW, **more: Any) -> dict[str, Any]:
    return service.remind(lab.engine, lab.office[by], task_id, now=at, **more)


def test_who_started_it_reminds_who_has_it(lab: Lab) -> None:
    task_id = claimed(lab)
    done = remind(lab, "zhao", task_id, comment="Today, please")
    assert (done["reminders"], done["reminded_at"]) == (1, NOW)
    assert notes(lab) == [("mei", "reminded", "zhao")]
    assert last_line(lab, task_id)["kind"] == "task.reminded"
    shown = get(lab, "mei", task_id)
    assert (shown["reminders"], shown["reminded_at"]) == (1, NOW)


def test_where_nobody_has_it_everyone_it_was_offered_to_is_reminded(lab: Lab) -> None:
    remind(lab, "zhao", lab.office.open_task())
    assert sorted(notes(lab)) == [("mei", "reminded", "zhao"), ("wang", "reminded", "zhao")]


def test_a_task_is_reminded_of_once_in_four_hours(lab: Lab) -> None:
    task_id = claimed(lab)
    remind(lab, "zhao", task_id)
    early = NOW + timedelta(hours=3, minutes=59)
    for by in ("zhao", "li"):
        error = lab.refused(TooMany, lambda who=by: remind(lab, who, task_id, early))
        assert error.extra == {"again_at": "2026-03-02T13:00:00Z", "retry_after": 60}
        assert str(error).endswith("You can do it again in 1 min.")
    assert remind(lab, "li", task_id, NOW + timedelta(hours=4))["reminders"] == 2
    assert remind(lab, "zhao", claimed(lab), early)["reminders"] == 1


def test_whoever_reads_it_reminds_but_not_of_what_they_could_do_themselves(lab: Lab) -> None:
    task_id = lab.office.open_task()
    assert "remind" not in get(lab, "wang", task_id)["allowed"]
    error = lab.refused(Conflict, lambda: remind(lab, "wang", task_id))
    assert error.code == "yours"
    service.claim(lab.engine, lab.office["mei"], task_id, now=NOW)
    assert "remind" in get(lab, "wang", task_id)["allowed"]
    copy(lab, "mei", task_id, ["stranger"])
    assert remind(lab, "stranger", task_id)["reminders"] == 1
    service.assign(lab.engine, lab.office["li"], task_id, "zhao", now=NOW)
    error = lab.refused(Conflict, lambda: remind(lab, "zhao", task_id))
    assert error.code == "yours"
