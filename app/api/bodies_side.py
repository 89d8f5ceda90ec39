"""What requests hold that ask others, or answer: advice, questions, signatures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.api.bodies_asked import Answered
from app.api.bodies_verbs import Usernames
from app.api.payloads import Comment, Request, ShortText, Variables


class AskAdvice(Request):
    """Whose advice is wanted, and on what."""

    to: ShortText = Field(description="A username.")
    comment: Comment | None = None


class AskQuestion(Request):
    """Who is asked, and what."""

    users: Usernames
    comment: Comment | None = Field(default=None, description="The question.")


class AddSigner(Request):
    """Who else decides it, and when; after the holder with the holder's decision."""

    users: Usernames
    position: Literal["parallel", "before", "after"] = Field(
        default="parallel", description="parallel: beside the others, with a seat of their own."
    )
    comment: Comment | None = None
    variables: Variables = Field(
        default_factory=dict, description="The decision: what the form holds; only with after."
    )
    outcome: ShortText | None = Field(default=None, description="As complete takes it.")
    cc: Usernames = Field(default_factory=list)


class RemoveSigner(Request):
    """Whose seat is taken away, and why."""

    user: ShortText = Field(description="A username.")
    comment: Comment | None = None


class Resolve(Request):
    """An opinion, an answer or a signature."""

    outcome: Answered | None = Field(default=None, description="Nothing to a question.")
    comment: Comment | None = Field(default=None, description="To a question the answer.")
    variables: Variables = Field(
        default_factory=dict, description="Values that are proposed, where advice is wanted."
    )
