"""What the agents publish: photo events and the batch log, durable when a call returns."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from streamapp import events
from streamapp.errors import Code, StreamappError
from streamapp.events import PhotosFinished
from streamapp.keys import batch_key, control_key, photo_key
from streamapp.topics import LANES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from faust import App
    from faust.types import RecordMetadata, TopicT

    from streamapp.events import BatchLogEvent, PhotoQueued, RunControl
    from streamapp.stream.circuit import Circuit
    from streamapp.topics import Lane, Topics

EVENT_BYTES_MAX = 900_000
"""Below Kafka's usual limit of 1 MB a message; waiting would not make a larger one fit."""

ACKNOWLEDGED_WITHIN_S = 5.0
"""Without an acknowledgement for that long Kafka is taken to be away."""


class Message(NamedTuple):
    """What goes to a topic; without a partition, to that of its key."""

    key: bytes
    value: bytes
    partition: int | None = None
    headers: dict[str, bytes] | None = None


class Outlet:
    """Publishes and waits until Kafka has acknowledged, however long Kafka is away."""

    def __init__(self, app: App, topics: Topics, kafka: Circuit) -> None:
        self._kafka = kafka
        self._batches = raw_topic(app, topics.batches)
        self._control = raw_topic(app, topics.control)
        self._rows = raw_topic(app, topics.progress_changelog)
        self._retries = [raw_topic(app, name) for name in topics.retries]
        self._dead = raw_topic(app, topics.dead)
        self._photos = {lane: raw_topic(app, topics.photos(lane)) for lane in LANES}

    async def tell(self, event: BatchLogEvent) -> None:
        """Append to the batch log, in the partition of the batch's key."""
        key = batch_key(event.batch)
        frames = [Message(key, value) for value in wire_messages(event)]
        await self._kafka.patiently(_Sending(self._batches, frames))

    async def announce(self, told: RunControl) -> None:
        """Let every worker know of a run."""
        key = control_key(told.batch, told.run, cancelled=told.cancelled)
        await self._kafka.patiently(_Sending(self._control, [Message(key, events.encode(told))]))

    async def keep(
        self, rows: Sequence[Message], *, still: Callable[[], bool]
    ) -> list[RecordMetadata]:
        """Write rows of the progress table to its changelog, unless they are not ``still`` ours.

        Returns:
            Where each of them is; nothing when they were given away before all were acknowledged.
        """
        sending = _Sending(self._rows, rows)

        async def attempt() -> list[RecordMetadata]:
            return await sending() if still() else []

        return await self._kafka.patiently(attempt)

    async def queue(self, lane: Lane, photos: Iterable[tuple[PhotoQueued, int]]) -> None:
        """Publish photos, each with its partition; published again, they change nothing."""
        messages = [
            Message(photo_key(photo.batch, photo.index), _checked(events.encode(photo)), partition)
            for photo, partition in photos
        ]
        await self._kafka.patiently(_Sending(self._photos[lane], messages))

    async def put_off(self, failures: int, photo: Message) -> None:
        """Publish a photo that failed so many times to the topic of its delay."""
        await self._kafka.patiently(_Sending(self._retries[failures - 1], [photo]))

    async def bring_back(self, lane: Lane, photo: Message) -> None:
        """Publish a photo that was put off to its lane."""
        await self._kafka.patiently(_Sending(self._photos[lane], [photo]))

    async def bury(self, photo: Message) -> None:
        """Publish a photo that is out of attempts for people to look at."""
        await self._kafka.patiently(_Sending(self._dead, [photo]))


def raw_topic(app: App, name: str) -> TopicT:
    """A topic whose keys and values are bytes; it exists already, see `topics`."""
    return app.topic(
        name,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        internal=False,
    )


def wire_messages(event: BatchLogEvent) -> list[bytes]:
    """The event as it goes over the wire; a frame with too many faces for one message as more.

    Raises:
        StreamappError: ``INTERNAL``: a single outcome, or another event, is too large.
    """
    value = events.encode(event)
    outcomes = event.outcomes if isinstance(event, PhotosFinished) else ()
    middle = len(outcomes) // 2
    if len(value) <= EVENT_BYTES_MAX or not middle:
        return [_checked(value)]
    halves = (
        structs.replace(event, outcomes=half) for half in (outcomes[:middle], outcomes[middle:])
    )
    return [message for half in halves for message in wire_messages(half)]


def _checked(value: bytes) -> bytes:
    if len(value) > EVENT_BYTES_MAX:
        raise StreamappError(Code.INTERNAL, f"an event of {len(value)} bytes")
    return value


class _Sending:
    """Messages on their way: each call waits a while for Kafka to have all of them.

    They are sent once more only when the client gave them up; what is slow stays in its buffer.
    """

    def __init__(self, topic: TopicT, messages: Sequence[Message]) -> None:
        self._topic = topic
        self._messages = messages
        self._sent: asyncio.Task[list[RecordMetadata]] | None = None

    async def __call__(self) -> list[RecordMetadata]:
        self._sent = self._sent or asyncio.create_task(self._send())
        await asyncio.wait([self._sent], timeout=ACKNOWLEDGED_WITHIN_S)
        if not self._sent.done():
            raise StreamappError(Code.KAFKA_AWAY, "no acknowledgement yet")
        try:
            return self._sent.result()
        except Exception as error:
            # Whatever the client calls it, they are not known to be in the log: send them again.
            self._sent = None
            raise StreamappError(Code.KAFKA_AWAY, repr(error)) from error

    async def _send(self) -> list[RecordMetadata]:
        # Not by the topic's own ``send``, which costs four times as much a message.
        producer = await self._topic.app.maybe_start_producer()
        name = self._topic.get_topic_name()
        sent = [
            await producer.send(name, each.key, each.value, each.partition, None, each.headers)
            for each in self._messages
        ]
        places: list[RecordMetadata] = await asyncio.gather(*sent)
        return places
