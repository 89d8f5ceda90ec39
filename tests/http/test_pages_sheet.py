"""The print sheet of an instance: what it holds, for whom, and the hash that covers it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from app.definition.sensitive import MASK
from app.history import seal
from app.runtime.sheet import sheet
from app.task import service as tasks
from tests.support.office import NOW, Office
from tests.support.pages import Pages
from tests.support.stored import row

Browser = Callable[..., Pages]


def decided(office: Office) -> int:
    """Return an instance in which mei has decided."""
    instance = office.start(amount=Decimal("1250.50"), purpose="Chairs", salary=9)
    task = office.task_of(instance, "approve")
    values = {"approved": False, "comments": "Two <lines>\nof words", "amount": 12}
    tasks.complete(office.engine, office["mei"], task, values, comment="Too many", now=NOW)
    return instance


def test_holds_values_decisions_comments_and_the_hash(browser: Browser, office: Office) -> None:
    instance = decided(office)
    page = browser("zhao").get(f"/instances/{instance}/sheet").ok()
    page.says("Request 1.0.0", "R-1", "Zhao Min", "Purpose Chairs", "Approve Chen Mei")
    page.says("approved No comments Two <lines> of words amount 12 Too many", MASK)
    page.says("Approve: claimed", "Made for Zhao Min")
    kept = row(office.db, "select * from process_instances where id = %(id)s", id=instance)
    page.says(bytes(kept["history_hash"]).hex(), f"The history has {kept['history_seq']} entries")
    page.is_silent_about("was changed after")


def test_who_may_not_see_the_instance_gets_no_sheet(browser: Browser, office: Office) -> None:
    instance = decided(office)
    browser("stranger").get(f"/instances/{instance}/sheet").ok(404)
    browser("mei").get(f"/instances/{instance}/sheet").ok()


def test_says_so_when_the_history_was_changed(browser: Browser, office: Office) -> None:
    instance = decided(office)
    with office.db.transaction() as tx:
        tx.run("alter table history_events disable trigger history_append_only")
        tx.run("update history_events set actor = 'li' where seq = 2")
    page = browser("li").get(f"/instances/{instance}/sheet").ok()
    page.says("The history was changed after it was written, from entry 2 on.")
    page.is_silent_about("as they were written")


def test_its_hash_is_that_of_the_last_line_on_it(office: Office) -> None:
    found = sheet(office.engine, office["zhao"], decided(office), now=NOW)
    assert found.lines[-1]["hash"] == found.seal.hash
    assert found.lines[-1]["seq"] == found.seal.rows
    assert found.seal.broken is None


def test_the_instance_leads_to_its_sheet(browser: Browser, office: Office) -> None:
    instance = decided(office)
    page = browser("zhao").get(f"/instances/{instance}").ok()
    assert f'href="/instances/{instance}/sheet"' in page.text


def test_an_instance_that_is_none_has_no_head(office: Office) -> None:
    with office.db.transaction() as tx:
        assert seal.head(tx, 999_999) is None
