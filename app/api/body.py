"""The base of what answers hold."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(extra="forbid")
