"""Results as files: the archives' names, and a second run into the same folder."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path

from connectors.objects.folder import FolderStore
from connectors.records.sqlite import SqliteRecords
from streamapp.keys import crop_key
from streamapp.results import Results, labels
from tests.photo_records import BATCH, a_failed_row, a_row


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
