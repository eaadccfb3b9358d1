"""What the API says of a batch."""

from __future__ import annotations

import msgspec

from streamapp import progress
from streamapp.events import BatchOpened, BatchRejected, Outcome, PhotosFinished


def opening(photos: int) -> BatchOpened:
    return BatchOpened(
        batch="b1",
        project="p",
        priority=5,
        archive="archives/b1.zip",
        archive_bytes=1000,
        name="photos.zip",
        photos=photos,
        skipped=0,
        opened_at=1.0,
    )


def frame(*outcomes: tuple[int, str]) -> PhotosFinished:
    return PhotosFinished(
        batch="b1",
        project="p",
        outcomes=tuple(
            Outcome(index=index, name=f"{index}.jpg", state=state, finished_at=2.0)  # type: ignore[arg-type] # literals below
            for index, state in outcomes
        ),
    )


def status(*events: BatchOpened | PhotosFinished | BatchRejected) -> progress.Status:
    state = None
    for event in events:
        state = progress.fold(state, event)
    assert state is not None
    return progress.status(state)


def test_an_opened_batch_is_queued() -> None:
    assert status(opening(3)).status == "queued"


def test_the_json_is_the_shape_the_predecessor_answered() -> None:
    body = msgspec.json.encode(status(opening(3), frame((0, "completed"), (2, "failed"))))
    assert msgspec.json.decode(body) == {
        "batchId": "b1",
        "status": "processing",
        "imageCount": 3,
        "progress": {"processed": 2, "total": 3, "failed": 1},
        "progressPercent": 66,
    }


def test_a_batch_is_completed_when_its_last_photo_is_also_when_photos_failed() -> None:
    last = status(opening(2), frame((0, "failed")), frame((1, "completed")))
    assert (last.status, last.progress_percent) == ("completed", 100)


def test_a_failed_photo_that_completes_later_counts_as_completed() -> None:
    both = status(opening(2), frame((0, "failed")), frame((0, "completed")))
    assert (both.progress.processed, both.progress.failed) == (1, 0)


def test_a_hundred_percent_is_not_shown_before_the_end() -> None:
    frames = [frame(*((index, "completed") for index in range(999)))]
    assert status(opening(1000), *frames).progress_percent == 99


def test_a_rejected_batch_tells_its_code() -> None:
    rejection = BatchRejected(
        batch="b1", project="p", code="archive_broken", detail="at 7", rejected_at=1.0
    )
    told = status(rejection)
    assert (told.status, told.code, told.detail) == ("rejected", "archive_broken", "at 7")


def test_the_state_of_a_hundred_thousand_contiguous_photos_is_small() -> None:
    state = None
    for start in range(0, 100_000, 1000):
        event = frame(*((index, "completed") for index in range(start, start + 1000)))
        state = progress.fold(state, event)
    assert state is not None
    assert len(progress.encode(state)) < 200
