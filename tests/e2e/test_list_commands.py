"""``streamapp batches`` and ``photos``: lists of any length, page by page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.archives import zipped
from tests.batch_records import a_batch, an_ended_batch
from tests.e2e.reading_service import Reading, reading
from tests.e2e.test_cli import streamapp
from tests.photo_records import a_failed_row, a_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.folder import FolderStore

NOW = 1_700_000_000.0


@pytest.fixture
def service(store: FolderStore, tmp_path: Path) -> Iterator[Reading]:
    with reading(store, tmp_path / "records.sqlite") as service:
        yield service


def said(service: Reading, *arguments: object) -> list[str]:
    url = str(service.client.base_url).rstrip("/")
    code, out, err = streamapp(*arguments, "--url", url)
    assert (code, err) == (0, "")
    return out.splitlines()


def test_batches_are_listed_by_what_is_asked_for(service: Reading) -> None:
    for number in range(3):
        service.write_batch(a_batch(f"{number:032x}", created_at=NOW + number))
    service.write_batch(an_ended_batch(f"{9:032x}", created_at=NOW + 9, project_id="a\tb"))
    lines = [line.split("\t") for line in said(service, "batches")]
    assert [line[0] for line in lines] == [f"{number:032x}" for number in (9, 2, 1, 0)]
    assert {len(line) for line in lines} == {9}
    assert lines[1][6] == "2023-11-14 22:13:22"
    assert len(said(service, "batches", "--limit", 2)) == 2
    [only] = said(service, "batches", "--status", "completed", "--json")
    assert json.loads(only)["batchId"] == f"{9:032x}"


def test_photos_are_listed_to_the_last_page_or_the_limit(service: Reading) -> None:
    batch = service.upload(zipped({"a.jpg": b"\xff\xd8\xff"}))
    service.write(batch, [*(a_row(index) for index in range(250)), a_failed_row(250)])
    lines = [line.split("\t") for line in said(service, "photos", batch)]
    assert [int(line[0]) for line in lines] == list(range(251))
    assert lines[-1][1] == "failed"
    assert len(said(service, "photos", batch, "--limit", 101)) == 101
    [failed] = said(service, "photos", batch, "--state", "failed", "--json")
    assert json.loads(failed)["index"] == 250
