"""How Faust is set up."""

from __future__ import annotations

import pytest
from mode.utils.queues import FlowControlEvent, FlowControlQueue

from streamapp.stream.app import BUFFER_EVENTS, poll_events_max


@pytest.mark.parametrize("partitions", [1, 3, 12, 100])
async def test_no_stream_is_ever_full_to_the_brim(partitions: int) -> None:
    """Every partition brings one poll's worth after the buffer is under pressure."""
    queue: FlowControlQueue[int] = FlowControlQueue(BUFFER_EVENTS, flow_control=FlowControlEvent())
    assert queue.pressure_high_size + partitions * poll_events_max(partitions) <= BUFFER_EVENTS
