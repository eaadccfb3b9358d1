"""What a setting may be, in words, from its JSON schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamapp.configuration.hidden import written

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYWORDS = frozenset(
    {
        "type",
        "enum",
        "minimum",
        "exclusiveMinimum",
        "maximum",
        "pattern",
        "minLength",
    }
)
"""Of JSON Schema, that our settings use to bound a value."""


def allowed(schema: Mapping[str, Any]) -> str:
    """``1 to 1024``, ``one or all``, ``true or false``; ``text`` where anything goes."""
    if choices := schema.get("enum"):
        return f"{', '.join(choices[:-1])} or {choices[-1]}"
    if pattern := schema.get("pattern"):
        return f"text like {pattern}"
    kind = schema["type"]
    if kind == "boolean":
        return "true or false"
    return _range(schema) if kind in {"integer", "number"} else "text"


def _range(schema: Mapping[str, Any]) -> str:
    most = schema.get("maximum")
    if "exclusiveMinimum" in schema:
        least = f"more than {written(schema['exclusiveMinimum'])}"
        return f"{least}, at most {written(most)}"
    least = written(schema["minimum"])
    return f"{least} or more" if most is None else f"{least} to {written(most)}"
