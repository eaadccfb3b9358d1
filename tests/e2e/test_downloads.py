"""Crops, originals and results, handed out by a real uploader over a folder and SQLite."""

from __future__ import annotations

import csv
import io
import json
import random
from typing import TYPE_CHECKING

import pytest
from arro3.io import read_parquet

from connectors.records.sqlite import SqliteRecords
from streamapp.keys import crop_key
from streamapp.upload.exports import COLUMNS
from streamapp.upload.parquet import GROUP_ROWS
from tests.archives import zipped
from tests.e2e.reading_service import Reading, reading
from tests.photo_records import a_failed_row, a_rejected_row, a_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.folder import FolderStore

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20
PNG = b"\x89PNG\r\n\x1a\n" + random.Random(7).randbytes(3_000_000)  # noqa: S311 - no secret
"""More than a piece, and than what is held in memory."""
HTML = b"<script>alert(1)</script>"
NAMES = ["a.jpg", "folder/b b.png", "=1+1.jpg", '<b>"ü".html', "sub/inner.zip"]


@pytest.fixture
def service(store: FolderStore, tmp_path: Path) -> Iterator[Reading]:
    with reading(store, tmp_path / "records.sqlite") as service:
        yield service


@pytest.fixture
def batch(service: Reading) -> str:
    """A photo of three faces, one of them blurred; one without; two with odd names; a failure."""
    contents = dict(zip(NAMES, [JPEG, PNG, JPEG, HTML, b""], strict=True))
    batch = service.upload(zipped(contents))
    service.write(
        batch,
        [
            a_row(0, photo_name=NAMES[0]),
            a_rejected_row(0, 1, photo_name=NAMES[0]),
            a_row(0, 2, photo_name=NAMES[0]),
            a_row(
                1,
                photo_name=NAMES[1],
                face_detected=False,
                face_crop_url=None,
                cropped_photo_url=None,
            ),
            a_row(2, photo_name=NAMES[2]),
            a_failed_row(3, photo_name=NAMES[3], error_detail="@cmd"),
        ],
    )
    return batch


def test_a_crop_is_handed_out_and_known_again(service: Reading, batch: str) -> None:
    first = service.get(f"{batch}/photos/0/crop")
    assert first.status_code == 200
    assert first.text == crop_key(batch, 0)
    assert first.headers["Content-Type"] == "image/jpeg"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in first.headers["Content-Security-Policy"]
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = service.get(f"{batch}/photos/0/crop?face=0", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    third = service.get(f"{batch}/photos/0/crop?face=2")
    assert third.text == crop_key(batch, 0, 2)
    assert third.headers["ETag"] != first.headers["ETag"]


def test_a_crop_that_is_not_there_says_why(service: Reading, batch: str) -> None:
    assert service.refusal(f"{batch}/photos/0/crop?face=1") == (404, "crop_missing")
    assert service.refusal(f"{batch}/photos/0/crop?face=3") == (404, "face_unknown")
    assert service.refusal(f"{batch}/photos/1/crop") == (404, "face_unknown")
    assert service.refusal(f"{batch}/photos/3/crop") == (404, "face_unknown")
    service.objects.delete(crop_key(batch, 0))
    assert service.refusal(f"{batch}/photos/0/crop") == (404, "crop_missing")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("{}/photos/0/crop?face=-1", (400, "field_invalid")),
        ("{}/photos/0/crop?face=x", (400, "field_invalid")),
        ("{}/photos/0/crop?face=1&face=2", (400, "field_invalid")),
        ("{}/photos/0/crop?face=%FF", (400, "field_invalid")),
        ("{}/photos/x/crop", (404, "photo_unknown")),
        ("{}/photos/-1/original", (404, "photo_unknown")),
        ("{}/photos/99999999999999999999/original", (404, "photo_unknown")),
        ("{}/photos/4/original", (404, "photo_unknown")),
        ("{}/results.xml", (404, "route_unknown")),
        ("0123456789abcdef0123456789abcdef/photos/0/crop", (404, "batch_unknown")),
        ("0123456789abcdef0123456789abcdef/results.csv", (404, "batch_unknown")),
        ("0123456789abcdef0123456789abcdef/photos/0/original", (404, "photo_unknown")),
        ("%3Cb%3E/photos/0/original", (404, "batch_unknown")),
        ("' OR 1=1/results.csv", (404, "batch_unknown")),
    ],
)
def test_what_is_not_there_or_not_allowed_is_told_by_code(
    service: Reading, batch: str, path: str, expected: tuple[int, str]
) -> None:
    assert service.refusal(path.format(batch)) == expected


