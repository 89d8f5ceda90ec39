"""When those who decide together have decided, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import LazyString, lazy_gettext

_RULES: Mapping[str, LazyString] = {
    "any": lazy_gettext("The first decision counts."),
    "all": lazy_gettext("All %(total)d have to approve."),
    "ratio": lazy_gettext("%(needed)d of %(total)d have to approve."),
    "sequential": lazy_gettext("One after the other; all %(total)d have to approve."),
}
_NOBODY = lazy_gettext("A manager has decided in place of everybody.")


def rule(visit: Mapping[str, Any]) -> str:
    """Say when those who decide together have decided."""
    if not visit["total"]:
        return str(_NOBODY)
    return str(_RULES[visit["mode"]] % {name: visit[name] for name in ("needed", "total")})
