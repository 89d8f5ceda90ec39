"""The OpenAPI document as a judge of real answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from app.api.errors import PROBLEM

_DOCUMENT = "urn:openapi"
_STRANGERS = ("/api/v1/openapi.json",)


_FORMATS = FormatChecker(())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_utc(value: object) -> bool:
    return not isinstance(value, str) or (
        value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None
    )


_ANY = "*/*"
"""What the document says of an answer that is a file."""


def _pattern(path: str) -> str:
    """Return what an address of a path looks like: everything but a username is a number."""
    named = re.escape(path).replace(r"\{username\}", "[^/]+")
    return re.sub(r"\\\{\w+\\\}", "[0-9]{1,19}", named)


class Contract:
    """Compares answers with what the document promises.

    Args:
        document: of OpenAPI 3.1.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_DOCUMENT, resource)
        self._paths = [
            (re.compile(_pattern(path)), path, item) for path, item in document["paths"].items()
        ]
        self._judge = cache(self._make_judge)

    def check(self, method: str, path: str, status: int, content_type: str, text: str) -> None:
        """Fail unless the answer is one that the document promises.

        Args:
            path: without the query string.
        """
        if method in ("HEAD", "OPTIONS") or not path.startswith("/api/") or path in _STRANGERS:
            return
        where = self._where(method.lower(), path, status)
        kind, judge = self._judge(*where)
        if kind == _ANY:
            return
        if judge is None:
            assert text == "", f"{method} {path}: {status} promises no body"
            return
        assert content_type == kind, f"{method} {path}: {status} as {content_type}"
        wrong = "; ".join(_said(judge.iter_errors(json.loads(text))))
        assert not wrong, f"{method} {path}: {status} is not as documented: {wrong}"

    def _where(self, method: str, path: str, status: int) -> tuple[str, ...]:
        refused = "components", "schemas", "Problem"
        for pattern, name, item in self._paths:
            if pattern.fullmatch(path) and method in item:
                if str(status) in item[method]["responses"]:
                    return "paths", name, method, "responses", str(status)
                assert status >= 400, f"{method} {path}: {status} is not documented"
                return refused
        assert status >= 400, f"{method} {path} is not documented but answers {status}"
        return refused

    def _make_judge(self, *where: str) -> tuple[str, Draft202012Validator | None]:
        found: Any = self._registry.contents(_DOCUMENT)
        for part in where:
            found = found[part]
        kind = PROBLEM
        if where[0] == "paths":
            if "content" not in found:
                return "", None
            if _ANY in found["content"]:
                return _ANY, None
            kind = "application/json"
            where = (*where, "content", kind, "schema")
        pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in where)
        schema = {"$ref": f"{_DOCUMENT}#/{pointer}"}
        judge = Draft202012Validator(schema, registry=self._registry, format_checker=_FORMATS)
        return kind, judge


def _said(errors: Iterator[Any]) -> Iterator[str]:
    for error in errors:
        yield f"{error.json_path}: {error.message[:200]}"
