"""How an agent takes events: decoded, and acknowledged only when it says so.

Nothing may leave an agent as an exception (Faust would count the event as done), so an event that
cannot be read is logged with its place and passed over: it was never written by this product.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from faust import Stream
    from faust.types import EventT, StreamT

T = TypeVar("T")

_log = logging.getLogger(__name__)


async def deliveries(
    stream: StreamT[bytes], decode: Callable[[bytes], T]
) -> AsyncIterator[tuple[EventT[bytes], T]]:
    """The events of a stream, none acknowledged, with what ``decode`` made of each."""
    async for event in cast("Stream[bytes]", stream).noack().events():
        try:
            content = decode(event.value)
        except msgspec.DecodeError as error:
            message = event.message
            _log.error("%s@%d cannot be read: %s", message.tp, message.offset, error)
            acknowledge(event)
            continue
        yield event, content


def current(event: EventT[bytes]) -> bool:
    """Whether the event's partition has stayed with this worker since the event was delivered."""
    app = event.app
    return not app.rebalancing and event.message.generation_id == app.consumer_generation_id


def acknowledge(event: EventT[bytes]) -> None:
    """Let the offset move past the event; an event from before a rebalance is left alone.

    It was delivered again after the rebalance, here or elsewhere, and acknowledging the old
    delivery would move the offset past others that are still worked on.
    """
    if current(event):
        event.ack()
