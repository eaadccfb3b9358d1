"""How an agent takes events: decoded, and acknowledged only when it says so.

An exception that leaves an agent would lose its event: Faust starts the agent again behind it. So
what an agent foresees becomes an outcome, a rejection or a wait, and what nobody foresaw ends the
worker: its supervisor starts it again, and the event is delivered again. An event that cannot be
read is logged with its place and passed over: it was never written by this product.
"""

from __future__ import annotations

import logging
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from streamapp.events import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from faust import App, Stream
    from faust.types import EventT, StreamT

    from streamapp.stream.generations import WorkerApp

T = TypeVar("T")
P = ParamSpec("P")

_log = logging.getLogger(__name__)


async def deliveries(
    stream: StreamT[bytes], decode: Callable[[bytes], T]
) -> AsyncIterator[tuple[EventT[bytes], T | None]]:
    """The events of a stream, none acknowledged, with what ``decode`` made of each.

    That is None for an event that cannot be read; it must be acknowledged like any other.
    """
    async for event in cast("Stream[bytes]", stream).noack().events():
        content = None
        try:
            content = decode(event.value)
        except UNREADABLE as error:
            message = event.message
            _log.error("%s@%d cannot be read: %s", message.tp, message.offset, error)
        yield event, content


def current(event: EventT[bytes]) -> bool:
    """Whether what comes of the event still counts here.

    Not when its partition was given away or delivered anew since, and not when the worker stops.
    (``app.rebalancing`` does not tell: Faust clears it a moment after the first events of the new
    generation are delivered.)
    """
    app = cast("WorkerApp", event.app)
    generation = event.message.generation_id
    return (
        not app.should_stop
        and generation != app.revoked_generation
        and generation == app.consumer_generation_id
    )


def acknowledge(event: EventT[bytes]) -> None:
    """Let the offset move past the event; an event from before a rebalance is left alone.

    It was delivered again after the rebalance, here or elsewhere, and acknowledging the old
    delivery would move the offset past others that are still worked on.
    """
    if current(event):
        event.ack()


def ending_the_worker(
    app: App, work: Callable[P, Awaitable[None]]
) -> Callable[P, Coroutine[Any, Any, None]]:
    """An agent or a task, made to take the whole worker down with whatever leaves it."""

    @wraps(work)
    async def guarded(*args: P.args, **options: P.kwargs) -> None:
        try:
            await work(*args, **options)
        except Exception as error:
            _log.critical("this worker ends: %s failed", work.__name__, exc_info=True)
            await app.crash(error)
            raise

    return guarded
