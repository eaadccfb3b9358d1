"""A batch that has ended is done again over HTTP, or what of it failed."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from streamapp.errors import Code
from streamapp.replay import Wish
from tests.e2e.installation import BROKEN, PHOTOS
from tests.e2e.test_upload_http import refused
from tests.e2e.upload_service import Surroundings, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.folder import FolderStore
    from tests.e2e.installation import Installation

BATCH = "ab" * 16
TOTAL = PHOTOS + len(BROKEN)


@pytest.fixture
def url(store: FolderStore, around: Surroundings) -> Iterator[str]:
    with serving(make_app(store, around)) as url:
        yield url


def ask(url: str, what: str, body: Any = None, batch: str = BATCH) -> httpx.Response:
    return httpx.post(f"{url}/api/batch/{batch}/{what}", json=body, timeout=30)


def test_what_is_asked_for_is_what_begins(url: str, around: Surroundings) -> None:
    body = {
        "settings": {"FACES": "all", "CROP_LEVEL": True, "CROP_QUALITY": 80},
        "rate": 2.5,
        "priority": 9,
    }
    answer = ask(url, "replay", body)
    told = {"success": True, "batchId": BATCH, "photos": 2, "run": 2}
    assert (answer.status_code, answer.json()) == (200, told)
    settings = (("FACES", "all"), ("CROP_LEVEL", "true"), ("CROP_QUALITY", "80"))
    assert around.begun == [(BATCH, Wish(settings, 9, 2.5), False)]


def test_without_a_body_everything_is_as_it_was(url: str, around: Surroundings) -> None:
    assert httpx.post(f"{url}/api/batch/{BATCH}/replay").status_code == 200
    assert ask(url, "replay", {"failed": True}).json()["run"] is None
    assert ask(url, "retry").json()["photos"] == 0
    assert around.begun == [(BATCH, Wish(), only_failed) for only_failed in (False, True, True)]


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        {"faild": True},
        {"failed": "yes"},
        {"rate": -1},
        {"rate": 1e7},
        {"priority": 0},
        {"priority": 11},
        {"settings": {"FACES": ["all"]}},
    ],
)
def test_an_order_that_is_none_is_refused(url: str, around: Surroundings, body: Any) -> None:
    refused(
        httpx.post(f"{url}/api/batch/{BATCH}/replay", content=json.dumps(body)),
        Code.BODY_NOT_JSON,
    )
    assert around.begun == []


def test_what_cannot_be_done_is_refused(url: str, around: Surroundings) -> None:
    refused(ask(url, "replay", {"settings": {"FACE": "all"}}), Code.FIELD_INVALID)
    refused(ask(url, "replay", {"settings": {"FACES": "x" * 70_000}}), Code.ARCHIVE_TOO_LARGE)
    for what in ("retry", "replay"):
        refused(ask(url, what, batch="x"), Code.BATCH_UNKNOWN)
    assert around.begun == []


def test_the_uploader_has_no_need_of_opencv() -> None:
    code = "import sys, streamapp.wiring.uploader; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# The real services.


@pytest.fixture
def other_settings() -> dict[str, Any]:
    return {"photo_attempts": 1}


def test_failed_photos_are_done_again_once_however_many_ask(
    installation: Installation, archive: Path
) -> None:
    url = installation.members.uploader.url
    batch = installation.upload(archive)["batchId"]
    refused(ask(url, "retry", batch=batch), Code.BATCH_OPEN)
    installation.wait_for(batch, lambda status: status["status"] == "completed")

    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(ask, url, "retry", None, batch) for _ in range(4)]
        answers = [each.result() for each in asked]
    begun = [each.json() for each in answers if each.status_code == 200]
    assert begun
    assert begun == [{"success": True, "batchId": batch, "photos": 3, "run": 2}] * len(begun)
    for each in answers:
        if each.status_code != 200:
            refused(each, Code.BATCH_OPEN)
    seen = installation.wait_for(
        batch, lambda status: status.get("run") == 2 and status["status"] == "completed"
    )
    assert set(seen) == {TOTAL}

    unknown = ask(url, "replay", {"settings": {"FACE": "all"}}, batch)
    assert "FACES" in refused(unknown, Code.FIELD_INVALID)["detail"]  # type: ignore[operator]
    again = ask(url, "replay", {"settings": {"CROP_SIZE": 64}, "priority": 1}, batch)
    assert again.json() == {"success": True, "batchId": batch, "photos": TOTAL, "run": 3}
    installation.wait_for(batch, lambda status: status.get("run") == 3 and "settled" in status)
    crops = installation.crops(batch)
    assert crops
    assert all(".3." in key for key in crops)
    status = installation.ask(url, batch)
    assert status
    assert status["progress"] == {"processed": TOTAL, "total": TOTAL, "failed": 3}
    refused(ask(url, "retry", batch="0" * 32), Code.BATCH_UNKNOWN)
