"""When a failed attempt is made again: a decision about values, without a clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.core.duration import parse_duration

DEFAULTS: Final[Mapping[str, Any]] = {
    "max_attempts": 3,
    "backoff": "exponential",
    "initial": "1s",
    "factor": 2,
    "max_interval": "5m",
    "jitter": True,
    "retry_on": (),
    "do_not_retry": (),
}
BACKOFFS: Final = ("fixed", "linear", "exponential")


def expand(policy: Mapping[str, Any] | None) -> dict[str, Any]:
    """Fill in a ``retry_policy``; durations become seconds."""
    full = {**DEFAULTS, **(policy or {})}
    return {
        **full,
        "initial": parse_duration(full["initial"]).fixed_seconds(),
        "max_interval": parse_duration(full["max_interval"]).fixed_seconds(),
        "factor": full["factor"],
        "retry_on": list(full["retry_on"]),
        "do_not_retry": list(full["do_not_retry"]),
    }


def next_delay(
    retry: Mapping[str, Any], failures: int, code: str, *, spread: float
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up.

    Args:
        retry: an expanded policy.
        failures: attempts that failed so far, this one included (1, 2, …).
        code: the error code of this failure.
        spread: 0 to 1, where in the jitter window (half to whole of the delay) to wait.
    """
    if failures >= retry["max_attempts"] or code in retry["do_not_retry"]:
        return None
    if retry["retry_on"] and code not in retry["retry_on"]:
        return None
    initial, factor = float(retry["initial"]), float(retry["factor"])
    longest = float(retry["max_interval"])
    if retry["backoff"] == "fixed":
        delay = initial
    elif retry["backoff"] == "linear":
        delay = initial * failures
    else:
        # The exponent is capped: beyond it every sensible factor has met the longest wait.
        delay = initial * min(factor ** min(failures - 1, 64), 1e9)
    delay = min(delay, longest)
    return delay * (0.5 + 0.5 * spread) if retry["jitter"] else delay
