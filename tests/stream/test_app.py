"""How Faust is set up."""

from __future__ import annotations

import pytest
from mode.utils.queues import FlowControlEvent, FlowControlQueue

from streamapp.events import Cursor
from streamapp.progress import Part, Progress
from streamapp.stream.app import BUFFER_EVENTS, lane_photos_max, poll_events_max
from streamapp.stream.turns import Turns


@pytest.mark.parametrize("partitions", [1, 3, 12, 100])
async def test_no_stream_is_ever_full_to_the_brim(partitions: int) -> None:
    """Every partition brings one poll's worth after the buffer is under pressure."""
    queue: FlowControlQueue[int] = FlowControlQueue(BUFFER_EVENTS, flow_control=FlowControlEvent())
    assert queue.pressure_high_size + partitions * poll_events_max(partitions) <= BUFFER_EVENTS


@pytest.mark.parametrize("window", [12, 768, 5000])
@pytest.mark.parametrize("workers", [1, 5, 11])
def test_the_backlog_holds_all_of_a_lane_that_pacing_puts_on_the_partitions_of_a_worker(
    window: int, workers: int
) -> None:
    queued = workers * queued_at_most(window)
    of_most = -(-12 // workers) / 12
    assert queued * of_most <= lane_photos_max(window)


def queued_at_most(window: int) -> int:
    """What a worker queues of a lane when batches without number wait and nothing is finished."""
    turns = Turns(window_photos=window, clock=lambda: 0.0)
    for n in range(3000):
        part = Part(first_index=0, photos=100, priority=5)
        turns.put(0, Progress(batch=f"b{n}", parts=(part,)))
    queued = 0
    while turn := turns.next(lambda _: True):
        queued += turn.photos
        turns.advance(turn, Cursor(index=turn.part.cursor.index + turn.photos))
    return queued