def test_an_original_comes_as_it_was_sent(service: Reading, batch: str) -> None:
    for index, content in enumerate([JPEG, PNG, JPEG]):
        answer = service.get(f"{batch}/photos/{index}/original")
        assert answer.status_code == 200
        assert answer.content == content
        assert answer.headers["Content-Length"] == str(len(content))
        known = service.get(
            f"{batch}/photos/{index}/original", **{"If-None-Match": answer.headers["ETag"]}
        )
        assert known.status_code == 304
    assert answer.headers["Content-Type"] == "image/jpeg"
    head = service.client.head(f"/api/batch/{batch}/photos/1/original")
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(PNG)))


def test_what_is_no_picture_is_saved_by_a_browser_and_never_run(
    service: Reading, batch: str
) -> None:
    answer = service.get(f"{batch}/photos/3/original")
    assert answer.content == HTML
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment; ")
    assert "<" not in disposition
    assert disposition.count('"') == 2


def test_an_original_of_a_later_part_and_of_any_place_is_found(service: Reading) -> None:
    photos = {f"{number}.jpg": b"\xff\xd8\xff%d" % number for number in range(40)}
    batch = service.upload(zipped(photos))
    service.upload(zipped({"late.jpg": JPEG}, method=0), batchId=batch)
    for index in (40, 39, 0, 17):
        answer = service.get(f"{batch}/photos/{index}/original")
        assert answer.content == (JPEG if index == 40 else b"\xff\xd8\xff%d" % index)


def test_photos_that_are_objects_themselves_have_originals(service: Reading) -> None:
    service.objects.put("mine/1.jpg", JPEG, "image/jpeg")
    service.objects.put("mine/2.jpg", PNG, "image/png")
    answer = service.client.post(
        "/api/batch/add-images", json={"projectId": "tests", "prefix": "mine/"}
    )
    batch = answer.json()["batchId"]
    assert service.get(f"{batch}/photos/0/original").content == JPEG
    assert service.get(f"{batch}/photos/1/original").content == PNG
    service.objects.put("mine/1.jpg", JPEG + b"more", "image/jpeg")
    assert service.refusal(f"{batch}/photos/0/original") == (422, "entry_broken")
    service.objects.delete("mine/1.jpg")
    assert service.refusal(f"{batch}/photos/0/original") == (404, "original_missing")


def test_a_damaged_entry_is_not_handed_out(service: Reading) -> None:
    archive = bytearray(zipped({"a.jpg": JPEG, "b.jpg": JPEG[:-1] + b"!"}, method=0))
    batch = service.upload(bytes(archive))
    [key] = service.objects.keys("archives/")
    at = archive.index(JPEG)
    archive[at + 100] ^= 1
    service.objects.put(key, bytes(archive), "application/zip")
    assert service.refusal(f"{batch}/photos/0/original") == (422, "entry_broken")
    assert service.get(f"{batch}/photos/1/original").status_code == 200
    service.objects.delete(key)
    assert service.refusal(f"{batch}/photos/1/original") == (404, "original_missing")


def test_an_entry_that_must_not_be_read_is_not(service: Reading) -> None:
    batch = service.upload(zipped({"../../etc/passwd.jpg": JPEG, "fine.jpg": JPEG}))
    assert service.refusal(f"{batch}/photos/0/original") == (422, "entry_path")


