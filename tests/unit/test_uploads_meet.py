"""What must not be lost when two are at work on one upload: a janitor, a replica, an old batch."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest

from connectors.objects.folder import FolderStore
from connectors.objects.interface import PART_BYTES
from streamapp.archive import Limits
from streamapp.errors import Code, StreamappError
from streamapp.keys import archive_key, manifest_key, note_key, tail_key
from streamapp.progress import Counts, Status
from streamapp.upload import arrivals as arrivals_module
from streamapp.upload.admission import Offer
from streamapp.upload.arrivals import Renewal
from streamapp.upload.assembly import Assembly, assemble
from streamapp.upload.notes import LEASE_S, Note, Notes
from streamapp.upload.order import read_order
from streamapp.upload.part_writer import PartWriter
from streamapp.upload.reception import UploadLimits
from streamapp.upload.retention import FOR_EVER
from streamapp.upload.target import Stand, Target, stand
from tests.archives import zipped
from tests.e2e.upload_service import MIB, Surroundings

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_800_000_000.0
UPLOAD = "0" * 32
KEY = archive_key(UPLOAD)


class Bench(NamedTuple):
    store: FolderStore
    around: Surroundings
    parts: Assembly


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    store, around = FolderStore(tmp_path), Surroundings()
    store.prepare()
    parts = assemble(
        objects=store,
        publisher=around,
        progress=around,
        limits=UploadLimits(archive_bytes_max=MIB, archive=Limits()),
        kept=FOR_EVER,
        clock=lambda: NOW,
    )
    return Bench(store, around, parts)


async def offered(bench: Bench, **fields: str) -> Offer:
    content = zipped({"1.jpg": b"photo"})
    bench.store.put(KEY, content, "application/zip")
    return Offer(read_order({"projectId": "p1"} | fields, ""), KEY, len(content), "a.zip")


# A janitor while a part is admitted.


async def test_a_janitor_leaves_alone_what_is_being_admitted_however_long_it_took(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = await offered(bench)
    append = bench.parts.chain.append

    async def slow_append(*arguments: object, **options: object) -> object:
        assert not any((await bench.parts.janitor.round()).values())
        return await append(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.parts.chain, "append", slow_append)
    note = Note(upload=UPLOAD, archive=KEY, expires_at=NOW - LEASE_S)
    await bench.parts.admission.admit(note, offer)
    assert bench.store.keys("") == [KEY, manifest_key(UPLOAD)]


class SlowStore(FolderStore):
    """Whose writes take until they may go on."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.writing, self.go_on = threading.Event(), threading.Event()

    def put(self, key: str, data: bytes, content_type: str) -> None:
        self.writing.set()
        self.go_on.wait(5)
        super().put(key, data, content_type)


async def test_a_renewal_under_way_ends_before_the_upload_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals_module, "LEASE_S", 0.01)
    store = SlowStore(tmp_path)
    store.prepare()
    note = Note(upload=UPLOAD, archive=KEY, expires_at=NOW)
    renewal = Renewal(Notes(store), note, lambda: NOW)
    await asyncio.to_thread(store.writing.wait, 5)
    ending = asyncio.create_task(renewal.end())
    await asyncio.sleep(0.05)
    assert not ending.done()
    store.go_on.set()
    await ending
    store.delete(note_key(UPLOAD))
    await asyncio.sleep(0.05)
    assert store.keys("") == [], "and nothing is written after it"


# Two replicas at one resumable upload.


def target_in(store: FolderStore) -> Target:
    return Target(UPLOAD, KEY, store.begin_parts(KEY, "application/zip"), PART_BYTES)


async def test_a_tail_that_grew_meanwhile_is_counted_once(bench: Bench) -> None:
    target = target_in(bench.store)
    bench.store.put(tail_key(UPLOAD, 1), b"a" * 100, "")
    at = await stand(bench.store, target)
    bench.store.put(tail_key(UPLOAD, 1), b"a" * 150, "")
    writer = PartWriter(bench.store, target, at)
    await writer.write(b"b" * 100)
    await writer.close()
    assert (await stand(bench.store, target)).offset == 200
    assert bench.store.read(tail_key(UPLOAD, 1), 0, 999) == b"a" * 100 + b"b" * 100


async def test_a_tail_that_shrank_meanwhile_is_asked_for_again(bench: Bench) -> None:
    target = target_in(bench.store)
    bench.store.put(tail_key(UPLOAD, 1), b"a" * 50, "")
    writer = PartWriter(bench.store, target, Stand(0, 100, 100))
    with pytest.raises(StreamappError) as caught:
        await writer.write(b"b")
    assert caught.value.code is Code.UPLOAD_OFFSET


# A batch that is gone.


async def test_a_batch_removed_since_is_not_begun_anew_by_what_joins_it(bench: Bench) -> None:
    offer = await offered(bench, batchId="1" * 32)
    note = Note(upload=UPLOAD, archive=KEY, expires_at=NOW)
    with pytest.raises(StreamappError) as caught:
        await bench.parts.admission.admit(note, offer)
    assert caught.value.code is Code.BATCH_UNKNOWN


async def test_a_key_whose_batch_was_removed_is_not_taken_again(bench: Bench) -> None:
    order = read_order({"projectId": "p1"}, "k1")
    await bench.parts.admission.check(order)
    bench.around.known[order.new_batch] = Status(
        batch_id=order.new_batch,
        status="completed",
        image_count=1,
        progress=Counts(processed=1, total=1, failed=0),
        progress_percent=100,
    )
    with pytest.raises(StreamappError) as caught:
        await bench.parts.admission.check(order)
    assert caught.value.code is Code.KEY_REUSED


async def test_a_key_is_taken_also_while_no_worker_answers(bench: Bench) -> None:
    bench.around.progress_fault = StreamappError(Code.PROGRESS_AWAY)
    await bench.parts.admission.check(read_order({"projectId": "p1"}, "k1"))


async def test_the_same_request_again_needs_no_kafka(bench: Bench) -> None:
    offer = await offered(bench)
    order = read_order({"projectId": "p1"}, "k1")
    note = Note(upload=UPLOAD, archive=KEY, expires_at=NOW)
    part = await bench.parts.admission.admit(note, offer._replace(order=order))
    bench.around.kafka_fault = StreamappError(Code.KAFKA_AWAY)
    assert await bench.parts.admission.repeated(order) == part
