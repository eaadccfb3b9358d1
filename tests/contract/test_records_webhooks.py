"""The outbox of webhooks: a message is there once, and one sender at a time has it in hand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from connectors.records.outbox import ATTEMPTS_MAX, Delivery
from tests.batch_records import a_batch
from tests.webhook_records import a_webhook

if TYPE_CHECKING:
    from connectors.records.interface import RecordStore
    from tests.contract.record_stores import Place

T = 1_700_000_000.5
ATTEMPTS = (
    Delivery(at=T, seconds=0.25, fault="no answer"),
    Delivery(at=T + 5, seconds=1, status=503),
)


@pytest.mark.parametrize(
    "row", [a_webhook(), a_webhook(url="", state="failed", claims=3, attempts=ATTEMPTS)]
)
async def test_a_webhook_comes_back_with_every_field(store: RecordStore, row: object) -> None:
    await store.add_webhooks([row])  # type: ignore[list-item]  # of parametrize
    assert await store.webhooks("batch-1") == [row]


async def test_a_webhook_that_is_there_is_left_as_it_is(store: RecordStore) -> None:
    delivered = a_webhook(state="delivered", attempts=ATTEMPTS)
    await store.add_webhooks([delivered])
    await store.add_webhooks([a_webhook(payload="{}"), a_webhook("msg_2")])
    assert sorted(await store.webhooks("batch-1"), key=lambda row: row.id) == [
        delivered,
        a_webhook("msg_2"),
    ]


async def test_those_that_are_due_are_claimed_the_longest_due_first(store: RecordStore) -> None:
    await store.add_webhooks(
        [
            a_webhook("later", next_at=T + 10.000001),
            a_webhook("third", next_at=T + 10),
            a_webhook("first", next_at=T - 5),
            a_webhook("second", next_at=T),
            a_webhook("done", state="delivered"),
            a_webhook("given-up", state="failed"),
        ]
    )
    assert await store.webhooks_due() == 4
    found = await store.claim_webhooks(now=T + 10, until=T + 70, limit=2)
    assert found == [
        a_webhook(each, claims=1, next_at=T + 70, due_since=T) for each in ("first", "second")
    ]
    found = await store.claim_webhooks(now=T + 10, until=T + 70, limit=2)
    assert [each.id for each in found] == ["third"]
    assert await store.claim_webhooks(now=T + 10, until=T + 70, limit=2) == []


async def test_of_many_senders_one_has_each_webhook(place: Place, store: RecordStore) -> None:
    rows = [a_webhook(f"msg_{number:02d}") for number in range(12)]
    await store.add_webhooks(rows)
    stores = [store, place.open(), place.open(), place.open()]
    claims = (each.claim_webhooks(now=T, until=T + 60, limit=12) for each in stores)
    claimed = [each.id for found in await asyncio.gather(*claims) for each in found]
    assert sorted(claimed) == [row.id for row in rows]


async def test_a_webhook_whose_sender_is_gone_is_due_again_and_nothing_of_his_is_written(
    store: RecordStore,
) -> None:
    await store.add_webhooks([a_webhook()])
    (gone,) = await store.claim_webhooks(now=T, until=T + 60, limit=1)
    assert await store.claim_webhooks(now=T + 59, until=T + 120, limit=1) == []
    (mine,) = await store.claim_webhooks(now=T + 60, until=T + 120, limit=1)
    late = structs.replace(gone, state="failed", attempts=ATTEMPTS[:1])
    assert not await store.settle_webhook(late)
    delivered = structs.replace(mine, state="delivered", attempts=ATTEMPTS)
    assert await store.settle_webhook(delivered)
    assert await store.webhooks("batch-1") == [delivered]


async def test_a_webhook_that_is_put_off_is_due_at_its_time(store: RecordStore) -> None:
    await store.add_webhooks([a_webhook()])
    (mine,) = await store.claim_webhooks(now=T, until=T + 60, limit=1)
    put_off = structs.replace(mine, next_at=T + 5, attempts=ATTEMPTS[:1])
    assert await store.settle_webhook(put_off)
    assert await store.claim_webhooks(now=T + 4.9, until=T + 65, limit=1) == []
    (again,) = await store.claim_webhooks(now=T + 5, until=T + 65, limit=1)
    assert again.attempts == ATTEMPTS[:1]


async def test_no_more_than_the_last_attempts_are_kept(store: RecordStore) -> None:
    attempts = tuple(Delivery(at=T + n, seconds=1, status=500) for n in range(ATTEMPTS_MAX + 2))
    await store.add_webhooks([a_webhook(attempts=attempts)])
    (row,) = await store.webhooks("batch-1")
    assert row.attempts == attempts[2:]


@pytest.mark.parametrize("state", ["due", "delivered", "failed"])
async def test_a_webhook_is_sent_again_whatever_became_of_it(
    store: RecordStore, state: str
) -> None:
    before = a_webhook(state=state, claims=2, attempts=ATTEMPTS, next_at=T + 7000)
    await store.add_webhooks([before])
    assert await store.resend_webhook("batch-1", "msg_1", T + 90_000)
    after = structs.replace(before, state="due", claims=3, due_since=T + 90_000, next_at=T + 90_000)
    assert await store.webhooks("batch-1") == [after]
    assert not await store.settle_webhook(before)


@pytest.mark.parametrize(
    ("batch", "webhook"),
    [("batch-2", "msg_1"), ("batch-1", "msg_2"), ("' OR '1'='1", "' OR '1'='1"), ("\ud83d", "?")],
)
async def test_of_an_unknown_webhook_nothing_is_sent_again(
    store: RecordStore, batch: str, webhook: str
) -> None:
    await store.add_webhooks([a_webhook(state="delivered")])
    assert not await store.resend_webhook(batch, webhook, T)
    assert await store.webhooks_due() == 0


async def test_the_webhooks_of_a_deleted_batch_are_gone_and_others_theirs(
    store: RecordStore,
) -> None:
    await store.upsert_batch(a_batch())
    await store.add_webhooks([a_webhook(), a_webhook("msg_2", batch_id="other")])
    await store.delete("batch-1")
    assert await store.webhooks("batch-1") == []
    assert await store.webhooks("other") == [a_webhook("msg_2", batch_id="other")]
