"""All crops of a batch as one ZIP: whole, in ranges, after cuts, and when crops come and go."""

from __future__ import annotations

import io
import random
import zipfile
from typing import TYPE_CHECKING

import httpx
import pytest

from streamapp.keys import crop_key
from tests.archives import zipped
from tests.e2e.reading_service import Reading, key_of, reading
from tests.photo_records import a_failed_row, a_rejected_row, a_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.folder import FolderStore

PHOTOS = 30


@pytest.fixture
def service(store: FolderStore, tmp_path: Path) -> Iterator[Reading]:
    with reading(store, tmp_path / "records.sqlite") as service:
        yield service


@pytest.fixture
def batch(service: Reading) -> str:
    """Photos with a crop each; the first of three faces, one of them blurred; the last failed."""
    batch = service.upload(zipped({"a.jpg": b"\xff\xd8\xff"}))
    rows = [a_row(index, photo_name=f"../ü {index}.jpg") for index in range(PHOTOS)]
    rows += [a_rejected_row(0, 1), a_row(0, 2, photo_name="../ü 0.jpg"), a_failed_row(PHOTOS)]
    service.write(batch, rows)
    return batch


def opened(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {each.filename: archive.read(each).decode() for each in archive.infolist()}


def expected(batch: str) -> dict[str, str]:
    named = {f"{index:08d}_ü {index}.jpg": crop_key(batch, index) for index in range(PHOTOS)}
    return named | {"00000000-2_ü 0.jpg": crop_key(batch, 0, 2)}


def test_every_crop_is_in_it_by_the_name_that_the_results_tell(
    service: Reading, batch: str
) -> None:
    answer = service.get(f"{batch}/crops.zip")
    assert answer.headers["Content-Type"] == "application/zip"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert opened(answer.content) == expected(batch)
    told = service.get(f"{batch}/results.jsonl").text
    assert all(name in told for name in expected(batch))


def test_the_same_crops_give_the_same_bytes_and_a_client_may_know_them(
    service: Reading, batch: str
) -> None:
    first, second = (service.get(f"{batch}/crops.zip") for _ in range(2))
    assert first.content == second.content
    etag = first.headers["ETag"]
    assert service.get(f"{batch}/crops.zip", **{"If-None-Match": etag}).status_code == 304
    head = service.client.head(f"/api/batch/{batch}/crops.zip")
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(first.content)))


def test_any_range_is_that_part_of_the_whole(service: Reading, batch: str) -> None:
    whole = service.get(f"{batch}/crops.zip").content
    source = random.Random(5)  # noqa: S311 - no secret
    places = [tuple(sorted(source.sample(range(len(whole)), 2))) for _ in range(20)]
    for start, end in [(0, 0), (len(whole) - 1, len(whole) - 1), (0, len(whole)), *places]:
        answer = service.get(f"{batch}/crops.zip", Range=f"bytes={start}-{end}")
        assert answer.status_code == 206
        assert answer.content == whole[start : end + 1]
        last = min(end, len(whole) - 1)
        assert answer.headers["Content-Range"] == f"bytes {start}-{last}/{len(whole)}"
    assert service.get(f"{batch}/crops.zip", Range="bytes=-10").content == whole[-10:]


def test_a_range_that_is_none_is_told_or_passed_over(service: Reading, batch: str) -> None:
    whole = service.get(f"{batch}/crops.zip").content
    for outside in (f"bytes={len(whole)}-", "bytes=9-3", "bytes=-0"):
        assert service.refusal(f"{batch}/crops.zip", Range=outside) == (416, "range_invalid")
    for other in ("bytes=", "bytes=-", "bytes=0-1,3-4", "lines=1-2", "bytes=x"):
        answer = service.get(f"{batch}/crops.zip", Range=other)
        assert (answer.status_code, answer.content) == (200, whole)


def test_another_process_goes_on_where_a_cut_was(
    service: Reading, batch: str, store: FolderStore
) -> None:
    first = service.get(f"{batch}/crops.zip")
    half = len(first.content) // 2
    with reading(store, service.records) as other:
        rest = other.get(
            f"{batch}/crops.zip", Range=f"bytes={half}-", **{"If-Range": first.headers["ETag"]}
        )
    assert rest.status_code == 206
    assert opened(first.content[:half] + rest.content) == expected(batch)


def test_what_goes_on_after_a_change_begins_anew(service: Reading, batch: str) -> None:
    first = service.get(f"{batch}/crops.zip")
    [row] = service.write(batch, [a_row(3, run=2, photo_name="../ü 3.jpg")])
    answer = service.get(
        f"{batch}/crops.zip", Range="bytes=100-", **{"If-Range": first.headers["ETag"]}
    )
    assert answer.status_code == 200
    assert opened(answer.content) == expected(batch) | {"00000003_ü 3.jpg": key_of(row)}


def test_a_crop_that_is_gone_is_left_out(service: Reading, batch: str) -> None:
    service.objects.delete(crop_key(batch, 7))
    service.objects.put(f"crops/{batch}/nobody's.txt", b"x", "text/plain")
    left = expected(batch)
    del left["00000007_ü 7.jpg"]
    assert opened(service.get(f"{batch}/crops.zip").content) == left


@pytest.mark.parametrize("goes", [True, False])
def test_a_crop_that_goes_or_changes_meanwhile_cuts_the_download(
    service: Reading, *, goes: bool
) -> None:
    batch = service.upload(zipped({"a.jpg": b"\xff\xd8\xff"}))
    rows = service.write(batch, [a_row(index) for index in range(20)])
    for row in rows:
        service.objects.put(key_of(row), bytes(8 << 20), "image/jpeg")
    with service.client.stream("GET", f"/api/batch/{batch}/crops.zip") as answer:
        pieces = answer.iter_raw(1 << 20)
        next(pieces)
        if goes:
            service.objects.delete(key_of(rows[-1]))
        else:
            service.objects.put(key_of(rows[-1]), bytes((8 << 20) + 1), "image/jpeg")
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in pieces:
                pass
    assert len(opened_names(service.get(f"{batch}/crops.zip").content)) == 20 - goes


def opened_names(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()


def test_a_batch_without_a_crop_gives_an_empty_archive(service: Reading) -> None:
    batch = service.upload(zipped({"a.jpg": b"\xff\xd8\xff"}))
    assert opened(service.get(f"{batch}/crops.zip").content) == {}
    assert service.refusal(f"{'0' * 32}/crops.zip") == (404, "batch_unknown")
