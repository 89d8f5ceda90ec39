"""``webhook`` steps: an HTTP request, and its answer as the result."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

from app.connector.base import BusinessError, ConnectorError, JobContext
from app.connector.http_call import Answer, Caller, Request
from app.connector.registry import Registry
from app.connector.signing import signed
from app.core import jsontext
from app.core.values import json_text, plain_text

MAX_HEADERS: Final = 16_384
"""Characters of a request's headers."""
_MAX_VALUE: Final = 1_000
_MESSAGE: Final = 300
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE: Final = re.compile(r"[\x20-\x7e\t]*")
_OURS: Final = re.compile(
    r"host|connection|content-length|transfer-encoding|accept-encoding|te|trailer|upgrade|expect"
    r"|keep-alive|proxy-.*|idempotency-key|webhook-(id|timestamp|signature)"
)
_KEPT: Final = (
    "content-type",
    "content-language",
    "date",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "x-request-id",
)
"""Headers of an answer that the process is given; what sets cookies is none of them."""


class Webhook:
    """Sends the requests of steps.

    Args:
        secret: what requests with ``sign: true`` are signed with; empty: none can be.
        clock: seconds since 1970.
    """

    def __init__(
        self, caller: Caller, secret: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self._caller = caller
        self._secret = secret
        self._clock = clock

    def call(self, given: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
        """Send it; return ``status``, ``headers`` and ``body``.

        Raises:
            BusinessError: what would be sent is wrong, or the remote refused it
                (``http_<status>``).
            ConnectorError: 5xx, 429 and everything that breaks on the way.
        """
        request = self._request(given, context)
        expected = given.get("expect")
        codes = expected if isinstance(expected, list) else [expected]

        def wanted(status: int) -> bool:
            return 200 <= status < 300 if expected is None else status in codes

        # Ours ends first, so that its own words are kept.
        timeout = context.timeout - min(1.0, context.timeout / 10)
        answer = self._caller.send(request, timeout=timeout, wanted=wanted)
        if not wanted(answer.status):
            raise self._refusal(answer)
        kept = {name: answer.headers[name][:_MAX_VALUE] for name in _KEPT if name in answer.headers}
        return {"status": answer.status, "headers": kept, "body": _value(answer)}

    def _request(self, given: Mapping[str, Any], context: JobContext) -> Request:
        url = given.get("url")
        if not isinstance(url, str):
            raise BusinessError("bad_url", "The url is no text.")
        headers = {"accept": "application/json, */*;q=0.5", "user-agent": "workflow-engine"}
        body = None
        if "body" in given:
            text = isinstance(given["body"], str)
            body = (given["body"] if text else json_text(given["body"])).encode()
            kind = "text/plain; charset=utf-8" if text else "application/json"
            headers["content-type"] = kind
        headers |= _headers(given.get("headers") or {})
        headers["idempotency-key"] = context.idempotency_key
        if given.get("sign"):
            headers |= self._signature(context, body or b"")
        return Request(given.get("method") or "POST", url, headers, body)

    def _signature(self, context: JobContext, body: bytes) -> dict[str, str]:
        if not self._secret:
            said = "There is nothing to sign with; set webhook.secret in the settings."
            raise BusinessError("no_secret", said)
        key, at = context.idempotency_key, int(self._clock())
        return signed(self._secret, key=key, at=at, body=body)

    def _refusal(self, answer: Answer) -> Exception:
        status, code = answer.status, f"http_{answer.status}"
        said = " ".join(answer.body.decode("utf-8", "replace").split())[:_MESSAGE]
        message = f"The answer has the status {status}" + (f": {said}" if said else ".")
        if status < 500 and status != 429:
            return BusinessError(code, message)
        asked = answer.headers.get("retry-after", "")
        return ConnectorError(code, message, retry_after=_seconds(asked, self._clock()))


def _headers(given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise BusinessError("bad_header", "The headers are no object.")
    made: dict[str, str] = {}
    for name, value in given.items():
        if value is None:
            continue
        lower = name.lower()
        if not _NAME.fullmatch(name) or _OURS.fullmatch(lower):
            raise BusinessError("bad_header", f"The header {name[:100]!r} cannot be set.")
        text = plain_text(value).strip()
        if not _VALUE.fullmatch(text):
            said = f"The header {name} holds what no header can: a line break, or not ASCII."
            raise BusinessError("bad_header", said)
        made[lower] = text
    if sum(len(name) + len(value) for name, value in made.items()) > MAX_HEADERS:
        raise BusinessError("bad_header", "The headers are longer than 16 KiB.")
    return made


def _value(answer: Answer) -> Any:
    """Return the body: JSON with exact numbers if it is that, else its text; null if empty."""
    text = answer.body.decode("utf-8", "replace")
    if not text:
        return None
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("application/json", "text/json") or kind.endswith("+json"):
        try:
            return jsontext.read(text).value
        except jsontext.JsonError:
            pass  # then it is a text like any other
    return text.replace("\0", "\ufffd")


def _seconds(asked: str, now: float) -> float | None:
    """Read ``Retry-After``: seconds, or a date (RFC 9110, 10.2.3)."""
    if asked.isascii() and asked.isdigit() and len(asked) < 10:
        return float(asked)
    try:
        at = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now)


def install(registry: Registry, webhook: Webhook) -> None:
    """Add this connector."""
    registry.register("webhook", "call", webhook.call)
