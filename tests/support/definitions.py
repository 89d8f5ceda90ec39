"""Definitions for tests of the core, written as their steps."""

from __future__ import annotations

from typing import Any

from app.core import parse
from app.core.compiling import Compiling
from app.core.definition import Definition
from app.core.jsontext import read
from app.core.values import json_text


def definition(*steps: dict[str, Any], **document: Any) -> Definition:
    """Return a definition that no checker has looked at.

    Args:
        document: other keys of the document, as ``variables``.
    """
    read_document = read(json_text({"key": "t", "name": "t", "steps": list(steps), **document}))
    return parse._definition(Compiling(read_document), read_document.value)


def step(name: str, kind: str, *targets: Any, **more: Any) -> dict[str, Any]:
    """Return a step; ``targets`` are its ``next``."""
    made = {"id": name, "type": kind, "config": {}, **more}
    if targets:
        made["next"] = list(targets)
    return made


def job(name: str, *targets: Any, **more: Any) -> dict[str, Any]:
    """Return a step that a machine does."""
    config = {"service_name": "a", "method": "b", **more.pop("config", {})}
    return step(name, "service_task", *targets, config=config, **more)


def user(name: str, *targets: Any, **more: Any) -> dict[str, Any]:
    """Return a step that a person does."""
    config = {"assignee": "someone", **more.pop("config", {})}
    return step(name, "user_task", *targets, config=config, **more)


def fork(name: str, *targets: str) -> dict[str, Any]:
    """Return a parallel gateway."""
    return step(name, "parallel_gateway", *targets)


def choose(name: str, conditions: dict[str, str], default: str | None = None) -> dict[str, Any]:
    """Return an exclusive gateway; ``conditions`` are expression → target."""
    return _gateway(name, "exclusive_gateway", conditions, default)


def several(name: str, conditions: dict[str, str], default: str | None = None) -> dict[str, Any]:
    """Return an inclusive gateway; ``conditions`` are expression → target."""
    return _gateway(name, "inclusive_gateway", conditions, default)


def _gateway(
    name: str, kind: str, conditions: dict[str, str], default: str | None
) -> dict[str, Any]:
    config: dict[str, Any] = {
        "conditions": [{"expression": text, "next": target} for text, target in conditions.items()]
    }
    if default is not None:
        config["default"] = default
    return step(name, kind, config=config)
