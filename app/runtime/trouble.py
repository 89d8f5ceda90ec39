"""What an incident tells its readers: a message that edges can translate, and its detail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import Phrase, phrase_of
from app.identity.sensitive import masked_detail


def told(message: str, detail: Mapping[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    """Return ``message`` and ``detail`` for readers who may not see some variables.

    Args:
        message: in English, as it is kept.
        detail: as it is kept, with what the message was made of; see ``RaiseIncident``.
    """
    shown = masked_detail(detail, hidden)
    parts = shown.pop("phrase", None)
    return {"message": phrase_of(parts) if parts else Phrase(message), "detail": shown}
