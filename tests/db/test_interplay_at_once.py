"""Two verbs in the same moment: one is done, the other is told why it came too late."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from app.errors import AppError
from app.task import service
from tests.db.conftest import Lab
from tests.db.test_interplay import (
    YES,
    act,
    begun,
    live,
    one,
    result,
    row,
    side,
    sign,
    together,
    vote,
)
from tests.db.test_seats import task_of
from tests.support import stored
from tests.support.threads import in_line


@pytest.fixture
def lab(real_lab: Lab) -> Lab:
    """Really committed: each thread has a connection of its own."""
    return real_lab


def codes(lab: Lab, instance: int, *calls: Any) -> list[str | None]:
    """Run the calls one behind the other; return why they were refused, None if they were not."""
    lock = f"select 1 from process_instances where id = {instance} for update"
    done = in_line(lab.db, lock, calls)
    stored.agrees(lab.db, instance)
    return [each.code if isinstance(each, AppError) else None for each in done]


def test_whoever_comes_second_is_told_why(lab: Lab) -> None:
    instance = together(lab, "mei", "li")
    vote(lab, instance, "mei")
    li = task_of(lab, instance, "li")
    back = partial(act, lab, "give_back", "li", li, "ask", comment="No")
    last = partial(act, lab, "complete", "li", li, YES)
    assert codes(lab, instance, back, last) == [None, "task_cancelled"]
    assert live(lab) == [("ask", "zhao")]
    act(lab, "complete", "zhao", lab.task(instance, "ask"), {})

    mei = task_of(lab, instance, "mei")
    act(lab, "delegate", "mei", mei, "wang")
    asked = side(lab, mei, "wang")
    answer = partial(act, lab, "resolve", "wang", asked, {}, outcome="approve")
    pull = partial(act, lab, "recall", "mei", mei)
    assert codes(lab, instance, answer, pull) == [None, "nothing_to_pull_back"]
    act(lab, "delegate", "mei", mei, "wang")
    answer = partial(act, lab, "resolve", "wang", side(lab, mei, "wang"), {}, outcome="approve")
    assert codes(lab, instance, pull, answer) == [None, "task_cancelled"]

    vote(lab, instance, "mei")
    undo = partial(act, lab, "recall", "mei", mei)
    last = partial(act, lab, "complete", "li", task_of(lab, instance, "li"), YES)
    assert codes(lab, instance, undo, last) == [None, None]
    assert live(lab) == [("sign", "mei")]
    done = partial(act, lab, "complete", "mei", mei, YES)
    give = partial(service.hand_over, lab.engine, lab.office["root"], "mei", "stranger", now=lab.at)
    assert codes(lab, instance, done, give) == [None, None]
    assert result(lab, instance) == "yes"


def test_a_recall_and_a_claim_of_what_follows(lab: Lab) -> None:
    follow = sign(id="two", assignee="finance_team")
    instance = begun(lab, sign("two", assignee="mei"), follow)
    task = lab.task(instance, "sign")
    act(lab, "complete", "mei", task, YES)
    two = lab.task(instance, "two")
    undo = partial(act, lab, "recall", "mei", task)
    take = partial(act, lab, "claim", "wang", two)
    assert codes(lab, instance, undo, take) == [None, "task_cancelled"]
    task = lab.task(instance, "sign")
    act(lab, "complete", "mei", task, YES)
    undo = partial(act, lab, "recall", "mei", task)
    take = partial(act, lab, "claim", "wang", lab.task(instance, "two"))
    assert codes(lab, instance, take, undo) == [None, "gone_on"]


def test_the_last_vote_is_taken_back_as_the_next_step_is_done(lab: Lab) -> None:
    follow = sign(id="two", assignee="zhao")
    instance = begun(lab, sign("two", assignees=["mei", "li", "wang"], mode="any"), follow)
    for first in ("undo", "done"):
        vote(lab, instance, "mei")
        undo = partial(act, lab, "recall", "mei", task_of(lab, instance, "mei"))
        done = partial(act, lab, "complete", "zhao", lab.task(instance, "two"), YES)
        if first == "undo":
            assert codes(lab, instance, undo, done) == [None, "task_cancelled"]
            assert live(lab) == [("sign", "mei"), ("sign", "li"), ("sign", "wang")]
        else:
            assert codes(lab, instance, done, undo) == [None, "instance_ended"]
    assert result(lab, instance) == "yes"


def test_a_signer_is_taken_away_or_signs(lab: Lab) -> None:
    for first in ("take", "sign"):
        task = one(lab)
        act(lab, "add_signer", "mei", task, ["wang"], "after", values=YES)
        answer = partial(act, lab, "resolve", "wang", side(lab, task, "wang"), {})
        answer = partial(answer, outcome="approve")
        take = partial(act, lab, "remove_signer", "mei", task, "wang")
        instance = row(lab, task)["instance_id"]
        if first == "take":
            assert codes(lab, instance, take, answer) == [None, "task_cancelled"]
        else:
            assert codes(lab, instance, answer, take) == [None, "instance_ended"]
        assert result(lab, instance) == "yes"
