"""Expand: an archive that was stored becomes a part of its batch.

The uploader has judged it, so its word is taken: the batch log learns of the part and the exact
number of its photos, and the `pacer` queues them from there. Told again, it changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamapp import events
from streamapp.stream.intake import acknowledge, deliveries, ending_the_worker
from streamapp.stream.outlet import Outlet, raw_topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from faust import App
    from faust.types import StreamT

    from streamapp.stream.circuit import Circuit
    from streamapp.topics import Topics


def register(app: App, *, topics: Topics, kafka: Circuit, clock: Callable[[], float]) -> None:
    """Attach the agent ``expand`` to the app."""
    outlet = Outlet(app, topics, kafka)

    async def expand(stream: StreamT[bytes]) -> None:
        async for event, stored in deliveries(stream, events.decode_archive):
            if stored is not None:
                await outlet.tell(events.opening(stored, clock()))
            acknowledge(event)

    app.agent(raw_topic(app, topics.archives), name="expand")(ending_the_worker(app, expand))
