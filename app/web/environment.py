"""Jinja's environment as the pages use it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from flask.templating import Environment as FlaskEnvironment


class Environment(FlaskEnvironment):
    """Templates that have no globals of their own read the environment's directly.

    Jinja puts a ``ChainMap`` before them and compares its keys, one by one and in Python, at
    each import of a macro: a page has a score of these.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of a template."""
        return super().make_globals(d) if d else self.globals
