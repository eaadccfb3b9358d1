"""A client waits for news of a batch, or follows it, and the owner is asked once for all."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest

from streamapp import progress
from streamapp.errors import Code, StreamappError
from streamapp.keys import STATUS_PATH
from streamapp.upload.watch import GAP_S, LOOK_S
from tests.e2e.installation import BROKEN, PHOTOS
from tests.e2e.server_events import followed
from tests.e2e.test_upload_http import refused
from tests.e2e.upload_service import Surroundings, eventually, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.applications import Starlette

    from connectors.objects.folder import FolderStore
    from streamapp.members import Member
    from streamapp.upload.watches import Watches
    from tests.e2e.installation import Installation

BATCH = "ab" * 16


def at(
    processed: int, state: progress.BatchState = "processing", *, settled: bool = False
) -> progress.Status:
    return progress.Status(
        batch_id=BATCH,
        status=state,
        image_count=100,
        progress=progress.Counts(processed=processed, total=100, failed=0),
        progress_percent=processed,
        settled=settled,
    )


def ask(url: str, wait: object = None, known: str = "") -> httpx.Response:
    params = {} if wait is None else {"wait": str(wait)}
    headers = {"If-None-Match": known} if known else {}
    return httpx.get(f"{url}{STATUS_PATH}/{BATCH}", params=params, headers=headers, timeout=60)


@pytest.fixture
def app(store: FolderStore, around: Surroundings) -> Starlette:
    around.known[BATCH] = at(1)
    return make_app(store, around, watchers_max=300)


@pytest.fixture
def url(app: Starlette) -> Iterator[str]:
    with serving(app) as url:
        yield url


@pytest.fixture
def watches(app: Starlette) -> Watches:
    watches: Watches = app.state.watches
    return watches


def is_quiet(watches: Watches) -> bool:
    return not watches._watchers and not watches._kept


# The tag.


def test_a_status_that_the_client_knows_is_304(url: str, around: Surroundings) -> None:
    first = ask(url)
    tag = first.headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = ask(url, known=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert ask(url, known='"other"').status_code == 200
    around.known[BATCH] = at(2)
    other = ask(url, known=tag)
    assert (other.status_code, other.json()["batch"]["progressPercent"]) == (200, 2)
    assert other.headers["etag"] != tag


@pytest.mark.parametrize("wait", ["-1", "61", "x", "", "1.5", "٣", "9" * 5000])
def test_a_time_to_wait_that_is_none_is_refused(url: str, wait: str) -> None:
    problem = refused(ask(url, wait), Code.FIELD_INVALID)
    assert problem["detail"] == "wait must be a whole number of seconds from 0 to 60"


# The long poll.


def test_an_answer_comes_when_the_status_changes(url: str, around: Surroundings) -> None:
    with ThreadPoolExecutor() as pool:
        began = time.monotonic()
        waiting = [pool.submit(ask, url, 60), pool.submit(ask, url, 60, ask(url).headers["etag"])]
        asked = around.asked
        assert eventually(lambda: around.asked > asked + 1)
        around.known[BATCH] = at(7)
        answers = [each.result() for each in waiting]
    assert [answer.json()["batch"]["progressPercent"] for answer in answers] == [7, 7]
    assert time.monotonic() - began < 60


def test_an_answer_comes_at_once_when_the_client_knows_another_status(url: str) -> None:
    began = time.monotonic()
    answer = ask(url, 60, '"other"')
    assert (answer.status_code, answer.json()["batch"]["progressPercent"]) == (200, 1)
    assert time.monotonic() - began < 60


def test_when_the_time_is_over_the_status_is_as_it_was(url: str) -> None:
    assert ask(url, 1).json()["batch"]["progressPercent"] == 1
    assert ask(url, 1, ask(url).headers["etag"]).status_code == 304


def test_an_owner_that_is_away_for_a_while_is_waited_out(url: str, around: Surroundings) -> None:
    tag = ask(url).headers["etag"]
    around.progress_fault = StreamappError(Code.PROGRESS_AWAY)
    refused(ask(url), Code.PROGRESS_AWAY)
    asked = around.asked
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask, url, 60, tag)
        assert eventually(lambda: around.asked > asked + 2)
        around.known[BATCH], around.progress_fault = at(8), None
        assert waiting.result().json()["batch"]["progressPercent"] == 8


def test_an_owner_that_is_away_to_the_end_is_told(url: str, around: Surroundings) -> None:
    around.progress_fault = StreamappError(Code.PROGRESS_AWAY)
    answer = ask(url, 1)
    refused(answer, Code.PROGRESS_AWAY)
    assert int(answer.headers["retry-after"]) > 0


def test_what_was_seen_before_the_owner_went_away_is_not_told_as_true(
    url: str, around: Surroundings
) -> None:
    tag = ask(url).headers["etag"]
    with followed(url, BATCH) as events:
        next(events)
        around.progress_fault = StreamappError(Code.PROGRESS_AWAY)
        asked = around.asked
        assert eventually(lambda: around.asked > asked + 1)
        refused(ask(url, 1, tag), Code.PROGRESS_AWAY)


def test_who_joins_others_is_told_nothing_that_was_seen_before(
    url: str, around: Surroundings
) -> None:
    with followed(url, BATCH) as events:
        assert next(events).data["batch"]["progressPercent"] == 1
        for processed in range(2, 12):
            around.known[BATCH] = at(processed)
            answer = ask(url, 60, '"other"')
            assert answer.json()["batch"]["progressPercent"] == processed


# Events.


def test_a_batch_is_followed_to_its_end(url: str, around: Surroundings, watches: Watches) -> None:
    with followed(url, BATCH) as events:
        first = next(events)
        assert (first.name, first.data) == ("progress", ask(url).json())
        around.known[BATCH] = at(50)
        assert next(events).data["batch"]["progressPercent"] == 50
        around.known[BATCH] = at(100, "completed", settled=True)
        last = next(events)
        assert (last.name, last.data["batch"]["status"]) == ("end", "completed")
        assert list(events) == []
    assert last.id == ask(url).headers["etag"].strip('"')
    assert eventually(lambda: is_quiet(watches))


def test_who_comes_again_is_not_told_the_same_again(url: str, around: Surroundings) -> None:
    with followed(url, BATCH) as events:
        first = next(events)
    with followed(url, BATCH, first.id) as events:
        asked = around.asked
        assert eventually(lambda: around.asked > asked + 1)
        around.known[BATCH] = at(100, "completed", settled=True)
        last = next(events)
        assert (last.name, last.data["batch"]["progressPercent"]) == ("end", 100)
    headers = {"Last-Event-ID": last.id}
    over = httpx.get(f"{url}/api/batch/{BATCH}/events", headers=headers)
    assert (over.status_code, over.content) == (204, b"")  # which tells a browser to stay away


def test_a_batch_that_is_not_there_cannot_be_followed(
    url: str, around: Surroundings, watches: Watches
) -> None:
    for batch in ("0" * 32, "x"):
        refused(httpx.get(f"{url}/api/batch/{batch}/events"), Code.BATCH_UNKNOWN)
        refused(httpx.get(f"{url}{STATUS_PATH}/{batch}?wait=60"), Code.BATCH_UNKNOWN)
    around.progress_fault = ZeroDivisionError()
    refused(httpx.get(f"{url}/api/batch/{BATCH}/events"), Code.INTERNAL)
    assert eventually(lambda: is_quiet(watches))


def test_who_follows_a_batch_that_is_removed_is_told(url: str, around: Surroundings) -> None:
    with followed(url, BATCH) as events:
        next(events)
        del around.known[BATCH]
        gone = next(events)
        assert (gone.name, gone.data["code"]) == ("gone", "batch_unknown")
        assert list(events) == []


def test_progress_is_never_told_backwards(url: str, around: Surroundings) -> None:
    around.known[BATCH] = at(50)
    with followed(url, BATCH) as events:
        assert next(events).data["batch"]["progressPercent"] == 50
        around.known[BATCH] = at(40)
        asked = around.asked
        assert eventually(lambda: around.asked > asked + 1)
        around.known[BATCH] = at(60)
        assert next(events).data["batch"]["progressPercent"] == 60


def test_head_of_the_events_ends_at_once(url: str, watches: Watches) -> None:
    answer = httpx.head(f"{url}/api/batch/{BATCH}/events")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert eventually(lambda: is_quiet(watches))


# Many.


def test_200_who_watch_a_batch_cost_one_look(url: str, around: Surroundings) -> None:
    asyncio.run(_many(url, around, 200))


async def _many(url: str, around: Surroundings, watchers: int) -> None:
    limits = httpx.Limits(max_connections=None)
    told = [asyncio.Queue[str]() for _ in range(watchers)]
    async with httpx.AsyncClient(timeout=120, limits=limits) as client:

        async def follow(queue: asyncio.Queue[str]) -> None:
            async with client.stream("GET", f"{url}/api/batch/{BATCH}/events") as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("data"):
                        queue.put_nowait(line)

        began = time.monotonic()
        following = [asyncio.create_task(follow(queue)) for queue in told]
        assert all(['"progressPercent":1}' in await queue.get() for queue in told])
        assert around.asked <= (time.monotonic() - began) / GAP_S + 2
        began, asked = time.monotonic(), around.asked
        for processed in (10, 20):
            around.known[BATCH] = at(processed)
            lines = [await queue.get() for queue in told]
            assert all(f'"progressPercent":{processed}}}' in line for line in lines)
        around.known[BATCH] = at(100, "completed", settled=True)
        await asyncio.gather(*following)
        assert around.asked - asked <= (time.monotonic() - began) / LOOK_S + 4


def test_more_watchers_than_allowed_are_503(store: FolderStore, around: Surroundings) -> None:
    around.known[BATCH] = at(1)
    with serving(make_app(store, around, watchers_max=1)) as url:
        with followed(url, BATCH) as events:
            next(events)
            refused(ask(url, 1), Code.WATCHERS_BUSY)
            refused(httpx.get(f"{url}/api/batch/{BATCH}/events"), Code.WATCHERS_BUSY)
            assert ask(url).status_code == 200
        assert eventually(lambda: ask(url, 1).status_code == 200)


def test_clients_that_go_away_leave_nothing_behind(url: str, watches: Watches) -> None:
    with followed(url, BATCH) as events:
        next(events)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{url}{STATUS_PATH}/{BATCH}?wait=60", timeout=0.5)
        assert eventually(lambda: watches._watchers == 1)
    assert eventually(lambda: is_quiet(watches))


def test_an_uploader_that_ends_waits_for_no_watcher(
    store: FolderStore, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    around.known[BATCH] = at(1)
    with ThreadPoolExecutor() as pool, ExitStack() as client:
        with serving(make_app(store, around)) as url:
            events = client.enter_context(followed(url, BATCH))
            next(events)
            asked = around.asked
            waiting = pool.submit(ask, url, 60)
            assert eventually(lambda: around.asked > asked + 1)
        assert list(events) == []
        refused(waiting.result(), Code.UPLOADER_AWAY)
    assert "graceful shutdown exceeded" not in caplog.text


# The real services.


def owner_of(installation: Installation, batch: str) -> Member:
    """The worker that answers for the batch without asking another."""
    headers = {"X-Streamapp-Routed": "1"}
    (owner,) = (
        worker
        for worker in installation.members.workers
        if httpx.get(f"{worker.url}{STATUS_PATH}/{batch}", headers=headers).status_code == 200
    )
    return owner


def test_who_follows_a_batch_sees_it_through_the_death_of_its_owner(
    installation: Installation, archive: Path
) -> None:
    url = installation.members.uploader.url
    batch = installation.upload(archive)["batchId"]
    seen: list[progress.Status] = []
    owner: Member | None = None
    with followed(url, batch) as events:
        for event in events:
            assert event.name in {"progress", "end"}
            seen.append(msgspec.convert(event.data["batch"], progress.Status))
            if owner is None and seen[-1].progress.processed:
                owner = owner_of(installation, batch)
                os.kill(owner.daemon.pid, signal.SIGKILL)
    assert event.name == "end"
    processed = [status.progress.processed for status in seen]
    assert processed == sorted(processed)
    assert seen[-1].status == "completed"
    assert processed[-1] == seen[-1].image_count == PHOTOS + len(BROKEN)
    assert owner
    (successor,) = (each for each in installation.members.workers if each is not owner)
    assert installation.ask(successor.url, batch) == event.data["batch"]
