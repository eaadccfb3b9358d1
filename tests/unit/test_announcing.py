"""What receivers are told: each end of a run once, whoever sees it and in whatever order."""

from __future__ import annotations

import json
from functools import reduce
from itertools import permutations
from typing import TYPE_CHECKING, Any

from msgspec import structs
from pyroaring import BitMap

from streamapp import progress
from streamapp.events import (
    BatchCancelled,
    BatchOpened,
    Cursor,
    ExpansionAdvanced,
    Outcome,
    PhotosFinished,
    RunPart,
    RunStarted,
)
from streamapp.stream.announcing import Announcer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.records.outbox import Webhook
    from streamapp.events import BatchLogEvent

URL = "https://example.com/hook"
OPENED = BatchOpened(
    batch="b1",
    project="p",
    priority=4,
    archive="a",
    archive_bytes=1,
    name="n",
    photos=2,
    opened_at=10.0,
    external_id="order 17, café",
    webhook_url=URL,
)
JOINED = structs.replace(OPENED, first_index=2, photos=1, webhook_url="https://example.com/other")
CANCELLED = BatchCancelled(batch="b1", project="p", cancelled_at=14.0)
QUEUED = ExpansionAdvanced(batch="b1", project="p", first_index=0, cursor=Cursor(index=2))
AGAIN = RunStarted(
    batch="b1",
    project="p",
    run=2,
    started_at=20.0,
    priority=5,
    photos=progress.serialized(BitMap([1])),
    parts=(RunPart(first_index=0, archive="a", archive_bytes=1, photos=2),),
)


def finished(
    index: int, at: float = 12.0, state: str = "completed", run: int = 1
) -> PhotosFinished:
    outcome = Outcome(index=index, name="", state=state, finished_at=at)  # type: ignore[arg-type]
    return PhotosFinished(batch="b1", project="p", outcomes=(outcome,), run=run)


class Outbox:
    """Keeps what is added, each id once, as the database does."""

    def __init__(self) -> None:
        self.added: dict[str, Webhook] = {}
        self.calls = 0

    async def add_webhooks(self, webhooks: Sequence[Webhook]) -> None:
        self.calls += 1
        for each in webhooks:
            self.added.setdefault(each.id, each)

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(each.payload) for each in self.added.values()]


async def announced(*log: BatchLogEvent, of_all: bool = False) -> Outbox:
    """The outbox when the batch was looked at after each event."""
    outbox = Outbox()
    announcer = Announcer(outbox, of_all=of_all, clock=lambda: 100.0, told=lambda: None)  # type: ignore[arg-type]
    state: progress.Progress | None = None
    for event in log:
        state = progress.fold(state, event)
        await announcer.announce(state)
    return outbox


async def test_the_end_of_a_batch_is_told_with_its_counts() -> None:
    outbox = await announced(OPENED, finished(0), finished(1, 15.5, "failed"))
    (webhook,) = outbox.added.values()
    assert (webhook.batch_id, webhook.event_type, webhook.url) == ("b1", "batch.completed", URL)
    assert (webhook.state, webhook.due_since, webhook.next_at) == ("due", 100.0, 100.0)
    assert webhook.payload.isascii()
    assert json.loads(webhook.payload) == {
        "type": "batch.completed",
        "timestamp": "1970-01-01T00:00:15.500Z",
        "data": {
            "batchId": "b1",
            "externalId": "order 17, café",
            "projectId": "p",
            "run": 1,
            "status": "completed",
            "counts": {"photos": 2, "processed": 2, "failed": 1, "cancelled": 0},
        },
    }


async def test_nothing_is_told_before_the_end_nor_to_nobody() -> None:
    assert not (await announced(OPENED, finished(0))).added
    silent = structs.replace(OPENED, webhook_url="")
    assert (await announced(silent, finished(0), finished(1))).calls == 0


async def test_a_batch_whose_photos_all_failed_has_failed() -> None:
    outbox = await announced(OPENED, finished(0, state="failed"), finished(1, state="failed"))
    assert [told["type"] for told in outbox.told()] == ["batch.failed"]


async def test_a_cancelled_batch_is_told_of_when_nothing_of_it_is_in_work_any_more() -> None:
    under_way: list[BatchLogEvent] = [OPENED, QUEUED, finished(0), CANCELLED]
    assert not (await announced(*under_way)).added
    outbox = await announced(*under_way, finished(1, 15.0, "cancelled"))
    (told,) = outbox.told()
    assert told["type"] == "batch.cancelled"
    assert told["data"]["counts"] == {"photos": 2, "processed": 1, "failed": 0, "cancelled": 1}


async def test_who_is_told_of_all_batches_is_told_beside_the_batchs_own() -> None:
    outbox = await announced(OPENED, finished(0), finished(1), of_all=True)
    assert sorted(each.url for each in outbox.added.values()) == ["", URL]
    assert len({each.payload for each in outbox.added.values()}) == 1


async def test_a_message_has_the_same_id_whoever_sees_the_end_and_whatever_came_before() -> None:
    log: list[BatchLogEvent] = [OPENED, finished(0), finished(1)]
    ids = {id_ for order in permutations(log) for id_ in (await announced(*order)).added}
    ids |= set((await announced(*log, *log)).added)
    assert len(ids) == 1


async def test_an_end_is_put_into_the_outbox_once() -> None:
    outbox = await announced(OPENED, finished(0), finished(1), finished(1), finished(0))
    assert outbox.calls == 1


async def test_each_end_of_a_replayed_batch_is_told_with_the_runs_own_counts() -> None:
    done = (OPENED, finished(0), finished(1, state="failed"))
    outbox = await announced(*done, AGAIN, finished(1, 22.0, run=2))
    first, second = outbox.told()
    assert (first["data"]["run"], second["data"]["run"]) == (1, 2)
    assert second["type"] == "batch.completed"
    assert second["timestamp"] == "1970-01-01T00:00:22.000Z"
    assert second["data"]["counts"] == {"photos": 1, "processed": 1, "failed": 0, "cancelled": 0}


async def test_an_end_that_nobody_saw_before_the_next_run_began_is_told_of() -> None:
    """The database was away, or the worker looked a moment later."""
    log: list[BatchLogEvent] = [OPENED, finished(0), finished(1, state="failed"), AGAIN]
    state = reduce(progress.fold, log[1:], progress.fold(None, log[0]))
    outbox = Outbox()
    announcer = Announcer(outbox, of_all=False, clock=lambda: 1.0, told=lambda: None)  # type: ignore[arg-type]
    await announcer.announce(state)
    assert set(outbox.added) == set((await announced(*log)).added)


async def test_photos_that_join_an_ended_batch_give_it_another_end() -> None:
    outbox = await announced(OPENED, finished(0), finished(1), JOINED, finished(2))
    assert [told["data"]["counts"]["photos"] for told in outbox.told()] == [2, 3]
    assert {each.url for each in outbox.added.values()} == {URL}
