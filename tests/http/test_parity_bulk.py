"""One decision, alone and with others, by page and by REST: the same rows in every table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.http.test_parity import filled, things
from tests.support import stored
from tests.support.acts import Things
from tests.support.office import Office
from tests.support.pages import Pages
from tests.support.rest import Rest

__all__ = ["things"]

Browser = Callable[[str | None], Pages]

DECIDED: dict[str, list[tuple[str, str, Any]]] = {
    "by a yes": [
        (
            "page",
            "/tasks/{task}/complete",
            {"f.approved": "true", "f.comments": "", "f.amount": "7", "comment": "Yes"},
        ),
        (
            "PUT",
            "/tasks/{task}/complete",
            {"variables": {"approved": True, "comments": None, "amount": 7}, "comment": "Yes"},
        ),
        ("page", "/inbox/bulk/complete", {"ids": ["{task}"], "outcome": "true", "comment": "Yes"}),
        (
            "POST",
            "/tasks/batch",
            {"action": "complete", "ids": ["{task}"], "outcome": "true", "comment": "Yes"},
        ),
    ],
    "by an outcome": [
        ("page", "/tasks/{choice}/complete", {"f.note": "", "outcome": "right"}),
        ("PUT", "/tasks/{choice}/complete", {"variables": {"note": None}, "outcome": "right"}),
        ("page", "/inbox/bulk/complete", {"ids": ["{choice}"], "outcome": "right"}),
        (
            "POST",
            "/tasks/batch",
            {"action": "complete", "ids": ["{choice}"], "outcome": "right"},
        ),
    ],
}


@pytest.mark.parametrize("name", sorted(DECIDED))
def test_one_decision_leaves_the_same_rows_alone_and_with_others_by_both_doors(
    office: Office, browser: Browser, rest: Rest, things: Things, name: str
) -> None:
    pages = browser("mei")
    pages.get("/profile").ok()
    rest("mei", "GET", "/auth/me").ok()
    before, left = stored.comparable(office.db), []
    for method, path, sent in DECIDED[name]:
        at, body = path.format(**things), filled(sent, things)
        with stored.taken_back(office.db):
            if method == "page":
                assert pages.post(at, body).status == 303
            else:
                assert rest("mei", method, at, body).ok().get("failed", 0) == 0
            left.append(stored.comparable(office.db))
    assert left[0] != before
    assert left == [left[0]] * len(left)
