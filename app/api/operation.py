"""Endpoints as they are written here: what is read, checked and answered around each.

An operation's models check the request and make its part of the OpenAPI document, so the
two cannot disagree.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict

from app.api import bearer, binary, reading
from app.api.call import Answer, Call, engine, now
from app.api.errors import answered
from app.api.idempotency import once

BASE: Final = "/api/v1"
View = Callable[..., Answer]


class Nothing(BaseModel):
    """No members at all."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint.

    Args:
        name: unique, of the module and the function.
        rule: Flask's rule, below ``BASE``.
        methods: equivalent ones; the first is the documented one.
        summary: what it does, in a few words.
        permission: what it needs, in words of ``identity.permissions``; for the document.
        body: model of the request body; None: it must be empty, or an empty object.
        raw: model that documents a body which the use case reads itself, as text.
        query: model of the query string; None: no parameter is known.
        answers: model of each successful answer by status; None for an empty one.
        open: works without a token.
        changes: takes an ``Idempotency-Key``.
        guarded: takes an ``If-Match``.
        takes_file: the body is a file.
        description: one sentence more than the summary.
    """

    name: str
    rule: str
    methods: tuple[str, ...]
    summary: str
    tag: str
    permission: str = ""
    body: type[BaseModel] | None = None
    raw: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answers: Mapping[int, type[BaseModel] | None] = field(default_factory=dict)
    open: bool = False
    changes: bool = False
    guarded: bool = False
    takes_file: bool = False
    description: str = ""


class Operations:
    """The endpoints of one module, on one blueprint.

    Args:
        name: of the blueprint, without ``api_``.
        tag: heading in the document.
    """

    def __init__(self, name: str, tag: str) -> None:
        self.blueprint = Blueprint(f"api_{name}", __name__, url_prefix=BASE)
        self.tag = tag
        self.all: list[Operation] = []

    def add(
        self, methods: str | Sequence[str], rule: str, summary: str, **more: Any
    ) -> Callable[[View], View]:
        """Make the decorated function an endpoint.

        The function takes the call, then ``body`` and ``query`` if it has models for
        them, then the parameters of the rule.

        Args:
            methods: one or more equivalent HTTP methods.
            more: see ``Operation``.
        """
        listed = (methods,) if isinstance(methods, str) else tuple(methods)

        def register(view: View) -> View:
            more.setdefault("changes", listed[0] != "GET" and not more.get("open", False))
            operation = Operation(
                f"{self.blueprint.name.removeprefix('api_')}_{view.__name__}",
                rule,
                listed,
                summary,
                more.pop("tag", self.tag),
                description=inspect.cleandoc(view.__doc__ or ""),
                **more,
            )
            self.all.append(operation)
            self.blueprint.add_url_rule(
                rule, view.__name__, _handler(operation, view), methods=listed
            )
            return view

        return register


def _handler(operation: Operation, view: View) -> Callable[..., Response]:
    @answered
    def handle(**path: Any) -> Response:
        who = None if operation.open else bearer.actor()
        data = binary.file_body() if operation.takes_file else b""
        if operation.takes_file:
            text = hashlib.sha256(data).hexdigest()
        else:
            text = reading.body_text() if operation.methods[0] != "GET" else ""
        call = Call(engine(), now(), text, who, data)
        given = dict(path)
        if operation.query is not None:
            given["query"] = reading.query(operation.query)
        else:
            reading.query(None)
        if operation.body is not None:
            given["body"] = reading.body(operation.body, text)
        elif operation.raw is None and not operation.takes_file:
            reading.body(Nothing, text)

        def work() -> Response:
            return view(call, **given).response()

        return once(call, work) if operation.changes else work()

    return handle
