"""A worker that cannot go on ends itself, so that its supervisor starts another.

Each case breaks a real worker from within: a script makes the fault when a file appears.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest

from connectors.daemon import Daemon
from connectors.kafka import admin
from connectors.kafka.producer import EventProducer
from connectors.ports import free_ports
from streamapp.events import PhotoQueued, encode
from streamapp.settings import environment, read_settings
from streamapp.wiring.stores import object_store
from streamapp.wiring.values import topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamapp.settings import Settings

PATIENCE_S = 90.0
STALL_LIMIT_S = 10.0

PHOTO = PhotoQueued(
    batch="b1",
    project="p",
    index=0,
    name="missing.jpg",
    archive="archives/missing.zip",
    header_offset=0,
    compressed_bytes=900,
    photo_bytes=900,
    method=0,
    crc=0,
)

WORKER = """
import asyncio, os, pathlib, signal, sys, threading, time
from streamapp import logs
from streamapp.settings import read_settings
from streamapp.errors import Code, StreamappError
from streamapp.stream import app as stream_app, consumer_thread, detect, pacer, retry, tally
from streamapp.vision.children import Children
from streamapp.wiring import worker

consumer_thread.THREAD_ANSWERS_WITHIN_S = 3.0
detect.STORE_LIMIT_S = 1.0

async def fail(*_):
    raise RuntimeError("sabotage")

def cancel_fetcher():
    for future in app._fetcher._futures:
        future.cancel()

def never_acknowledge():
    tally.acknowledge = lambda event: None

async def hang(*_):
    await asyncio.Event().wait()

async def away(*_, **__):
    raise StreamappError(Code.STORE_AWAY)

def lose_the_outcomes():
    detect.STORE_LIMIT_S = 1000.0
    retry.Retries.put = hang

def objects_are_away():
    Children.run = away

def objects_are_away_and_the_batch_log_stands():
    objects_are_away()
    never_acknowledge()

def fail_the_pacer():
    pacer.Pacer._wait = pacer.Pacer._serve = fail
    for turns in wakers:
        turns.changed.set()

def end_the_client():
    thread_loop = app.consumer._thread.thread_loop
    thread_loop.call_soon_threadsafe(thread_loop.stop)

def block_the_client():
    app.consumer._thread.thread_loop.call_soon_threadsafe(time.sleep, 3600)

def freeze_the_children():
    children = [pid for pool in pools for pid in pool._pool_manager.worker_manager.workers]
    for pid in children:
        os.kill(pid, signal.SIGSTOP)
    if not children:  # not started yet
        asyncio.get_running_loop().call_later(0.1, freeze_the_children)

def block_the_loop():
    time.sleep(3600)

def none():
    pass

def sabotage(loop, at, what):
    while not at.exists():
        time.sleep(0.05)
    loop.call_soon_threadsafe(what)

pools = []
start_pool = Children._started_pool
def started_pool(children):
    pools.append(start_pool(children))
    return pools[-1]
Children._started_pool = started_pool

wakers = []
class Turns(stream_app.Turns):
    def __init__(self, **options):
        super().__init__(**options)
        wakers.append(self)
stream_app.Turns = Turns

if __name__ == "__main__":  # not again in its children
    settings = read_settings()
    logs.set_up("INFO")
    app = worker.worker_app(settings)
    at, what = pathlib.Path(sys.argv[1]), globals()[sys.argv[2]]

    @app.task
    async def arm():
        threading.Thread(
            target=sabotage, args=(asyncio.get_running_loop(), at, what), daemon=True
        ).start()

    stream_app.run(app, log_level="INFO")
