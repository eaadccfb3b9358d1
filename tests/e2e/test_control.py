"""A batch is cancelled or given another priority over HTTP; the batch log says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec import structs

from connectors.objects.folder import FolderStore
from streamapp import progress
from streamapp.errors import Code, StreamappError
from streamapp.events import BatchCancelled, PriorityChanged
from tests.e2e.test_fair_turns import tiny_photos
from tests.e2e.test_upload_http import refused, zipped
from tests.e2e.test_ways_in import put, status_of
from tests.e2e.upload_service import Surroundings, eventually, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamapp.progress import BatchState
    from tests.e2e.installation import Installation

NOW = 1_700_000_000.0


@pytest.fixture
def url(tmp_path: Path, around: Surroundings) -> Iterator[str]:
    store = FolderStore(tmp_path / "objects")
    store.prepare()
    with serving(make_app(store, around)) as url:
        yield url


@pytest.fixture
def batch(url: str) -> str:
    batch: str = put(url, zipped()).json()["batchId"]
    return batch


def ask(url: str, batch: str, what: str, body: Any = None) -> httpx.Response:
    return httpx.post(f"{url}/api/batch/{batch}/{what}", json=body)


def test_a_batch_is_cancelled(url: str, batch: str, around: Surroundings) -> None:
    answer = ask(url, batch, "cancel")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "batchId": batch})
    assert around.log == [BatchCancelled(batch=batch, project="p1", cancelled_at=NOW)]


def runs_of(batch: str, state: BatchState, *states: BatchState) -> progress.Status:
    """A batch that was done again, and the states of its runs."""
    runs = tuple(
        progress.RunStatus(run=run, status=of_run, photos=2, processed=0, failed=0)
        for run, of_run in enumerate(states, 1)
    )
    return structs.replace(status_of(batch, state), run=len(runs) or 1, runs=runs)


@pytest.mark.parametrize(
    ("states", "cancelled"),
    [
        (["completed", "cancelled", "processing"], [3]),
        (["completed", "queued"], [2]),
        (["processing", "completed"], [1]),  # photos joined it after it was done again
        (["processing", "processing"], [1, 2]),
    ],
)
def test_of_a_batch_that_is_done_again_what_is_under_way_is_cancelled(
    url: str, batch: str, around: Surroundings, states: list[BatchState], cancelled: list[int]
) -> None:
    around.known[batch] = runs_of(batch, "processing", *states)
    assert ask(url, batch, "cancel").status_code == 200
    assert around.log == [
        BatchCancelled(batch=batch, project="p1", cancelled_at=NOW, run=run) for run in cancelled
    ]


@pytest.mark.parametrize(
    ("state", "runs"),
    [
        ("cancelled", []),
        ("cancelled", ["cancelled", "completed"]),
        ("completed", ["completed", "cancelled"]),
    ],
)
def test_to_cancel_again_what_was_cancelled_is_no_error_and_changes_nothing(
    url: str, batch: str, around: Surroundings, state: BatchState, runs: list[BatchState]
) -> None:
    """As whoever did not get the first answer does."""
    around.known[batch] = runs_of(batch, state, *runs)
    answer = ask(url, batch, "cancel")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "batchId": batch})
    assert around.log == []


@pytest.mark.parametrize("priority", [1, 10, "3"])
def test_a_batch_is_given_another_priority(
    url: str, batch: str, around: Surroundings, priority: int | str
) -> None:
    answer = ask(url, batch, "priority", {"priority": priority})
    assert (answer.status_code, answer.json()) == (200, {"success": True, "batchId": batch})
    assert around.log == [
        PriorityChanged(batch=batch, project="p1", priority=int(priority), changed_at=NOW)
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"priority": 0}, Code.FIELD_INVALID),
        ({"priority": 11}, Code.FIELD_INVALID),
        ({"priority": "high"}, Code.FIELD_INVALID),
        ({}, Code.FIELD_MISSING),
        ({"priority": True}, Code.FIELD_INVALID),
        ([1], Code.BODY_NOT_JSON),
    ],
)
def test_a_priority_that_is_none_is_refused(
    url: str, batch: str, around: Surroundings, body: Any, code: Code
) -> None:
    refused(ask(url, batch, "priority", body), code)
    assert around.log == []


@pytest.mark.parametrize("what", ["cancel", "priority"])
@pytest.mark.parametrize("batch", ["0" * 32, "x", "%20"])
def test_a_batch_that_is_none_is_unknown(url: str, batch: str, what: str) -> None:
    refused(ask(url, batch, what, {"priority": 1}), Code.BATCH_UNKNOWN)


@pytest.mark.parametrize("runs", [[], ["completed", "completed"], ["cancelled", "completed"]])
@pytest.mark.parametrize(
    ("state", "what"),
    [("completed", "cancel"), ("completed", "priority"), ("cancelled", "priority")],
)
def test_a_batch_that_has_ended_is_left_as_it_is(
    url: str,
    batch: str,
    around: Surroundings,
    *,
    state: BatchState,
    what: str,
    runs: list[BatchState],
) -> None:
    around.known[batch] = runs_of(batch, state, *runs)
    refused(ask(url, batch, what, {"priority": 1}), Code.BATCH_CLOSED)
    assert around.log == []


@pytest.mark.parametrize("state", ["queued", "processing"])
@pytest.mark.parametrize("what", ["cancel", "priority"])
def test_a_batch_under_way_is_not_left(
    url: str, batch: str, around: Surroundings, state: BatchState, what: str
) -> None:
    around.known[batch] = status_of(batch, state)
    assert ask(url, batch, what, {"priority": 1}).status_code == 200
    assert len(around.log) == 1


@pytest.mark.parametrize("what", ["cancel", "priority"])
def test_while_a_service_is_away_nothing_is_promised(
    url: str, batch: str, around: Surroundings, what: str
) -> None:
    around.kafka_fault = StreamappError(Code.KAFKA_AWAY)
    refused(ask(url, batch, what, {"priority": 1}), Code.KAFKA_AWAY)
    around.kafka_fault, around.progress_fault = None, StreamappError(Code.PROGRESS_AWAY)
    refused(ask(url, batch, what, {"priority": 1}), Code.PROGRESS_AWAY)
    assert around.log == []


def test_a_batch_is_not_cancelled_by_looking(url: str, batch: str) -> None:
    refused(httpx.get(f"{url}/api/batch/{batch}/cancel"), Code.METHOD_NOT_ALLOWED)


def test_a_batch_is_cancelled_through_the_whole_installation(
    installation: Installation, tmp_path: Path
) -> None:
    archive = tiny_photos(tmp_path / "large.zip", 3000)
    batch = installation.upload(archive)["batchId"]
    uploader = installation.members.uploader.url

    def answered(what: str, body: Any = None) -> int:
        return ask(uploader, batch, what, body).status_code

    assert eventually(lambda: answered("priority", {"priority": 9}) == 200, 30)
    assert eventually(lambda: answered("cancel") == 200, 30)
    installation.wait_for(batch, lambda status: status["status"] == "cancelled")
    status = installation.ask(uploader, batch)
    assert status is not None
    assert status["priority"] == 9
    assert status["progress"]["processed"] < 3000
    refused(ask(uploader, batch, "priority", {"priority": 1}), Code.BATCH_CLOSED)
