"""What the API says of a batch."""

from __future__ import annotations

import random

import msgspec
from pyroaring import BitMap

from streamapp import progress
from streamapp.events import (
    BatchCancelled,
    BatchLogEvent,
    BatchOpened,
    Cursor,
    ExpansionAdvanced,
    Outcome,
    PhotosFinished,
    PriorityChanged,
)


def opening(
    photos: int, *, first_index: int = 0, duplicates: bytes = b"", **skipped: int
) -> BatchOpened:
    return BatchOpened(
        batch="b1",
        project="p",
        priority=5,
        archive=f"archives/{first_index}.zip",
        archive_bytes=1000,
        name="photos.zip",
        first_index=first_index,
        photos=photos,
        duplicates=duplicates,
        skipped=sum(skipped.values()),
        skipped_by=skipped,
        external_id="theirs" if first_index == 0 else "",
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


def completed(*indexes: int) -> PhotosFinished:
    return frame(*((index, "completed") for index in indexes))


def advanced(index: int, *, first_index: int = 0) -> ExpansionAdvanced:
    cursor = Cursor(index=index, entry_at=100 * index)
    return ExpansionAdvanced(batch="b1", project="p", first_index=first_index, cursor=cursor)


CANCELLED = BatchCancelled(batch="b1", project="p", cancelled_at=3.0)


def folded(*events: BatchLogEvent) -> progress.Progress:
    state = None
    for event in events:
        state = progress.fold(state, event)
    assert state is not None
    return state


def status(*events: BatchLogEvent) -> progress.Status:
    return progress.status(folded(*events))


def test_an_opened_batch_is_queued() -> None:
    assert status(opening(3)).status == "queued"


def test_the_json_is_the_shape_the_predecessor_answered_and_more() -> None:
    opened = opening(3, folder=2, clutter=1)
    body = msgspec.json.encode(status(opened, advanced(3), frame((0, "completed"), (2, "failed"))))
    assert msgspec.json.decode(body) == {
        "batchId": "b1",
        "status": "processing",
        "imageCount": 3,
        "progress": {"processed": 2, "total": 3, "failed": 1},
        "progressPercent": 66,
        "priority": 5,
        "externalId": "theirs",
        "queued": 3,
        "skipped": 3,
        "skippedBy": {"folder": 2, "clutter": 1},
    }


def test_a_batch_is_completed_when_its_last_photo_is_also_when_photos_failed() -> None:
    last = status(opening(2), frame((0, "failed")), frame((1, "completed")))
    assert (last.status, last.progress_percent) == ("completed", 100)


def test_a_failed_photo_that_completes_later_counts_as_completed() -> None:
    both = status(opening(2), frame((0, "failed")), frame((0, "completed")))
    assert (both.progress.processed, both.progress.failed) == (1, 0)


def test_a_hundred_percent_is_not_shown_before_the_end() -> None:
    assert status(opening(1000), completed(*range(999))).progress_percent == 99


def test_the_parts_of_a_batch_count_together() -> None:
    both = status(opening(2, clutter=1), opening(3, first_index=2, clutter=2), completed(0, 1, 2))
    assert (both.image_count, both.status, both.skipped) == (5, "processing", 3)
    assert both.skipped_by == {"clutter": 3}


def test_a_batch_with_a_part_that_is_not_known_yet_is_not_completed() -> None:
    later = opening(3, first_index=2)
    assert status(later, completed(2, 3, 4)).status == "processing"
    assert status(later, completed(*range(5))).image_count == 5
    assert status(opening(2), advanced(1, first_index=2), completed(0, 1)).status == "processing"


def test_a_cancelled_batch_tells_so_and_what_was_finished() -> None:
    told = status(opening(4), advanced(2), completed(0), CANCELLED)
    assert (told.status, told.progress.processed, told.progress.total) == ("cancelled", 1, 4)


def test_a_batch_that_was_finished_all_the_same_is_completed() -> None:
    assert status(opening(2), CANCELLED, advanced(2), completed(0, 1)).status == "completed"


def test_a_cancelled_batch_is_settled_when_what_was_queued_is_finished() -> None:
    before = folded(opening(4), advanced(2), completed(0), CANCELLED)
    assert not progress.is_settled(before)
    assert progress.is_settled(progress.fold(before, completed(1)))


def test_the_priority_is_the_last_that_was_set() -> None:
    def change(priority: int, at: float) -> PriorityChanged:
        return PriorityChanged(batch="b1", project="p", priority=priority, changed_at=at)

    assert status(opening(2)).priority == 5
    assert status(change(9, 3.0), opening(2), change(1, 2.0)).priority == 9


def test_the_state_of_a_hundred_thousand_contiguous_photos_is_small() -> None:
    frames = [completed(*range(start, start + 1000)) for start in range(0, 100_000, 1000)]
    assert len(progress.encode(folded(*frames))) < 200


def test_duplicates_are_kept_only_while_they_are_to_come() -> None:
    repeated = random.Random(1).sample(range(100_000), 10_000)  # noqa: S311 - any will do
    opened = opening(100_000, duplicates=BitMap(repeated).serialize())
    halfway = folded(opened, advanced(50_000))
    assert set(BitMap.deserialize(halfway.parts[0].duplicates)) == {
        index for index in repeated if index >= 50_000
    }
    assert len(progress.encode(folded(opened, advanced(100_000)))) < 300
