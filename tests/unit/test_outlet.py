"""What the agents publish fits into Kafka's messages, and is sent until Kafka has it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streamapp.archive import RUN_PHOTOS
from streamapp.archive.names import NAME_CHARACTERS_MAX
from streamapp.errors import Code, StreamappError
from streamapp.events import CroppedFace, Face, Outcome, PhotosFinished, decode_batch_log, encode
from streamapp.keys import crop_key
from streamapp.stream import patience
from streamapp.stream.circuit import Circuit
from streamapp.stream.outlet import EVENT_BYTES_MAX, Outlet, wire_messages
from streamapp.topics import Topics

BATCH = "0" * 32
FACES_MAX = 100
"""As many as the setting of that name allows."""
FAR = 65_535
FACE = Face(
    x=FAR,
    y=FAR,
    width=FAR,
    height=FAR,
    score=0.12345678901234567,
    landmarks=((FAR, FAR),) * 5,
    sharpness=12345.6,
    brightness=123.4,
    tilt=-123.4,
)


def crowd(index: int, faces: int) -> Outcome:
    return Outcome(
        index=index,
        name="\1" * NAME_CHARACTERS_MAX,
        state="completed",
        finished_at=1_700_000_000.123456,
        faces=tuple(
            CroppedFace(face=FACE, crop=crop_key(BATCH, index, number, "webp"))
            for number in range(faces)
        ),
    )


def frame(*outcomes: Outcome) -> PhotosFinished:
    return PhotosFinished(batch=BATCH, project="p1", outcomes=outcomes)


def test_a_run_of_portraits_is_one_message() -> None:
    event = frame(*(crowd(index, 1) for index in range(RUN_PHOTOS)))
    assert wire_messages(event) == [encode(event)]


def test_a_run_of_the_largest_crowds_is_several_messages_that_fit() -> None:
    event = frame(*(crowd(index, FACES_MAX) for index in range(RUN_PHOTOS)))
    assert len(encode(event)) > EVENT_BYTES_MAX
    parts = wire_messages(event)
    assert max(map(len, parts)) <= EVENT_BYTES_MAX
    frames = [decode_batch_log(part) for part in parts]
    outcomes = [o for each in frames if isinstance(each, PhotosFinished) for o in each.outcomes]
    assert frame(*outcomes) == event


def test_a_photo_that_does_not_fit_is_refused_and_not_sent_for_ever() -> None:
    with pytest.raises(StreamappError) as refused:
        wire_messages(frame(crowd(0, 10_000)))
    assert refused.value.code is Code.INTERNAL


class Client:
    """Kafka's client, as an app that sends; it fails once, when it is sent to or later."""

    def __init__(self, fault: Exception, *, later: bool) -> None:
        self.sent: list[bytes] = []
        self._faults = [fault]
        self._later = later

    def topic(self, name: str, **_options: object) -> object:
        return SimpleNamespace(app=self, get_topic_name=lambda: name)

    async def maybe_start_producer(self) -> Client:
        return self

    async def send(self, _topic: str, _key: bytes, value: bytes, *_: object) -> object:
        answer = asyncio.get_running_loop().create_future()
        if not self._faults:
            self.sent.append(value)
            answer.set_result(None)
        elif self._later:
            answer.set_exception(self._faults.pop())
        else:
            raise self._faults.pop()
        return answer


@pytest.mark.parametrize("later", [True, False])
@pytest.mark.parametrize("fault", [TimeoutError(), ConnectionError(), RuntimeError("closed")])
async def test_what_the_client_gave_up_is_sent_again(
    fault: Exception, *, later: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.01)
    client = Client(fault, later=later)
    outlet = Outlet(cast("Any", client), Topics(partitions=1), Circuit("kafka", lambda: 1.0))
    event = frame(crowd(0, 1))
    async with asyncio.timeout(5):
        await outlet.tell(event)
    assert client.sent == [encode(event)]
