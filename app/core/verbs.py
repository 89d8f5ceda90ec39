"""What people may do with a task, by the words that ``allow`` of a step takes."""

from __future__ import annotations

from typing import Final

VERBS: Final = (
    *("claim", "release", "complete", "assign", "transfer", "delegate", "consult"),
    *("add_signer", "remove_signer", "return", "withdraw", "recall", "remind", "cc", "comment"),
    "attach",
)
"""Every verb, in the order in which it is offered."""

ALWAYS: Final = frozenset({"claim", "complete"})
"""Allowed whatever a step says: without them its work could never be done."""

DEFAULT: Final = (
    *("claim", "release", "complete", "assign", "transfer", "delegate", "consult", "return"),
    *("withdraw", "recall", "remind", "cc", "comment", "attach"),
)
"""Allowed where a step does not say."""
