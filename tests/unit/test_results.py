"""Results as files: the archives' names, and a second run into the same folder."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.objects.folder import FolderStore
from connectors.records.sqlite import SqliteRecords
from streamapp.keys import crop_key
from streamapp.results import Counts, Results, labels
from tests.photo_records import BATCH, a_cancelled_row, a_failed_row, a_rejected_row, a_row

if TYPE_CHECKING:
    from connectors.records.interface import PhotoRecord

GROUP = [
    a_row(0),
    a_rejected_row(0, 1),
    a_row(0, 2),
    a_row(1, face_crop_url=f"file:///objects/crops/{BATCH}/00000001.webp"),
    a_row(2, face_detected=False, face_crop_url=None),
    a_failed_row(3),
]
"""A photo of three faces, one of them blurred; a photo with a WebP crop; one without; a failure."""


async def _write_group(work: Path) -> Counts:
    keys = [crop_key(BATCH, 0), crop_key(BATCH, 0, 2), crop_key(BATCH, 1, suffix="webp")]
    return await _write(work, GROUP, keys)


async def _write(work: Path, rows: list[PhotoRecord], keys: list[str]) -> Counts:
    objects, records = FolderStore(work / "objects"), SqliteRecords(work / "records.sqlite")
    objects.prepare()
    await records.prepare()
    await records.upsert(rows)
    await records.close()
    for key in keys:
        objects.put(key, key.encode(), "image/jpeg")
    return await Results(work / "out", objects=objects, records=records).write([("a", BATCH)])


def test_each_face_has_a_row_and_a_crop_of_its_own(tmp_path: Path) -> None:
    asyncio.run(_write_group(tmp_path))
    with (tmp_path / "out/results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["photo"], row["face_index"], row["crop"]) for row in rows] == [
        ("portraits/0.jpg", "0", "crops/a/00000000.jpg"),
        ("portraits/0.jpg", "1", ""),
        ("portraits/0.jpg", "2", "crops/a/00000000-2.jpg"),
        ("portraits/1.jpg", "0", "crops/a/00000001.webp"),
        ("portraits/2.jpg", "", ""),
        ("portraits/3.jpg", "", ""),
    ]
    for name in crops(tmp_path / "out"):
        key = name.replace("crops/a/", f"crops/{BATCH}/")
        assert (tmp_path / "out" / name).read_text() == key
    assert len(crops(tmp_path / "out")) == 3


def test_a_row_tells_how_good_the_crop_is_or_why_there_is_none(tmp_path: Path) -> None:
    asyncio.run(_write_group(tmp_path))
    with (tmp_path / "out/results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    figures = [(r["sharpness"], r["brightness"], r["tilt"], r["rejected"]) for r in rows]
    assert figures[:2] == [
        ("1234.5", "127.5", "-7.25", ""),
        ("1234.5", "127.5", "-7.25", "blurred"),
    ]
    assert figures[-1] == ("", "", "", "")


def test_photos_are_counted_once_however_many_faces_they_show(tmp_path: Path) -> None:
    counts = asyncio.run(_write_group(tmp_path))
    assert (counts.photos, counts.faces, counts.without_face, counts.failed) == (4, 2, 1, 1)
    assert counts.crops == 3


def publish(work: Path, out: Path, *, label: str, faces: int) -> None:
    """The results of a batch with this many faces and one failure."""
    work.mkdir()
    results = asyncio.run(_written(work, label=label, faces=faces))
    out.mkdir(exist_ok=True)
    results.publish(out, replaced=work / "replaced")


async def _written(work: Path, *, label: str, faces: int) -> Results:
    objects, records = FolderStore(work / "objects"), SqliteRecords(work / "records.sqlite")
    objects.prepare()
    await records.prepare()
    await records.upsert([*map(a_row, range(faces)), a_failed_row(faces)])
    await records.close()
    for index in range(faces):
        objects.put(crop_key(BATCH, index), work.name.encode(), "image/jpeg")
    results = Results(work / "results", objects=objects, records=records)
    counts = await results.write([(label, BATCH)])
    assert (counts.faces, counts.failed) == (faces, 1)
    return results


def crops(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.glob("crops/*/*")}


def named(out: Path) -> set[str]:
    with (out / "results.csv").open(newline="") as file:
        return {row["crop"] for row in csv.DictReader(file) if row["crop"]}


def test_a_second_run_leaves_no_crop_of_the_first(tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(tmp_path / "first", out, label="people", faces=3)
    publish(tmp_path / "second", out, label="people", faces=1)
    assert crops(out) == named(out) == {"crops/people/00000000.jpg"}
    assert (out / "crops/people/00000000.jpg").read_bytes() == b"second"


def test_crops_of_archives_that_are_not_in_the_second_run_go(tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(tmp_path / "first", out, label="people", faces=3)
    publish(tmp_path / "second", out, label="others", faces=1)
    assert crops(out) == named(out) == {"crops/others/00000000.jpg"}


def test_what_no_run_made_stays(tmp_path: Path) -> None:
    mine = tmp_path / "out/crops/mine/photo.jpg"
    mine.parent.mkdir(parents=True)
    mine.touch()
    (tmp_path / "out/results.csv").write_text("my,own\nmine,table\n")
    publish(tmp_path / "first", tmp_path / "out", label="people", faces=1)
    assert mine.exists()


def test_an_earlier_table_cannot_name_a_folder_elsewhere(tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(tmp_path / "first", out, label="people", faces=1)
    with (out / "results.csv").open("a", newline="") as file:
        csv.writer(file).writerows([[".."], [""], ["."], ["people/.."], []])
    publish(tmp_path / "second", out, label="others", faces=1)
    assert crops(out) == {"crops/others/00000000.jpg"}


def test_archives_of_one_name_are_numbered_until_the_name_is_free() -> None:
    assert labels([Path("a.zip"), Path("x/a.zip"), Path("a-2.zip"), Path("b.zip")]) == [
        "a",
        "a-2",
        "a-2-2",
        "b",
    ]


def test_an_archive_called_like_the_folder_above_gets_a_name() -> None:
    assert labels([Path("...zip"), Path(".zip")]) == ["archive", ".zip"]


def test_the_crop_of_a_later_run_is_the_one_of_its_row(tmp_path: Path) -> None:
    row = a_row(0, run=3)
    key = crop_key(BATCH, 0, run=3)
    asyncio.run(_write(tmp_path, [row], [crop_key(BATCH, 0), key]))
    assert crops(tmp_path / "out") == {"crops/a/00000000.3.jpg"}
    assert (tmp_path / "out/crops/a/00000000.3.jpg").read_text() == key


def test_a_cancelled_photo_is_told_as_such_and_no_face_is_denied(tmp_path: Path) -> None:
    counts = asyncio.run(_write(tmp_path, [a_cancelled_row(0), a_failed_row(1)], []))
    with (tmp_path / "out/results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["status"], row["face"]) for row in rows] == [("cancelled", ""), ("failed", "")]
    assert (counts.photos, counts.failed, counts.without_face) == (2, 2, 0)
    assert counts.reasons == " (1 cancelled, 1 photo_broken)"
