"""Bytes on a topic that are no event: each decoder says so in the one way that is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamapp import events
from streamapp.events import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTILE: dict[str, Any] = {
    "no value": None,
    "nothing": b"",
    "no JSON": b"nothing that can be read",
    "no UTF-8": b"\xff\xfe",
    "a text that is not UTF-8": b'{"type":"PhotoQueued","batch":"\xff"}',
    "a key that is not UTF-8": b'{"\xff":1}',
    "nesting without end": b"[" * 100_000,
    "an object without end": b'{"a":' * 100_000,
    "a number without end": b"9" * 100_000,
    "another type": b'{"type":"Nothing"}',
}
DECODERS = [
    events.decode_archive,
    events.decode_photo,
    events.decode_attempts,
    events.decode_control,
    events.decode_batch_log,
]


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_event_is_refused_and_ends_nobody(
    decode: Callable[[Any], object], value: Any
) -> None:
    with pytest.raises(UNREADABLE):
        decode(value)
