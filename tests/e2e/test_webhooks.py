"""A whole installation tells receivers of the ends of batches, also when its workers are killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiohttp import web

from ops.sample.make import make_sample
from tests.e2e.test_metrics import summed
from tests.webhook_receiver import SECRET, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.installation import Installation

PATIENCE_S = 120.0


@contextmanager
def in_a_thread(receiver: Receiver) -> Iterator[Receiver]:
    """The receiver, serving on a loop of its own."""
    started, ended = threading.Event(), threading.Event()

    async def serve() -> None:
        async with receiver.serving():
            started.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(10)
    try:
        yield receiver
    finally:
        ended.set()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def of_all() -> Iterator[Receiver]:
    """Who is told of all batches."""
    with in_a_thread(Receiver()) as receiver:
        yield receiver


@pytest.fixture
def own() -> Iterator[Receiver]:
    """Who is told of one batch."""
    with in_a_thread(Receiver()) as receiver:
        yield receiver


@pytest.fixture
def other_settings(of_all: Receiver) -> dict[str, Any]:
    return {
        "webhook_secret": SECRET,
        "webhook_url": of_all.url,
        "webhook_hosts_allowed": "127.0.0.1",
    }


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    path = tmp_path / "photos.zip"
    make_sample(path, photos=12)
    return path


def hooks(installation: Installation, batch: str, count: int, state: str) -> list[dict[str, Any]]:
    """The log of the batch, once there are as many in that state."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = httpx.get(f"{installation.members.uploader.url}/api/batch/{batch}/webhooks")
        found: list[dict[str, Any]] = answer.json().get("webhooks", [])
        if sum(each["state"] == state for each in found) == count:
            return found
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)


def ids(receiver: Receiver) -> list[str]:
    return [message.headers["webhook-id"] for message in receiver.messages]


def test_both_receivers_are_told_of_the_end_and_told_again_when_asked_to(
    installation: Installation, photos: Path, of_all: Receiver, own: Receiver
) -> None:
    own.answers = [web.Response(status=500)]
    fields = {"externalId": "order 17", "webhookUrl": own.url}
    batch = installation.upload(photos, **fields)["batchId"]
    log = hooks(installation, batch, 2, "delivered")
    assert {each["url"]: [a["status"] for a in each["attempts"]] for each in log} == {
        None: [200],
        own.url: [500, 200],
    }
    (message,) = of_all.messages
    content = message.verified
    assert content["type"] == "batch.completed"
    assert content["data"] == {
        "batchId": batch,
        "externalId": "order 17",
        "projectId": "tests",
        "run": 1,
        "status": "completed",
        "counts": {"photos": 12, "processed": 12, "failed": 0, "cancelled": 0},
    }
    assert [each.verified for each in own.messages] == [content, content]
    assert len(set(ids(own))) == 1
    assert ids(own)[0] != ids(of_all)[0]

    at = f"{installation.members.uploader.url}/api/batch/{batch}/webhooks/{ids(own)[0]}/resend"
    assert httpx.post(at).status_code == 202
    deadline = time.monotonic() + PATIENCE_S
    while len(own.messages) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    hooks(installation, batch, 2, "delivered")
    assert len(set(ids(own))) == 1
    assert own.messages[-1].verified == content
    delivered = summed(installation, "streamapp_webhooks_total")
    assert (delivered[("delivered",)], delivered[("retried",)]) == (3, 1)


def test_a_message_under_way_when_all_workers_are_killed_is_delivered_under_the_same_id(
    installation: Installation, photos: Path, of_all: Receiver
) -> None:
    of_all.hangs = True
    batch = installation.upload(photos)["batchId"]
    deadline = time.monotonic() + PATIENCE_S
    while not of_all.messages:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for worker in installation.members.workers:
        os.kill(worker.daemon.pid, signal.SIGKILL)
    of_all.hangs = False
    for worker in installation.members.workers:
        while worker.daemon.exit_code is None:
            time.sleep(0.02)
        worker.start()
    (told,) = hooks(installation, batch, 1, "delivered")
    assert ids(of_all) == [told["id"], told["id"]]
    assert json.loads(of_all.messages[0].body) == of_all.messages[1].verified


def test_an_end_that_comes_while_all_workers_are_killed_is_told_once(
    installation: Installation, photos: Path, of_all: Receiver
) -> None:
    """They are killed again and again around the end, which is found in the log by those after."""
    batch = installation.upload(photos)["batchId"]
    for _ in range(3):
        time.sleep(0.7)
        for worker in installation.members.workers:
            os.kill(worker.daemon.pid, signal.SIGKILL)
            while worker.daemon.exit_code is None:
                time.sleep(0.02)
            worker.start()
    (told,) = hooks(installation, batch, 1, "delivered")
    assert set(ids(of_all)) == {told["id"]}
    assert told["payload"]["data"]["counts"]["processed"] == 12


def test_a_cancelled_batch_is_told_of(
    installation: Installation, tmp_path: Path, of_all: Receiver
) -> None:
    path = tmp_path / "many.zip"
    make_sample(path, photos=600)
    batch = installation.upload(path)["batchId"]
    url = f"{installation.members.uploader.url}/api/batch/{batch}/cancel"
    assert httpx.post(url).status_code == 200
    (told,) = hooks(installation, batch, 1, "delivered")
    assert told["type"] == "batch.cancelled"
    counts = of_all.messages[0].verified["data"]["counts"]
    assert counts["processed"] + counts["cancelled"] == counts["photos"] == 600
    assert counts["cancelled"] > 0
