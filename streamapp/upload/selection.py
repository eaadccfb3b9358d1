"""Which objects of the store a client wants taken as photos: by their keys, or by prefixes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from streamapp.errors import Code, StreamappError
from streamapp.keys import OWN_PREFIXES
from streamapp.upload.reception import importable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEY_CHARACTERS_MAX = 1024
PREFIXES_MAX = 100

_Key = Annotated[str, msgspec.Meta(min_length=1, max_length=KEY_CHARACTERS_MAX)]
_Prefix = Annotated[str, msgspec.Meta(max_length=KEY_CHARACTERS_MAX)]


class _Members(msgspec.Struct):
    keys: list[_Key] = []
    prefix: _Prefix | None = None
    prefixes: Annotated[list[_Prefix], msgspec.Meta(max_length=PREFIXES_MAX)] = []


class Selection(NamedTuple):
    """Keys as the client gave them, and prefixes of which none lies within another."""

    keys: list[str]
    prefixes: list[str]


def read_selection(values: Mapping[str, Any], *, keys_max: int) -> Selection:
    """The selection of ``values`` (``keys``, ``prefix``, ``prefixes``).

    Raises:
        StreamappError: ``FIELD_MISSING`` without any of them, ``FIELD_INVALID``,
            ``ARCHIVE_TOO_MANY_ENTRIES``, ``KEY_FORBIDDEN``.
    """
    try:
        asked = msgspec.convert(values, _Members)
    except msgspec.ValidationError as error:
        raise StreamappError(Code.FIELD_INVALID, str(error)) from None
    prefixes = asked.prefixes + ([] if asked.prefix is None else [asked.prefix])
    if not asked.keys and not prefixes:
        raise StreamappError(Code.FIELD_MISSING, "keys or prefix")
    if len(asked.keys) > keys_max:
        raise StreamappError(
            Code.ARCHIVE_TOO_MANY_ENTRIES, f"the limit is {keys_max} keys; a prefix has more"
        )
    return Selection(
        [importable(key) for key in asked.keys],
        _outermost(map(_without_own, prefixes)),
    )


def _without_own(prefix: str) -> str:
    if any(own.startswith(prefix) for own in OWN_PREFIXES):
        raise StreamappError(Code.KEY_FORBIDDEN, prefix)
    return importable(prefix)


def _outermost(prefixes: Iterable[str]) -> list[str]:
    """Those that do not begin with another one, sorted: no object lies under two of them."""
    kept: list[str] = []
    for prefix in sorted(prefixes):
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return kept
