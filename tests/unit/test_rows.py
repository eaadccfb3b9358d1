"""An outcome as rows: one for each face, or one for the photo that has none."""

from __future__ import annotations

from msgspec import structs

from connectors.records.interface import PhotoRecord
from streamapp.events import CroppedFace, Cursor, ExpansionAdvanced, Face, Outcome, PhotosFinished
from streamapp.keys import crop_key, record_id
from streamapp.stream.record import queued_rows, rows_of

FRAME = PhotosFinished(batch="b1", project="p1", outcomes=())
DONE = Outcome(index=7, name="a/7.jpg", state="completed", finished_at=9.5)
FACE = Face(x=1, y=2, width=30, height=40, score=0.9, sharpness=50.5, brightness=127.5, tilt=-7.5)
PHOTO = PhotoRecord(
    id=record_id("b1", 7),
    batch_id="b1",
    project_id="p1",
    photo_index=7,
    photo_name="a/7.jpg",
    processing_status="completed",
    finished_at=9.5,
)


def rows(outcome: Outcome) -> list[PhotoRecord]:
    return rows_of(FRAME, outcome, "http://store/{}".format)


def with_faces(*faces: CroppedFace) -> Outcome:
    return structs.replace(DONE, faces=faces)


def test_a_photo_that_is_queued_is_one_row_without_an_outcome() -> None:
    queued = ExpansionAdvanced(
        batch="b1",
        project="p1",
        first_index=0,
        cursor=Cursor(index=8),
        names=((7, "a/7.jpg"), (9, "a/9.jpg")),
    )
    first, second = queued_rows(queued)
    assert first == structs.replace(PHOTO, processing_status="queued", finished_at=None)
    assert (second.id, second.photo_name) == (record_id("b1", 9), "a/9.jpg")


def test_a_photo_without_a_face_is_one_row() -> None:
    assert rows(DONE) == [PHOTO]


def test_a_photo_that_failed_is_one_row_with_its_code() -> None:
    failed = structs.replace(DONE, state="failed", code="photo_broken", detail="cut off")
    assert rows(failed) == [
        structs.replace(
            PHOTO, processing_status="failed", error_code="photo_broken", error_detail="cut off"
        )
    ]


def test_a_face_is_a_row_with_all_that_is_known_of_it() -> None:
    (row,) = rows(with_faces(CroppedFace(face=FACE, crop=crop_key("b1", 7))))
    assert row == structs.replace(
        PHOTO,
        face_detected=True,
        cropped_photo_url="http://store/crops/b1/00000007.jpg",
        face_crop_url="http://store/crops/b1/00000007.jpg",
        face_x=1,
        face_y=2,
        face_width=30,
        face_height=40,
        face_score=0.9,
        face_sharpness=50.5,
        face_brightness=127.5,
        face_tilt=-7.5,
    )


def test_each_face_is_a_row_of_its_own_in_the_order_they_come() -> None:
    found = [
        CroppedFace(face=structs.replace(FACE, x=number), crop=crop_key("b1", 7, number))
        for number in range(3)
    ]
    made = rows(with_faces(*found))
    assert [(row.id, row.photo_index, row.face_index, row.face_x) for row in made] == [
        (record_id("b1", 7, number), 7, number, number) for number in range(3)
    ]
    assert len({row.id for row in made}) == len({row.face_crop_url for row in made}) == 3


def test_a_rejected_face_is_a_row_without_a_crop() -> None:
    (row,) = rows(with_faces(CroppedFace(face=FACE, rejected="blurred")))
    assert (row.face_detected, row.face_rejected, row.face_x) == (True, "blurred", 1)
    assert (row.face_crop_url, row.cropped_photo_url) == (None, None)


def test_every_row_tells_its_run() -> None:
    frame = structs.replace(FRAME, run=4)
    faces = tuple(CroppedFace(face=FACE, crop=crop_key("b1", 7, n, run=4)) for n in range(2))
    failed = structs.replace(DONE, state="failed", code="photo_broken")
    for outcome in (DONE, failed, structs.replace(DONE, faces=faces)):
        assert {row.run for row in rows_of(frame, outcome, str)} == {4}


def test_a_cancelled_photo_is_one_row_that_says_nothing_of_it() -> None:
    assert rows(structs.replace(DONE, state="cancelled")) == [
        structs.replace(PHOTO, processing_status="cancelled")
    ]
