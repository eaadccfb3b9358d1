from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from connectors.kafka.admin import create, describe
from connectors.kafka.embedded import EmbeddedKafka
from connectors.kafka.jars import jar_folder
from connectors.kafka.probe import kafka_answers
from connectors.ports import free_ports
from streamapp.errors import Code, StreamappError
from streamapp.topics import TopicSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PARTITION = TopicPartition("kept", 0)


def port_of(kafka: EmbeddedKafka) -> int:
    return int(kafka.bootstrap.rpartition(":")[2])


async def write_and_commit(bootstrap: str) -> None:
    await create(bootstrap, [TopicSpec(name="kept", partitions=1)], replication_factor=1)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for value in (b"one", b"two"):
            await producer.send_and_wait("kept", value)
    async with consumer(bootstrap) as reader:
        reader.assign([PARTITION])
        await reader.commit({PARTITION: 1})
        assert await reader.committed(PARTITION) == 1


def consumer(bootstrap: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id="readers", enable_auto_commit=False
    )


async def offset_once_loaded(reader: AIOKafkaConsumer) -> int | None:
    """The committed offset; a broker that has just started loads them a moment after it answers.

    A reader that asked before has gone to the end of the topic and must seek.
    """
    deadline = time.monotonic() + 10
    offset: int | None = None
    while offset is None and time.monotonic() < deadline:
        offset = await reader.committed(PARTITION)
        await asyncio.sleep(0.1)
    return offset


def test_it_answers_when_started_and_is_silent_when_stopped(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as kafka:
        assert kafka_answers(port_of(kafka))
    assert not kafka_answers(port_of(kafka))


async def test_messages_and_committed_offsets_survive_a_restart_on_another_port(
    tmp_path: Path,
) -> None:
    with EmbeddedKafka(tmp_path) as before:
        await write_and_commit(before.bootstrap)
    with EmbeddedKafka(tmp_path) as after:
        async with consumer(after.bootstrap) as reader:
            reader.assign([PARTITION])
            assert await offset_once_loaded(reader) == 1
            await reader.seek_to_committed()
            assert (await reader.getone()).value == b"two"
    assert after.bootstrap != before.bootstrap


async def test_data_survive_kill_9_of_the_broker(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as before:
        await write_and_commit(before.bootstrap)
        os.kill(before.pid, signal.SIGKILL)
    with EmbeddedKafka(tmp_path) as after:
        async with consumer(after.bootstrap) as reader:
            reader.assign([PARTITION])
            assert await offset_once_loaded(reader) == 1
            await reader.seek_to_committed()
            assert (await reader.getone()).value == b"two"


async def test_topics_are_not_created_by_using_them(kafka: str) -> None:
    topic = f"unheard-of-{uuid4().hex}"
    async with AIOKafkaProducer(bootstrap_servers=kafka, request_timeout_ms=500) as producer:
        with pytest.raises(Exception, match="UnknownTopicOrPartition"):
            await producer.send_and_wait(topic, b"value")
    assert await describe(kafka, [topic]) == {}


def test_a_second_broker_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as first:
        with pytest.raises(StreamappError, match="another one is running") as refusal:
            EmbeddedKafka(tmp_path).start()
        assert kafka_answers(port_of(first))
    assert refusal.value.code is Code.KAFKA_NOT_STARTED


def test_a_taken_port_is_refused(kafka: str, tmp_path: Path) -> None:
    port = int(kafka.rpartition(":")[2])
    with pytest.raises(StreamappError, match="is taken"):
        EmbeddedKafka(tmp_path, port=port).start()


def test_a_broker_that_cannot_start_says_why_and_leaves_nothing_running(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path):
        pass
    (tmp_path / "log" / "meta.properties").write_text("version=1\ncluster.id=other\nnode.id=2\n")
    broken = EmbeddedKafka(tmp_path)
    with pytest.raises(StreamappError, match=r"it ended with 1; (.|\n)*node.id") as refusal:
        broken.start()
    assert refusal.value.code is Code.KAFKA_NOT_STARTED
    with pytest.raises(StreamappError, match="not running"):
        _ = broken.pid


def test_a_killed_parent_takes_its_broker_along(tmp_path: Path) -> None:
    with started_elsewhere(tmp_path) as (parent, broker):
        parent.kill()
        parent.wait()
        wait_until_gone(broker)


def test_the_end_of_the_thread_that_started_a_broker_does_not_end_it(tmp_path: Path) -> None:
    with started_elsewhere(tmp_path) as (_, broker):
        assert broker.name() == "java"
        for _ in range(5):  # the kernel's signal would come a moment after the thread's end
            assert broker.status() != psutil.STATUS_ZOMBIE
            time.sleep(0.1)


def test_ctrl_c_in_a_terminal_does_not_reach_the_broker(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as kafka:
        assert os.getpgid(kafka.pid) != os.getpgrp()
        assert os.getsid(kafka.pid) != os.getsid(0)


_PARENT = """
import sys, threading
from pathlib import Path
from connectors.kafka.embedded import EmbeddedKafka
kafka = EmbeddedKafka(Path(sys.argv[1]))
starter = threading.Thread(target=kafka.start)
starter.start()
starter.join()
print(kafka.pid, flush=True)
threading.Event().wait()
"""


@contextmanager
def started_elsewhere(data: Path) -> Iterator[tuple[subprocess.Popen[bytes], psutil.Process]]:
    """A process that started a broker, from a thread that has ended, and the broker."""
    command = [sys.executable, "-c", _PARENT, str(data)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        try:
            yield parent, psutil.Process(int(parent.stdout.readline()))
        finally:
            parent.kill()


def wait_until_gone(process: psutil.Process) -> None:
    deadline = time.monotonic() + 10
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the broker outlived its parent"
        time.sleep(0.05)


def test_the_jars_are_not_fetched_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = jar_folder()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_ports(1)[0]}")
    assert jar_folder() == folder
    assert len(list(folder.glob("*.jar"))) > 40
