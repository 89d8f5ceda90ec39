"""``Idempotency-Key``: the first answer again, for a day, and the work done once.

The answer is stored in the same transaction as the work: use cases join the one that is
opened here. A refusal's work is taken back to a savepoint before the refusal is stored.
A 5xx is never stored: the caller may try again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final

from flask import Response, request

from app.api.call import Call
from app.api.errors import answer_error
from app.db import idempotency
from app.db.idempotency import Kept, Slot
from app.db.tx import Tx
from app.errors import AppError, Conflict, Invalid, Malformed

HEADER: Final = "Idempotency-Key"
PATTERN: Final = r"^[\x21-\x7e]{1,255}$"
_KEY: Final = re.compile(PATTERN[1:-1])
_KEPT_HEADERS: Final = ("Content-Type", "Location", "ETag")


def is_keyed() -> bool:
    """Say whether the request has a key, so that all its work is one transaction."""
    return HEADER in request.headers


def once(call: Call, work: Callable[[], Response]) -> Response:
    """Do ``work``, or give the answer that it gave before under the same key.

    Raises:
        Malformed: the key is no printable ASCII of 1 to 255 characters.
        Invalid: code ``key_reused``: the key came with another body before.
        Conflict: code ``in_progress``: the first request is still running.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return work()
    if not _KEY.fullmatch(key):
        raise Malformed(
            "bad_idempotency_key",
            "Idempotency-Key must be 1 to 255 printable ASCII characters without spaces.",
        )
    slot = Slot(call.actor.id, request.method, request.path, key)
    asked = f"{request.query_string.decode('latin-1')}\n{call.text}"  # parameters count as body
    body_hash = hashlib.sha256(asked.encode()).digest()
    with call.db.transaction() as tx:
        if not idempotency.try_lock(tx, slot):
            raise Conflict(
                "in_progress",
                "A request with this Idempotency-Key is still running; repeat it in a moment.",
            )
        kept = idempotency.find(tx, slot, now=call.now)
        if kept is None:
            response = _attempt(tx, work)
            idempotency.keep(tx, slot, _kept(body_hash, response), now=call.now)
            return response
    if kept.body_hash != body_hash:
        raise Invalid(
            "key_reused",
            "This Idempotency-Key was used with another body; use a new key for new work.",
        )
    repeated = Response(kept.answer, status=kept.status, headers=kept.headers)
    repeated.headers["Cache-Control"] = "no-store"
    repeated.headers["Idempotent-Replayed"] = "true"
    return repeated


def _attempt(tx: Tx, work: Callable[[], Response]) -> Response:
    try:
        with tx.undone_on_error():
            return work()
    except AppError as error:
        if error.status >= 500:
            raise
        return answer_error(error)


def _kept(body_hash: bytes, response: Response) -> Kept:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return Kept(body_hash, response.status_code, headers, response.get_data(as_text=True))
