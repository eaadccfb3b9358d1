"""Reads the evidence: topics, table, API, rows, objects and archives, with nothing of the product.

Kafka by its client, JSON and MessagePack without the product's types, the database by SQL, the
store by its own client, the archives by Python's ``zipfile``.
"""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import httpx
import msgspec
import pymysql
from aiokafka import AIOKafkaConsumer, TopicPartition
from minio import Minio
from pyroaring import BitMap

from ops.chaos.evidence import Answer, Evidence, Row, RunInTable, Table, Told, Wanted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from ops.chaos.installation import Installation
    from streamapp.settings import Settings

CLUTTER = ("__MACOSX/", ".DS_Store")
_ROWS = (
    "SELECT photo_index, face_index, photo_name, processing_status, face_detected, face_crop_url, "
    "error_code FROM data_records WHERE batch_id = %s"
)
_OK = 200

Outcomes = dict[int, dict[int, tuple[Told, ...]]]
Graves = dict[int, tuple[tuple[str, ...], ...]]


class Batch(NamedTuple):
    """A batch as its client knows it: its parts in order, a ZIP or names of photos each."""

    id: str
    parts: tuple[Path | tuple[str, ...], ...]
    cancel: bool = False
    runs: int = 1

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """Its photos, from the directories: how each must end is in its name."""
        return tuple(wanted for part in self.parts for wanted in wanted_of(part))


def read_evidence(installation: Installation, batches: Sequence[Batch]) -> list[Evidence]:
    """All that is known of each batch now."""
    outcomes, graves = asyncio.run(_read_topics(installation))
    return [
        Evidence(
            batch=batch.id,
            wanted=batch.wanted,
            cancel=batch.cancel,
            outcomes=outcomes.get(batch.id, {}),
            table=_table(installation, batch.id),
            answers=_answers(installation, batch.id),
            rows=_rows(installation, batch.id),
            crops=_crops(installation, batch.id),
            dead=graves.get(batch.id, {}),
            runs=batch.runs,
        )
        for batch in batches
    ]


def wanted_of(part: Path | tuple[str, ...]) -> Iterator[Wanted]:
    """The photos of a part, from its directory: how each must end is in its name."""
    if not isinstance(part, tuple):
        with zipfile.ZipFile(part) as archive:
            part = tuple(entry.filename for entry in archive.infolist())
    seen = set()
    for name in part:
        if name.startswith(CLUTTER):
            continue
        kind = name.partition("-")[0]
        if name in seen:
            yield Wanted(name, code="entry_duplicate")
        elif kind.startswith("bad_"):
            yield Wanted(name, code=kind.removeprefix("bad_"))
        else:
            yield Wanted(name, faces=int(kind.removeprefix("face")))
        seen.add(name)


async def _read_topics(installation: Installation) -> tuple[dict[str, Outcomes], dict[str, Graves]]:
    settings = installation.settings
    outcomes: dict[str, Any] = defaultdict(lambda: defaultdict(lambda: defaultdict(tuple)))
    async for event, _ in _records(settings, "batches"):
        if event["type"] == "PhotosFinished":
            run = outcomes[event["batch"]][event.get("run", 1)]
            for outcome in event["outcomes"]:
                run[outcome["index"]] += (_told(outcome),)
    graves: dict[str, Any] = defaultdict(lambda: defaultdict(tuple))
    async for event, headers in _records(settings, "photos-dead"):
        history = json.loads(headers.get("attempts", "[]"))
        codes = tuple(attempt["code"] for attempt in history)
        graves[event["batch"]][event["index"]] += (codes,)
    return outcomes, graves


async def _records(settings: Settings, topic: str) -> AsyncIterator[tuple[Any, dict[str, str]]]:
    """Each event of a topic with its headers, from its beginning to its present end."""
    async with AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        partitions = [TopicPartition(topic, n) for n in range(settings.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(each) < end for each, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    headers = {name: value.decode() for name, value in record.headers}
                    yield json.loads(record.value), headers


def _told(outcome: dict[str, Any]) -> Told:
    crops = tuple(face.get("crop") or "" for face in outcome.get("faces", ()))
    return Told(outcome["name"], outcome["state"], crops, outcome.get("code", ""))


def _table(installation: Installation, batch: str) -> Table | None:
    for name, url in installation.urls.items():
        if not name.startswith("worker"):
            continue
        try:
            answer = httpx.get(f"{url}/api/batch/table/{batch}", timeout=10, trust_env=False)
        except httpx.TransportError:
            continue
        if answer.status_code == _OK:
            return _row_of_table(msgspec.msgpack.decode(answer.content))
    return None


def _row_of_table(row: dict[str, Any]) -> Table:
    total = max(
        (part["first_index"] + part.get("photos", 0) for part in row.get("parts", ())), default=0
    )
    return Table(
        *_ended(row),
        total=total,
        cancelled=row.get("cancelled_at", 0) > 0,
        runs={run["run"]: _ended(run) for run in row.get("runs", ())},
    )


def _ended(run: dict[str, Any]) -> RunInTable:
    return RunInTable(_indexes(run.get("finished", b"")), _indexes(run.get("failed", b"")))


def _indexes(serialized: bytes) -> frozenset[int]:
    return frozenset(BitMap.deserialize(serialized)) if serialized else frozenset()


def _answers(installation: Installation, batch: str) -> dict[str, Answer]:
    answers = {}
    for name, url in installation.urls.items():
        try:
            answer = httpx.get(f"{url}/api/batch/status/{batch}", timeout=10, trust_env=False)
        except httpx.TransportError:
            continue
        if answer.status_code == _OK:
            told = answer.json()["batch"]
            counts = told["progress"]
            answers[name] = Answer(
                told["status"], counts["processed"], counts["failed"], counts["total"]
            )
    return answers


def _rows(installation: Installation, batch: str) -> tuple[Row, ...]:
    url = urlsplit(installation.settings.records_url.get_secret_value())
    connection = pymysql.connect(
        host=url.hostname,
        port=url.port or 3306,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        database=url.path.strip("/"),
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(_ROWS, (batch,))
        return tuple(_row(*values) for values in cursor.fetchall())


def _row(  # noqa: PLR0917 - the columns of the query
    photo: int, face: int, name: str, state: str, detected: int, url: str | None, code: str | None
) -> Row:
    crop = urlsplit(url).path.split("/", 2)[2] if url else ""
    return Row(photo, face, name, state, bool(detected), crop, code or "")


def _crops(installation: Installation, batch: str) -> frozenset[str]:
    settings = installation.settings
    url = urlsplit(settings.objects_url)
    client = Minio(
        endpoint=url.netloc,
        access_key=settings.objects_access_key,
        secret_key=settings.objects_secret_key.get_secret_value(),
        secure=False,
    )
    found = client.list_objects(url.path.strip("/"), prefix=f"crops/{batch}/", recursive=True)
    return frozenset(str(each.object_name) for each in found)
