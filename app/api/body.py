"""What the bodies of all answers are made from."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

Label = str | dict[str, str]


class Body(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(extra="forbid")


class StepRef(Body):
    """A step of the definition."""

    id: str
    name: Label
    type: str | None = None
