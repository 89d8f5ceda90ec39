"""Too many failed sign-ins: refused for a while, by account and by address.

The counts live in Redis, so that all processes share them; without Redis each process
counts by itself. Pages and REST count together. Successes are not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import Flask, g
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_remote_address

from app.errors import TooMany, Unauthenticated
from app.identity import names
from app.telemetry import metrics

PER_ACCOUNT: Final = "10 per 15 minutes"
PER_ADDRESS: Final = "50 per 15 minutes"

_limiter = Limiter(
    get_remote_address,
    strategy="moving-window",
    in_memory_fallback_enabled=True,
    swallow_errors=True,  # a Redis that dies between two commands must not stop a sign-in
    storage_options={"socket_connect_timeout": 1, "socket_timeout": 1},
)
Result = TypeVar("Result")


def set_up(app: Flask, redis_url: str) -> None:
    """Keep the counts in the Redis at ``redis_url``; ``memory://`` keeps them in the process."""
    uri = redis_url
    if uri.startswith("unix://"):
        uri = f"redis+{uri}"
    app.config["RATELIMIT_STORAGE_URI"] = uri
    _limiter.init_app(app)


def attempt(username: str, sign_in: Callable[[], Result], *, door: str) -> Result:
    """Call ``sign_in`` unless there were too many failures; count it if it fails.

    Args:
        username: as typed.
        sign_in: raises ``Unauthenticated`` when it fails.
        door: ``page`` or ``api``, for the figures.

    Raises:
        TooMany: code ``too_many_sign_ins``, with ``retry_after`` in seconds.
    """
    g.sign_in_account = names.normal(username)[: names.MAX_LENGTH]
    g.sign_in_failed = False
    try:
        result: Result = _limited(sign_in)
    except RateLimitExceeded as error:
        raise _too_many() from error
    except Unauthenticated:
        g.sign_in_failed = True
        metrics.sign_in_failed(door)
        raise
    return result


def forget_all() -> None:
    """Forget every failure (between tests)."""
    _limiter.reset()


def _account() -> str:
    return f"account:{g.sign_in_account}"


def _address() -> str:
    return f"address:{get_remote_address()}"


def _failed(_response: object) -> bool:
    return bool(g.get("sign_in_failed", False))


@_limiter.shared_limit(PER_ADDRESS, scope="sign-in", key_func=_address, deduct_when=_failed)
@_limiter.shared_limit(PER_ACCOUNT, scope="sign-in", key_func=_account, deduct_when=_failed)
def _limited(sign_in: Callable[[], Any]) -> Any:
    return sign_in()


def _too_many() -> TooMany:
    limit = _limiter.current_limit
    seconds = max(1, int(limit.reset_at - time.time())) if limit else 60
    return TooMany(
        "too_many_sign_ins",
        "Too many failed sign-ins. Wait %(minutes)d minutes and try again.",
        extra={"retry_after": seconds},
        minutes=-(-seconds // 60),
    )
