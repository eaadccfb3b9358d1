"""Over HTTP: who is to be told of a batch's end, what was told, and that it is told again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec import structs

from connectors.records.outbox import Delivery
from connectors.records.sqlite import SqliteRecords
from streamapp.errors import Code
from streamapp.events import opening
from streamapp.progress import fold
from tests.e2e.test_tus import TUS, told
from tests.e2e.test_upload_http import left, refused, zipped
from tests.e2e.upload_service import MIB, Surroundings, make_app, serving
from tests.webhook_records import a_webhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from connectors.objects.folder import FolderStore
    from connectors.records.outbox import Webhook

HOOK = "https://example.com/hook?token=a%20b"
T = 1_700_000_000.5


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return tmp_path / "records.sqlite"


@pytest.fixture
def url(store: FolderStore, around: Surroundings, rows: Path) -> Iterator[str]:
    app = make_app(store, around, records=SqliteRecords(rows), archive_bytes_max=4 * MIB)
    with serving(app) as url:
        yield url


@asynccontextmanager
async def outbox(rows: Path) -> AsyncIterator[SqliteRecords]:
    records = SqliteRecords(rows)
    await records.prepare()
    yield records
    await records.close()


def write(rows: Path, *webhooks: Webhook) -> None:
    async def work() -> None:
        async with outbox(rows) as records:
            await records.add_webhooks(webhooks)

    asyncio.run(work())


def read(rows: Path, batch: str) -> Sequence[Webhook]:
    async def work() -> Sequence[Webhook]:
        async with outbox(rows) as records:
            return await records.webhooks(batch)

    return asyncio.run(work())


def bring(url: str, way: str, store: FolderStore, **fields: str) -> httpx.Response:
    """Bring photos in by one of the ways."""
    fields = {"projectId": "p1"} | fields
    at = f"{url}/api/batch"
    match way:
        case "form":
            file = {"file": ("photos.zip", zipped())}
            return httpx.post(f"{at}/upload-zip", data=fields, files=file)
        case "body":
            return httpx.put(f"{at}/archives/photos.zip", params=fields, content=zipped())
        case "images":
            return httpx.post(f"{at}/add-images", data=fields, files={"images": ("a.jpg", b"x")})
        case "keys":
            store.put("in/a.jpg", b"x", "image/jpeg")
            return httpx.post(f"{at}/add-images", json=fields | {"keys": ["in/a.jpg"]})
        case "import":
            store.put("in/photos.zip", zipped(), "application/zip")
            return httpx.post(f"{at}/import", json=fields | {"key": "in/photos.zip"})
        case _:
            body = zipped()
            headers = {
                "Upload-Length": str(len(body)),
                "Upload-Metadata": told(**fields),
                "Content-Type": "application/offset+octet-stream",
            }
            return httpx.post(f"{at}/uploads", content=body, headers=TUS | headers)


WAYS = ["form", "body", "images", "keys", "import", "tus"]


@pytest.mark.parametrize("way", WAYS)
def test_who_is_to_be_told_of_a_batch_comes_with_its_photos(
    url: str, store: FolderStore, around: Surroundings, way: str
) -> None:
    assert bring(url, way, store, webhookUrl=HOOK).is_success
    (event,) = around.published
    assert event.webhook_url == HOOK
    assert fold(None, opening(event, 1.0)).webhook_url == HOOK


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hook", ["ftp://example.com/", "https://a:b@example.com", "//x", "'"])
def test_an_address_that_can_be_none_is_refused(
    url: str, store: FolderStore, around: Surroundings, way: str, hook: str
) -> None:
    refused(bring(url, way, store, webhookUrl=hook), Code.FIELD_INVALID)
    assert not around.published


@pytest.mark.parametrize("way", WAYS)
def test_a_service_that_cannot_sign_says_so_before_anything_is_taken_in(
    store: FolderStore, around: Surroundings, way: str
) -> None:
    with serving(make_app(store, around, webhooks=False)) as url:
        refused(bring(url, way, store, webhookUrl=HOOK), Code.WEBHOOKS_OFF)
        assert [key for key in left(store) if not key.startswith("in/")] == []
        assert bring(url, way, store).is_success


def test_the_same_key_with_another_address_is_another_request(
    url: str, around: Surroundings
) -> None:
    def put(hook: str) -> httpx.Response:
        return httpx.put(
            f"{url}/api/batch/archives/photos.zip",
            params={"projectId": "p1", "webhookUrl": hook},
            content=zipped(),
            headers={"Idempotency-Key": "once"},
        )

    assert put(HOOK).json() == put(HOOK).json()
    refused(put("https://example.com/other"), Code.KEY_REUSED)
    assert len({event.batch for event in around.published}) == 1


@pytest.fixture
def batch(url: str, store: FolderStore) -> str:
    return str(bring(url, "body", store).json()["batchId"])


def hooks(url: str, batch: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{url}/api/batch/{batch}/webhooks")
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is True
    found: list[dict[str, Any]] = answer.json()["webhooks"]
    return found


def test_a_batch_without_webhooks_has_an_empty_log(url: str, batch: str) -> None:
    assert hooks(url, batch) == []


def test_the_log_tells_of_every_attempt_and_hides_the_address_of_all_batches(
    url: str, batch: str, rows: Path
) -> None:
    attempts = (
        Delivery(at=T, seconds=0.25, status=503),
        Delivery(at=T + 5, seconds=15.0, fault="no answer in time"),
    )
    due = a_webhook(batch_id=batch, url=HOOK, next_at=T + 20, attempts=attempts)
    delivered = a_webhook("msg_2", batch_id=batch, url="", state="delivered")
    write(rows, due, delivered, a_webhook("msg_3", batch_id="other"))
    first, second = sorted(hooks(url, batch), key=lambda each: str(each["id"]))
    assert first == {
        "id": "msg_1",
        "type": "batch.completed",
        "url": HOOK,
        "state": "due",
        "nextAt": T + 20,
        "payload": {"type": "batch.completed"},
        "attempts": [
            {"at": T, "seconds": 0.25, "status": 503, "fault": None},
            {"at": T + 5, "seconds": 15.0, "status": None, "fault": "no answer in time"},
        ],
    }
    assert (second["url"], second["state"], second["nextAt"]) == (None, "delivered", None)


def test_a_webhook_is_due_again_when_it_is_to_be_resent(url: str, batch: str, rows: Path) -> None:
    before = a_webhook(batch_id=batch, state="delivered", claims=1)
    write(rows, before)
    answer = httpx.post(f"{url}/api/batch/{batch}/webhooks/msg_1/resend")
    assert (answer.status_code, answer.json()) == (202, {"success": True, "webhookId": "msg_1"})
    now = 1_700_000_000.0  # the uploader's clock
    assert read(rows, batch) == [
        structs.replace(before, state="due", claims=2, due_since=now, next_at=now)
    ]


@pytest.mark.parametrize("webhook", ["msg_2", "' OR '1'='1", "%00", "%F0%9F%98%80"])
def test_an_unknown_webhook_is_not_sent(url: str, batch: str, rows: Path, webhook: str) -> None:
    write(rows, a_webhook(batch_id=batch, state="delivered"))
    at = f"{url}/api/batch/{batch}/webhooks/{webhook}/resend"
    refused(httpx.post(at), Code.WEBHOOK_UNKNOWN)
    assert [each.state for each in read(rows, batch)] == ["delivered"]


@pytest.mark.parametrize("batch", ["0" * 32, "x", "' OR '1'='1", "%00"])
def test_an_unknown_batch_has_no_log(url: str, batch: str) -> None:
    refused(httpx.get(f"{url}/api/batch/{batch}/webhooks"), Code.BATCH_UNKNOWN)
    refused(httpx.post(f"{url}/api/batch/{batch}/webhooks/m/resend"), Code.BATCH_UNKNOWN)


def test_while_the_database_is_away_photos_are_taken_and_the_log_waits(
    store: FolderStore, around: Surroundings, tmp_path: Path
) -> None:
    away = SqliteRecords(tmp_path / "missing" / "records.sqlite")
    with serving(make_app(store, around, records=away)) as url:
        batch = bring(url, "body", store, webhookUrl=HOOK).json()["batchId"]
        answer = httpx.get(f"{url}/api/batch/{batch}/webhooks")
        refused(answer, Code.RECORDS_AWAY)
        assert int(answer.headers["Retry-After"]) > 0
