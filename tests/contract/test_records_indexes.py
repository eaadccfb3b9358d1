"""Every question to the database finds its answer by an index, in its order, as its plan says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connectors.records.mysql import MysqlRecords
from connectors.records.sqlite import SqliteRecords
from tests.batch_records import a_batch
from tests.photo_records import a_failed_row, a_row
from tests.webhook_records import a_webhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from connectors.records.interface import RecordStore
    from tests.contract.record_stores import Place

BATCHES, PHOTOS = 30, 200


class Explained:
    """What the database says that it would do for each question."""

    explain: str
    plans: list[str]

    async def _select(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        ask = super()._select  # type: ignore[misc]  # of the store
        self.plans += map(str, await ask(f"{self.explain} {sql}", *parameters))
        found: list[tuple[Any, ...]] = await ask(sql, *parameters)
        return found


class ExplainedSqlite(Explained, SqliteRecords):
    explain = "EXPLAIN QUERY PLAN"


class ExplainedMysql(Explained, MysqlRecords):
    explain = "EXPLAIN"


@pytest.fixture
async def explained(place: Place) -> AsyncIterator[ExplainedSqlite | ExplainedMysql]:
    """A store that holds some batches, so that reading all of a table would cost."""
    at = place.address
    store = ExplainedSqlite(at) if isinstance(at, Path) else ExplainedMysql.from_url(at)
    store.plans = []
    await store.prepare()
    for number in range(BATCHES):
        batch = f"b{number}"
        of_batch: dict[str, Any] = {"batch_id": batch, "project_id": f"p{number % 5}"}
        rows = [
            (a_row if index % 10 else a_failed_row)(index, id=f"{batch}-{index:08d}", **of_batch)
            for index in range(PHOTOS)
        ]
        await store.upsert(rows)
        for copy in range(20):
            await store.upsert_batch(
                a_batch(
                    f"{batch}-{copy}",
                    created_at=1e9 + number,
                    project_id=f"p{number % 5}",
                    external_id=f"x{number % 7}",
                    status="processing" if number % 9 == 0 else "completed",
                )
            )
    states = ("due", "delivered", "delivered", "delivered", "failed")
    await store.add_webhooks(
        [
            a_webhook(f"m{n}", batch_id=f"b{n % BATCHES}", state=states[n % 5], next_at=1e9 + n)
            for n in range(20 * BATCHES)
        ]
    )
    for table in ("data_records", "batches", "webhooks"):
        place.execute(f"ANALYZE {'TABLE ' if isinstance(at, str) else ''}{table}")
    yield store
    await store.close()


async def whole(store: RecordStore) -> list[int]:
    return [row.photo_index async for row in store.rows("b7")]


QUESTIONS: dict[str, Callable[[RecordStore], Awaitable[object]]] = {
    "the rows": whole,
    "photos": lambda store: store.photos("b7", after=17, limit=5),
    "failed photos": lambda store: store.photos("b7", state="failed", after=17, limit=5),
    "photos without a face": lambda store: store.photos("b7", state="no-face", limit=5),
    "a photo": lambda store: store.photo("b7", 17),
    "counts": lambda store: store.counts("b7"),
    "failed by": lambda store: store.failed_by("b7"),
    "a batch": lambda store: store.batch("b7-1"),
    "batches": lambda store: store.batches(limit=5),
    "older batches": lambda store: store.batches(before="b7-1", limit=5),
    "batches by status": lambda store: store.batches(status="processing", limit=5),
    "batches of a project": lambda store: store.batches(project="p3", before="b7-1", limit=5),
    "webhooks of a batch": lambda store: store.webhooks("b7"),
    "webhooks that are due": lambda store: store.claim_webhooks(now=1e9 + 9, until=2e9, limit=2),
    "how many are due": lambda store: store.webhooks_due(),
    "batches by their own name": lambda store: store.batches(external_id="x3", limit=5),
}


A_FEW_ARE_SORTED = {"photos", "failed photos", "photos without a face", "failed by"}
"""The page that was found, or the codes."""


async def test_no_table_is_read_through_nor_sorted(
    explained: ExplainedSqlite | ExplainedMysql,
) -> None:
    for question, ask in QUESTIONS.items():
        explained.plans.clear()
        await ask(explained)
        plan = f"{question}:\n" + "\n".join(explained.plans)
        assert "SCAN data_records" not in plan, plan
        assert "SCAN webhooks" not in plan, plan
        assert "SCAN batches" not in plan.replace("SCAN batches USING INDEX", ""), plan
        assert "'ALL'" not in plan.replace("<derived2>', 'ALL'", ""), plan
        if question not in A_FEW_ARE_SORTED:
            assert "TEMP B-TREE" not in plan, plan
            assert "filesort" not in plan, plan
