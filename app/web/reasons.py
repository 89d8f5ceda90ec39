"""Why something was taken away, where no person has said so: the engine's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask_babel import LazyString, lazy_gettext

_OURS: Final[Mapping[str, LazyString]] = {
    "timeout": lazy_gettext("nothing came in time"),
    "timer": lazy_gettext("its time was over"),
    "terminated": lazy_gettext("all of it was ended"),
    "skipped": lazy_gettext("the step was skipped"),
    "another path ended the process": lazy_gettext("another path ended the process"),
    "the step was over before": lazy_gettext("the step was over before"),
    "its boundary failed": lazy_gettext("what was to happen meanwhile has failed"),
    "withdrawn by who started it": lazy_gettext("withdrawn by who started it"),
    "the decision before was recalled": lazy_gettext("the decision before was recalled"),
}
"""By what ``app.core`` gives as reason."""


def in_words(reason: str) -> str:
    """Return a reason as readers see it; what a person has said is left as it is."""
    return str(_OURS.get(reason, reason))
