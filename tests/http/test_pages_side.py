"""Pages of asking others: the menu, the questions, the answers above the decision."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.task import queries
from app.task import service as tasks
from tests.support.office import NOW, Office
from tests.support.pages import Pages

Browser = Callable[[str | None], Pages]


@pytest.fixture
def task(office: Office) -> int:
    """A task that mei has claimed, to which people may be added."""
    made = office.open_task(amount=5)
    with office.db.transaction() as tx:
        tx.run("update tasks set allow = '{delegate,consult,add_signer,remove_signer,cc,assign}'")
    tasks.claim(office.engine, office["mei"], made, now=NOW)
    return made


def own(office: Office, by: str) -> int:
    (item,) = queries.inbox(office.db, office[by], "todo", now=NOW).items
    return int(item["id"])


def test_advice_is_asked_given_and_used(browser: Browser, office: Office, task: int) -> None:
    mei, stranger = browser("mei"), browser("stranger")
    page = mei.get(f"/tasks/{task}").ok().says("More", "Ask for advice", "Ask a question")
    assert f'href="/tasks/{task}/delegate"' in page.text
    mei.get(f"/tasks/{task}/delegate").ok().says("Ask for advice on “Approve”?")
    mei.post(f"/tasks/{task}/delegate", {"to": "mei"}).ok(422).says("You cannot ask yourself.")
    asked = {"to": "stranger", "reason": "Is it <b>cheap</b>?"}
    mei.post(f"/tasks/{task}/delegate", asked).goes_to(f"/tasks/{task}")
    mei.get(f"/tasks/{task}").ok().says(
        "Waiting for the advice of Some One", "Pull back", "No answer yet", "<b>cheap</b>"
    ).is_silent_about("Add a comment")
    mei.get("/inbox").ok().says("Waiting for Some One")
    stranger.get("/inbox").ok().says("Advice")
    advice = own(office, "stranger")
    page = stranger.get(f"/tasks/{advice}").ok()
    page.says("Chen Mei asks for your advice", "Your opinion", "Advise to approve", "comments")
    page = stranger.post(f"/tasks/{advice}/resolve", {"comment": "Hm", "f.amount": "3"}).ok(422)
    page.says("Say whether you approve")
    assert page.field("comment") == "Hm"
    given = {"outcome": "approve", "comment": "Cheap.", "f.amount": "3.50"}
    stranger.post(f"/tasks/{advice}/resolve", given).goes_to("/inbox")
    page = mei.get(f"/tasks/{task}").ok()
    page.says("Opinions", "Approves", "Cheap.", "Use these values", "3.5")
    page.says("Chen Mei asked Some One for advice on “Approve”")
    page.says("Some One advised to approve “Approve”")
    page = mei.get(f"/tasks/{task}?use={advice}").ok().says("The values that were proposed")
    assert 'value="3.50"' in page.control("f.amount")
    mei.post(f"/tasks/{task}/consult", {"users": "stranger", "reason": "And now?"})
    rows = browser("zhao").get("/requests").ok().text
    assert ("Chen Mei" in rows, "Some One" in rows) == (True, False)


def test_deciding_before_the_answer_asks_once(browser: Browser, office: Office, task: int) -> None:
    mei = browser("mei")
    mei.post(f"/tasks/{task}/consult", {"users": "stranger"}).ok(422).says("Say what you want")
    mei.post(f"/tasks/{task}/consult", {"users": "stranger", "reason": "How many?"})
    question = own(office, "stranger")
    browser("stranger").get(f"/tasks/{question}").ok().says("How many?", "Your answer")
    page = mei.get(f"/tasks/{task}").ok()
    assert 'data-confirm="Decide before Some One has answered?"' in page.text
    typed = {"f.approved": "true", "f.comments": "Fine.", "unanswered": "1"}
    page = mei.post(f"/tasks/{task}/complete", typed).ok()
    page.says("Decide before Some One has answered?")
    assert page.field("f.comments") == "Fine."
    mei.post(f"/tasks/{task}/complete?confirmed=done", typed).goes_to(f"/tasks/{task}/done")
    browser("stranger").get(f"/tasks/{question}").ok().says("This task was withdrawn")


def test_one_of_those_who_were_asked_is_taken_away(
    browser: Browser, office: Office, task: int
) -> None:
    mei, stranger = browser("mei"), browser("stranger")
    mei.post(f"/tasks/{task}/consult", {"users": "stranger", "reason": "How many?"})
    question = own(office, "stranger")
    page = mei.get(f"/tasks/{task}").ok().says("Withdraw the question")
    assert f'href="/tasks/{question}/recall?question=1"' in page.text
    page = mei.get(f"/tasks/{question}/recall?question=1").ok()
    page.says("Withdraw the question to Some One?")
    sent = mei.post(f"/tasks/{question}/recall?question=1", {"reason": "I know"})
    sent.goes_to(f"/tasks/{task}")
    mei.get(f"/tasks/{task}").ok().says(
        "The question is withdrawn.", "Chen Mei withdrew the question to Some One about “Approve”"
    ).is_silent_about("Opinions")
    stranger.get(f"/tasks/{question}").ok().says("This task was withdrawn")
    mei.post(f"/tasks/{task}/add-signer", {"users": "stranger", "position": "before"})
    page = mei.get(f"/tasks/{task}").ok().says("Waiting for Some One to sign first")
    assert f'href="/tasks/{task}/remove-signer?user=stranger"' in page.text
    mei.get(f"/tasks/{task}/remove-signer?user=stranger").ok().says(
        "Some One", "Nobody else is to sign first: the task is back with who has it."
    )
    mei.post(f"/tasks/{task}/remove-signer", {"user": "stranger"}).goes_to(f"/tasks/{task}")
    mei.get(f"/tasks/{task}").ok().says(
        "Chen Mei took Some One away from those who sign “Approve”", "Complete"
    )


def test_a_decision_waits_for_signatures(browser: Browser, office: Office, task: int) -> None:
    mei, stranger = browser("mei"), browser("stranger")
    typed = {"f.approved": "true", "f.comments": "Fine.", "comment": "Ok", "after": "nobody"}
    page = mei.post(f"/tasks/{task}/complete", typed).ok(422)
    page.says("There is nobody with the username nobody.")
    assert 'value="nobody"' in page.control("after")
    sent = typed | {"after": "stranger"}
    mei.post(f"/tasks/{task}/complete", sent).goes_to(f"/tasks/{task}")
    mei.get(f"/tasks/{task}").ok().says("Decided by Chen Mei, if all sign", "Fine.")
    sign = own(office, "stranger")
    page = stranger.get(f"/tasks/{sign}").ok()
    page.says("Chen Mei has decided and asks you to sign", "Fine.", "Do not sign")
    stranger.post(f"/tasks/{sign}/resolve", {"outcome": "approve"}).goes_to("/inbox")
    mei.get(f"/tasks/{task}").ok().says("Completed by Chen Mei", "Some One signed “Approve”")
