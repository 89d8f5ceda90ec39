"""How many examples Hypothesis tries: few by default, many with HYPOTHESIS_PROFILE=long.

In CI (the variable ``CI`` is set) Hypothesis takes the same examples every time.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FACTOR = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 1


def examples(count: int) -> settings:
    """Return the settings of a property that ``count`` examples usually satisfy."""
    return settings(
        max_examples=count * FACTOR,
        deadline=None,
        derandomize=bool(os.environ.get("CI")),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
