"""`docs/events.schema.json`: what an event on the bus looks like, made of what the code says an event shows."""

import json
import sys
from typing import Any

from kindling.events.changes import SHOWN
from kindling.events.model import NAMES, TYPES, Event
from local.settings import ROOT

FILE = ROOT / "docs/events.schema.json"
# These tell the state before a change of it.
WITH_PREVIOUS = ("domain", "account", "operation")


def text() -> str:
    """The schema, as it is kept in the repository."""
    model = Event.model_json_schema()
    about = {name: {"type": one["type"]} for name, one in model["properties"].items()}
    about |= {"type": {"enum": list(TYPES)}, "created_at": {"type": "string", "format": "date-time"}}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event of Kindling",
        "description": "The detail of an event on the bus. The body of a webhook is the same without user_id.",
        "type": "object",
        "properties": about,
        "required": model["required"],
        "additionalProperties": False,
        "allOf": [_of_kind(kind) for kind in NAMES],
    }
    return json.dumps(schema, indent=1) + "\n"


def _of_kind(kind: str) -> dict[str, Any]:
    fields = [*SHOWN[kind], *(["previous"] if kind in WITH_PREVIOUS else [])]
    data = {"properties": dict.fromkeys(fields, True)}
    return {
        "if": {"properties": {"type": {"pattern": rf"^{kind}\."}}},
        "then": {"properties": {"subject": {"pattern": f"^{kind}/"}, "data": data}},
    }


def main() -> int:
    """Write the schema."""
    FILE.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
