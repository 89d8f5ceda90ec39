"""Whether an address leads to a Redis, in words for a person."""

from __future__ import annotations

import redis

from app.adapters.executor_rq import connect
from app.config import ConfigError


def problem(url: str) -> str | None:
    """Return why the Redis at ``url`` cannot be used; None if it can.

    The text never holds a password.
    """
    try:
        client = connect(url)
    except ConfigError:
        return "its address must look like redis://host:6379/0"
    try:
        client.ping()
    except redis.RedisError as error:
        return str(error).splitlines()[0].rstrip(".") or type(error).__name__
    finally:
        client.close()
    return None
