"""Every setting: its name, value, source, meaning and bounds; also while some are not allowed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import SecretStr, ValidationError

from streamapp.configuration.bounds import KEYWORDS, allowed
from streamapp.configuration.hidden import without_secrets
from streamapp.near_names import VERY_NEAR, nearest
from streamapp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class Fact(NamedTuple):
    """A setting as a person sees it; ``fault`` says why its value is not allowed.

    ``schema`` are the JSON Schema keywords that bound it. Secrets are hidden.
    """

    name: str
    value: str
    source: Literal["environment", "default"]
    default: str
    allowed: str
    meaning: str
    fault: str
    schema: dict[str, Any]


def facts() -> list[Fact]:
    """All settings of this process's environment, in their order."""
    given = {name.lower(): value for name, value in os.environ.items() if value}
    faults = _faults()
    # What is not allowed is told as it was written, and must not keep the others from being told.
    fine = Settings(**{name: _default(name) for name in faults})
    return [
        Fact(
            name=name.upper(),
            value=without_secrets(
                _as_written(name, given[name]) if name in faults else getattr(fine, name)
            ),
            source="environment" if name in given else "default",
            default=without_secrets(_default(name)),
            allowed=allowed(schema),
            meaning=schema["description"],
            fault=faults.get(name, ""),
            schema={word: value for word, value in schema.items() if word in KEYWORDS},
        )
        for name, schema in Settings.model_json_schema()["properties"].items()
    ]


def names() -> list[str]:
    """The environment variables of all settings."""
    return [name.upper() for name in Settings.model_fields]


def near_misses(known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Variables of the environment that are none of ``known``, and the one that may be meant.

    A variable with a misspelt name is no setting, and nobody would say so.
    """
    for name in sorted(os.environ):
        if name.upper() not in known and (near := nearest(name, known, least=VERY_NEAR)):
            yield name, near


def _faults(**overrides: Any) -> dict[str, str]:
    try:
        Settings(**overrides)
    except ValidationError as error:
        return {str(fault["loc"][0]): fault["msg"] for fault in error.errors()}
    return {}


def _default(name: str) -> Any:
    return Settings.model_fields[name].default


def _as_written(name: str, text: str) -> object:
    return SecretStr(text) if isinstance(_default(name), SecretStr) else text
