"""Replay from Kafka: the same crops, rows and counts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streamapp.wiring.stores import object_store
from streamapp.wiring.values import topics
from tests.e2e.installation import assert_exact

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.records.interface import PhotoRecord
    from streamapp.topics import Topics
    from tests.e2e.installation import Installation


async def reset_to_earliest(bootstrap: str, of: Topics) -> None:
    """``kafka-consumer-groups --reset-offsets --to-earliest`` for the workers' group.

    Like that, it needs a group without members; one that left without a word is dropped by Kafka
    when its session has timed out.
    """
    names = [of.archives, of.batches, of.photos("high"), of.photos("normal"), of.photos("low")]
    partitions = [TopicPartition(name, n) for name in names for n in range(of.partitions)]
    async with asyncio.timeout(60):
        while not await _moved_to_zero(bootstrap, of.app_id, partitions):
            await asyncio.sleep(1)


async def _moved_to_zero(bootstrap: str, group: str, partitions: list[TopicPartition]) -> bool:
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
    ) as consumer:
        consumer.assign(partitions)
        with suppress(KafkaError):
            await consumer.commit(dict.fromkeys(partitions, 0))
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
    ) as consumer:
        consumer.assign(partitions)
        return {await consumer.committed(partition) for partition in partitions} == {0}


def test_the_whole_log_read_again_changes_nothing(
    installation: Installation, archive: Path
) -> None:
    batch = installation.upload(archive)["batchId"]
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert_exact(installation, batch, archive, failed=3)
    rows = installation.rows(batch, 1)
    store = object_store(installation.settings)
    crops = {key: store.read(key, 0, 1 << 20) for key in installation.crops(batch)}
    for key in crops:
        store.delete(key)

    for worker in installation.members.workers:
        worker.daemon.stop()
        assert worker.daemon.exit_code == 0, "the worker did not end by itself"
    settings = installation.settings
    asyncio.run(reset_to_earliest(settings.kafka_bootstrap, topics(settings)))
    for worker in installation.members.workers:
        worker.start()

    installation.wait_for_crops(batch, set(crops))
    seen = installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert set(seen) == {len(rows)}, "progress went backwards"
    assert_exact(installation, batch, archive, failed=3)
    assert {key: store.read(key, 0, 1 << 20) for key in crops} == crops
    again = installation.rows(batch, len(rows))
    assert list(map(without_time, again)) == list(map(without_time, rows))


def without_time(row: PhotoRecord) -> PhotoRecord:
    return msgspec.structs.replace(row, finished_at=0.0)
