"""Bytes on a topic that are no event: each decoder says so in the one way that is waited for."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import msgspec
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


PART: dict[str, Any] = {
    "batch": "b1",
    "project": "p",
    "priority": 5,
    "archive": "a",
    "archive_bytes": 1,
    "name": "n",
    "photos": 7,
}
STARTED: dict[str, Any] = {
    "type": "RunStarted",
    "batch": "b1",
    "project": "p",
    "run": 2,
    "started_at": 1.0,
    "priority": 5,
    "photos": "",
    "parts": [],
}
OPENED = PART | {"type": "BatchOpened", "opened_at": 1.0}
ADVANCED = {"type": "ExpansionAdvanced", "batch": "b1", "project": "p", "first_index": 0}
CONTROL = {"type": "RunControl", "batch": "b1", "run": 2}
PHOTO = {
    "type": "PhotoQueued",
    "batch": "b1",
    "project": "p",
    "index": 0,
    "name": "n",
    "archive": "a",
    "header_offset": 0,
    "compressed_bytes": 1,
    "photo_bytes": 1,
    "method": 0,
    "crc": 1,
}
FACE = {"x": 0, "y": 0, "width": 1, "height": 1, "score": 0.9}
OUTCOME: dict[str, Any] = {
    "index": 0,
    "name": "n",
    "state": "completed",
    "finished_at": 1.0,
    "faces": [{"face": FACE}],
}
FINISHED: dict[str, Any] = {
    "type": "PhotosFinished",
    "batch": "b1",
    "project": "p",
    "outcomes": [OUTCOME],
}
NO_SET = b64encode(b"no bitmap").decode()
TOO_MANY = events.INDEXES_MAX
NOT_TO_FOLD: dict[str, tuple[Callable[[Any], object], dict[str, Any], dict[str, Any]]] = {
    "an archive's duplicates": (
        events.decode_archive,
        PART | {"type": "ArchiveStored", "stored_at": 1.0},
        {"duplicates": NO_SET},
    ),
    "a part's duplicates": (events.decode_batch_log, OPENED, {"duplicates": NO_SET}),
    "a run's photos": (events.decode_batch_log, STARTED, {"photos": NO_SET}),
    "the duplicates of a run's part": (
        events.decode_batch_log,
        STARTED,
        {"parts": [PART | {"first_index": 0, "duplicates": NO_SET}]},
    ),
    "a control's photos": (events.decode_control, CONTROL, {"photos": NO_SET}),
    "a part of too many": (events.decode_batch_log, OPENED, {"photos": TOO_MANY}),
    "a part of fewer than none": (events.decode_batch_log, OPENED, {"photos": -1}),
    "a part behind the last index": (
        events.decode_batch_log,
        OPENED,
        {"first_index": TOO_MANY - 6},
    ),
    "a checkpoint behind the last index": (
        events.decode_batch_log,
        ADVANCED | {"cursor": {}},
        {"cursor": {"index": TOO_MANY}},
    ),
    "a size beyond 64 bits": (events.decode_photo, PHOTO, {"photo_bytes": 1 << 64}),
    "a place beyond 63 bits": (events.decode_photo, PHOTO, {"header_offset": 1 << 63}),
    "a batch that is no file's name": (events.decode_photo, PHOTO, {"batch": "../../b1"}),
    "a batch without a name": (events.decode_batch_log, FINISHED, {"batch": ""}),
    "a batch that ends in a line's end": (events.decode_control, CONTROL, {"batch": "b1\n"}),
    "a batch that no column holds": (events.decode_batch_log, FINISHED, {"batch": "b" * 65}),
    "a name that fits no outcome": (events.decode_photo, PHOTO, {"name": "n" * 900_000}),
    "a part of which no row could tell": (events.decode_batch_log, OPENED, {"name": "n" * 8193}),
    "settings without end": (events.decode_photo, PHOTO, {"settings": [["A", "b"]] * 65}),
    "a run of which no row could tell": (
        events.decode_batch_log,
        STARTED,
        {"settings": [["FACES", "x" * 8193]]},
    ),
    "a run that no column holds": (events.decode_photo, PHOTO, {"run": 1 << 31}),
    "a face beyond every picture": (
        events.decode_batch_log,
        FINISHED,
        {"outcomes": [OUTCOME | {"faces": [{"face": FACE | {"x": 1 << 31}}]}]},
    ),
    "a crop that no store can have": (
        events.decode_batch_log,
        FINISHED,
        {"outcomes": [OUTCOME | {"faces": [{"face": FACE, "crop": "../../b1"}]}]},
    ),
    "an end after the year 9999": (
        events.decode_batch_log,
        FINISHED,
        {"outcomes": [OUTCOME | {"finished_at": 1e12}]},
    ),
    "a start before time itself": (events.decode_batch_log, STARTED, {"started_at": -1.0}),
}


@pytest.mark.parametrize(("decode", "sound", "wrong"), NOT_TO_FOLD.values(), ids=NOT_TO_FOLD)
def test_what_could_not_be_folded_is_no_event(
    decode: Callable[[bytes], object], sound: dict[str, Any], wrong: dict[str, Any]
) -> None:
    """A worker that met it would end, and the next one after it."""
    decode(msgspec.json.encode(sound))
    with pytest.raises(UNREADABLE):
        decode(msgspec.json.encode(sound | wrong))
