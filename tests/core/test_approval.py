"""What decides by rule, which rules hold for a step, and when the clock of a task is looked at."""

from datetime import timedelta

import pytest

from app.core import approval, reminding
from app.core.effects import OpenTask
from tests.support.scenario import MONDAY, all_at_once, define, end, person, started

OK = {"form": {"ok": "boolean"}}


def only(**config):
    return define(person("a", "e", **config), end("e")).by_id["a"]


@pytest.mark.parametrize(
    ("config", "yes", "no"),
    [
        (OK, ({"ok": True}, None), ({"ok": False}, None)),
        ({"outcomes": [{"id": "go"}, {"id": "no"}]}, ({}, "go"), ({}, "no")),
        (
            {"outcomes": [{"id": "stop", "style": "danger"}, {"id": "go"}, {"id": "ask"}]},
            ({}, "go"),
            ({}, "stop"),
        ),
        ({"outcomes": [{"id": "done"}]}, ({}, "done"), None),
        ({"form": {"a": "boolean", "b": "boolean"}}, None, None),
        ({"form": {"a": {"type": "boolean", "read_only": True}}}, None, None),
    ],
)
def test_a_rule_decides_as_a_person_could(config, yes, no):
    asked = only(**config)
    assert approval.automatic(asked, approve=True) == yes
    assert approval.automatic(asked, approve=False) == no


def test_words_of_an_outcome():
    assert approval.by_word(only(**OK), "false") == ({"ok": False}, None)
    assert approval.by_word(only(**OK), "no") is None
    assert approval.by_word(only(outcomes=[{"id": "no"}]), "no") == ({}, "no")


def test_a_step_comes_before_the_settings():
    settings = {"approval": {"self_approval": "forbid", "empty_assignee": "incident"}}
    asked = define(
        person("a", "b", **OK, approval={"self_approval": "allow"}),
        person("b", "c", **OK),
        person("c", "d", form={"note": "text"}),
        person("d", assignee="${ initiator.username }", **OK),
        settings=settings,
    ).by_id
    rest = {"empty_assignee": "incident"}
    assert approval.rules_of(asked["a"]) == rest
    assert approval.rules_of(asked["b"]) == {"self_approval": "forbid", **rest}
    assert approval.rules_of(asked["c"]) == rest
    assert approval.rules_of(asked["d"]) == rest


def opened(played, step_id):
    (task,) = (
        effect
        for effect in played.effects
        if isinstance(effect, OpenTask) and effect.step == step_id
    )
    return task.approval


def test_a_step_beside_is_not_on_the_way():
    definition = define(
        all_at_once("split", "a", "b"),
        person("a", "a2", **OK, assignee="li"),
        person("a2", **OK, assignee="li"),
        person("b", "b2", **OK, assignee="mei"),
        person("b2", **OK, assignee="mei"),
        settings={"approval": {"duplicate_approver": "auto_approve_consecutive"}},
    )
    played = started(definition)
    played.answer("a", by="li", values={"ok": True})
    played.answer("b", by="mei", values={"ok": True})
    assert opened(played, "a2") == {"approved_before": ["li"]}
    assert opened(played, "b2") == {"approved_before": ["mei"]}


def clock(**config):
    return only(due_date="2h", **OK, **config)


HOUR = timedelta(hours=1)
DUE = MONDAY + 2 * HOUR


def test_the_first_look_passes_over_what_was_before_the_task():
    late = {"action": "notify", "after": "1h"}
    asked = clock(reminders=["-3h", "-1h", "+1d"], on_overdue=late)
    assert reminding.first(asked, DUE, MONDAY) == MONDAY + HOUR
    assert reminding.first(asked, DUE, MONDAY + 9 * HOUR) == DUE + HOUR
    assert reminding.first(asked, None, MONDAY) is None
    assert reminding.first(clock(), DUE, MONDAY) is None


def test_what_is_reached_between_two_looks():
    asked = clock(reminders=["-1h", "0s"], on_overdue={"action": "notify"})
    found = reminding.reached(asked, DUE, DUE - HOUR, DUE)
    assert [mark.text for mark in found] == ["-1h", "0s", None]
    assert reminding.following(asked, DUE, DUE - 2 * HOUR) == DUE - HOUR
    assert reminding.following(asked, DUE, DUE) is None