def test_results_are_the_same_in_every_format(service: Reading, batch: str) -> None:
    table = list(csv.DictReader(io.StringIO(service.get(f"{batch}/results.csv").text)))
    lines = [json.loads(line) for line in service.get(f"{batch}/results.jsonl").text.splitlines()]
    parquet = service.get(f"{batch}/results.parquet")
    read = read_parquet(io.BytesIO(parquet.content)).read_all()
    columns = {name: read.column(name).to_pylist() for name in read.schema.names}
    assert tuple(table[0]) == tuple(lines[0]) == tuple(columns) == COLUMNS
    assert [
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ] == (lines)
    assert [(row["photo_index"], row["face_index"], row["crop"]) for row in lines] == [
        (0, 0, "00000000_a.jpg"),
        (0, 1, None),
        (0, 2, "00000000-2_a.jpg"),
        (1, None, None),
        (2, 0, "00000002__1_1.jpg"),
        (3, None, None),
    ]
    assert [row["face"] for row in table] == ["yes", "yes", "yes", "no", "yes", ""]
    assert [row["face"] for row in lines] == [True, True, True, False, True, None]
    assert table[5]["error_code"] == lines[5]["error_code"] == "photo_broken"


def test_a_name_that_a_spreadsheet_would_calculate_is_marked_in_csv_only(
    service: Reading, batch: str
) -> None:
    table = list(csv.DictReader(io.StringIO(service.get(f"{batch}/results.csv").text)))
    assert table[4]["photo"] == "'=1+1.jpg"
    assert table[5]["error_detail"] == "'@cmd"
    assert '"=1+1.jpg"' in service.get(f"{batch}/results.jsonl").text


def test_results_are_downloads_of_a_type_of_their_own(service: Reading, batch: str) -> None:
    for form, kind in [
        ("csv", "text/csv; charset=utf-8"),
        ("jsonl", "application/jsonl"),
        ("parquet", "application/vnd.apache.parquet"),
    ]:
        answer = service.get(f"{batch}/results.{form}")
        assert answer.headers["Content-Type"] == kind
        assert f'filename="{batch}.{form}"' in answer.headers["Content-Disposition"]


def test_a_batch_that_was_just_taken_in_has_no_results_yet(service: Reading) -> None:
    batch = service.upload(zipped({"a.jpg": JPEG}))
    assert service.get(f"{batch}/results.csv").text.splitlines() == [",".join(COLUMNS)]
    assert service.get(f"{batch}/results.jsonl").content == b""
    read = read_parquet(io.BytesIO(service.get(f"{batch}/results.parquet").content)).read_all()
    assert read.num_rows == 0


def test_a_large_batch_goes_out_in_row_groups(service: Reading) -> None:
    batch = service.upload(zipped({"a.jpg": JPEG}))
    service.write(batch, [a_failed_row(index) for index in range(2 * GROUP_ROWS + 1)])
    file = service.get(f"{batch}/results.parquet").content
    read = read_parquet(io.BytesIO(file)).read_all()
    assert read.column("photo_index").to_pylist() == list(range(2 * GROUP_ROWS + 1))
    assert file[:4] == file[-4:] == b"PAR1"
    assert len(service.get(f"{batch}/results.csv").text.splitlines()) == 2 * GROUP_ROWS + 2


def test_a_client_that_goes_away_in_the_middle_holds_no_place(service: Reading) -> None:
    batch = service.upload(zipped({"a.jpg": JPEG}))
    service.write(batch, [a_failed_row(index) for index in range(2 * GROUP_ROWS)])
    for form in ["csv", "parquet"] * 20:  # more than there are places
        with service.client.stream("GET", f"/api/batch/{batch}/results.{form}") as answer:
            assert answer.status_code == 200
            next(answer.iter_raw(16))
    assert service.get(f"{batch}/results.csv").status_code == 200


def test_a_database_that_is_away_costs_only_what_needs_it(
    store: FolderStore, tmp_path: Path
) -> None:
    away = SqliteRecords(tmp_path / "missing" / "records.sqlite")
    with reading(store, tmp_path / "unused", records=away) as service:
        batch = service.upload(zipped({"a.jpg": JPEG}))
        for path in ("results.csv", "results.parquet", "photos/0/crop"):
            answer = service.get(f"{batch}/{path}")
            assert (answer.status_code, answer.json()["code"]) == (503, "records_away")
            assert int(answer.headers["Retry-After"]) > 0
        assert service.get(f"{batch}/photos/0/original").content == JPEG
        assert service.client.get("/ready").status_code == 200
        (tmp_path / "missing").mkdir()  # and comes back
        assert service.get(f"{batch}/results.csv").status_code == 200