"""


@pytest.fixture
def settings(kafka: str, tmp_path: Path) -> Settings:
    [port] = free_ports(1)
    settings = read_settings(
        data_dir=tmp_path,
        kafka_bootstrap=kafka,
        kafka_prefix=f"test-{uuid4().hex}.",
        worker_port=port,
        worker_concurrency=1,
        partitions=1,
        photo_time_limit_s=1,
        stall_limit_s=STALL_LIMIT_S,
    )
    object_store(settings).prepare()
    asyncio.run(admin.provision(kafka, topics(settings).specs(), replication_factor=1))
    return settings


@pytest.fixture
def worker(settings: Settings, tmp_path: Path, fault: str) -> Iterator[Daemon]:
    """A ready worker that breaks when the file ``now`` is there."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    daemon = Daemon(
        [sys.executable, str(script), str(tmp_path / "now"), fault],
        log=tmp_path / "worker.log",
        env=environment(settings),
    )
    daemon.start()
    try:
        wait_until_ready(settings, daemon)
        yield daemon
    finally:
        daemon.stop()


def wait_until_ready(settings: Settings, worker: Daemon) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        assert worker.exit_code is None, worker.log_tail()
        assert time.monotonic() < deadline, worker.log_tail()
        try:
            if httpx.get(f"http://127.0.0.1:{settings.worker_port}/ready").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)


async def give_work(settings: Settings) -> None:
    """An event for each stream that a worker acknowledges at once, and a photo for the children."""
    of = topics(settings)
    producer = EventProducer(settings.kafka_bootstrap)
    await producer.start()
    try:
        for topic in (of.archives, of.batches):
            await producer.publish(topic, b"b1", b"nothing that can be read")
        await producer.publish(of.photos("normal"), b"b1", encode(PHOTO))
    finally:
        await producer.close()


def wait_for_the_end(worker: Daemon) -> int:
    deadline = time.monotonic() + PATIENCE_S
    while (code := worker.exit_code) is None:
        assert time.monotonic() < deadline, worker.log_tail()
        time.sleep(0.1)
    return code


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("never_acknowledge", "no advance of the batch log"),
        ("cancel_fetcher", "no advance of"),
        ("end_the_client", "the thread of Kafka's client has ended"),
        ("block_the_client", "the thread of Kafka's client stands still"),
        ("freeze_the_children", "no advance of photos"),
        ("lose_the_outcomes", "no advance of photos"),
        ("objects_are_away_and_the_batch_log_stands", "no advance of the batch log"),
        ("fail_the_pacer", "this worker ends: pace failed"),
        ("block_the_loop", "its event loop is blocked"),
    ],
)
def test_it_ends_and_says_why(
    settings: Settings, worker: Daemon, tmp_path: Path, fault: str, why: str
) -> None:
    (tmp_path / "now").touch()
    time.sleep(0.5)  # the fault is made within a tenth
    asyncio.run(give_work(settings))
    assert wait_for_the_end(worker) != 0, fault
    assert why in (tmp_path / "worker.log").read_text()


@pytest.mark.parametrize("fault", ["none"])
def test_one_that_advances_lives(settings: Settings, worker: Daemon) -> None:
    end = time.monotonic() + STALL_LIMIT_S + 6
    while time.monotonic() < end:
        asyncio.run(give_work(settings))
        assert worker.exit_code is None, worker.log_tail()
        time.sleep(0.2)
    answer = httpx.get(f"http://127.0.0.1:{settings.worker_port}/live")
    assert (answer.status_code, answer.json()) == (200, {"live": True})


@pytest.mark.parametrize("fault", ["objects_are_away"])
def test_one_that_waits_for_the_store_lives(
    settings: Settings, worker: Daemon, tmp_path: Path
) -> None:
    (tmp_path / "now").touch()
    time.sleep(0.5)  # the fault is made within a tenth
    end = time.monotonic() + STALL_LIMIT_S + 6
    while time.monotonic() < end:
        asyncio.run(give_work(settings))
        assert worker.exit_code is None, worker.log_tail()
        time.sleep(0.2)
    url = f"http://127.0.0.1:{settings.worker_port}"
    assert httpx.get(f"{url}/ready").json()["services"]["objects"] != "ok"
    assert httpx.get(f"{url}/live").is_success
