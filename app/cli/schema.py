"""``workflow-engine schema``: the JSON Schema of the definition format."""

from __future__ import annotations

import json

from app.core.json_schema import schema


def text() -> str:
    """Return the schema as it is shipped in ``docs/definition.schema.json``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
