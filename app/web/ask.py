"""Questions before what cannot be undone: a dialog with htmx, a page of its own without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask import Response
from flask_babel import gettext

from app.errors import Invalid
from app.web import forms, respond

Kind = Literal["primary", "danger-fill"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something is done.

    Args:
        title: names the thing: ``Terminate “Order 17”?``.
        text: what will happen.
        action: word on the button that does it.
        url: where the answer goes.
        back_url, back_text: where the page without scripts leads back to.
        nav: entry of the navigation, see base.html.
        with_reason: whether there is a place for a reason.
    """

    title: str
    text: str
    action: str
    url: str
    back_url: str
    back_text: str
    nav: str
    kind: Kind = "primary"
    with_reason: bool = False


def ask(question: Question, error: Invalid | None = None) -> Response:
    """Ask; after an error again, with what was typed."""
    return respond.page(
        "ask.html",
        "ask_dialog.html",
        status=error.status if error else 200,
        question=question,
        nav=question.nav,
        reason=forms.text("reason"),
        reason_label=gettext("Reason"),
        problems=forms.problems(error),
    )


def reason() -> str | None:
    """Return the reason that was typed."""
    return forms.text("reason").strip() or None
