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
class Choice:
    """Something that is chosen with the answer.

    Args:
        name: of the control, and of the field that errors name.
        options: ``(value, text)`` pairs.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Who:
    """People who are named with the answer, by their usernames.

    Args:
        name: of the control, and of the field that errors name; ``users`` takes several.
    """

    name: str
    label: str
    help: str | None = None

    @property
    def many(self) -> bool:
        """Whether several may be named, with commas between them."""
        return self.name == "users"


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
        reason_text: what that place is called, if it is for something else.
        choice: what else has to be said.
        needs_reason: whether it cannot be left empty.
        choice, second: what else has to be said.
        who: people who have to be named.
        details: what will happen in detail, a sentence each.
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
    reason_text: str | None = None
    needs_reason: bool = False
    choice: Choice | None = None
    second: Choice | None = None
    who: tuple[Who, ...] = ()
    details: tuple[str, ...] = ()


def ask(question: Question, error: Invalid | None = None) -> Response:
    """Ask; after an error again, with what was typed."""
    return respond.page(
        "ask.html",
        "ask_dialog.html",
        status=error.status if error else 200,
        question=question,
        nav=question.nav,
        reason=forms.text("reason"),
        reason_label=question.reason_text or gettext("Reason"),
        chosen=forms.text(question.choice.name) if question.choice else "",
        seconded=forms.text(question.second.name) if question.second else "",
        labels={
            "reason": question.reason_text or gettext("Reason"),
            **{each.name: each.label for each in (question.choice, question.second) if each},
            **{each.name: each.label for each in question.who},
        },
        named={each.name: forms.text(each.name) for each in question.who},
        problems=forms.problems(error),
    )


def reason() -> str | None:
    """Return the reason that was typed."""
    return forms.text("reason").strip() or None
