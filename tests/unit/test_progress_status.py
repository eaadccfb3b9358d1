"""What the API says of a batch."""

from __future__ import annotations

import random

import msgspec
from msgspec import structs
from pyroaring import BitMap

from streamapp import keys, progress
from streamapp.events import (
    BatchCancelled,
    BatchLogEvent,
    BatchOpened,
    Cursor,
    ExpansionAdvanced,
    Outcome,
    PhotosFinished,
    PriorityChanged,
    RunStarted,
)
from streamapp.stream import outlet
from streamapp.upload import chain


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


def test_a_cancelled_batch_stays_cancelled_though_all_of_it_was_finished() -> None:
    assert status(opening(2), CANCELLED, advanced(2), completed(0, 1)).status == "cancelled"


def test_a_cancelled_batch_is_settled_when_what_was_queued_is_finished() -> None:
    before = folded(opening(4), advanced(2), completed(0), CANCELLED)
    assert not progress.status(before).settled
    assert progress.status(progress.fold(before, completed(1))).settled


def test_each_run_tells_when_it_began_the_first_when_the_batch_came() -> None:
    again = RunStarted(
        batch="b1",
        project="p",
        run=2,
        started_at=9.0,
        priority=5,
        photos=BitMap([0]).serialize(),
        parts=(),
    )
    told = status(opening(2), completed(0, 1), again)
    assert [run.started_at for run in told.runs] == [1.0, 9.0]


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
    assert set(BitMap.deserialize(progress.duplicates_of(halfway, halfway.parts[0]))) == {
        index for index in repeated if index >= 50_000
    }
    assert len(progress.encode(folded(opened, advanced(100_000)))) < 300


def test_the_duplicates_of_a_part_that_joined_are_its_own() -> None:
    repeated = BitMap([0, 3]).serialize()
    state = folded(
        opening(9, duplicates=repeated), opening(5, first_index=9, duplicates=repeated), advanced(1)
    )
    of = [set(BitMap.deserialize(progress.duplicates_of(state, part))) for part in state.parts]
    assert of == [{3}, {0, 3}]


def test_parts_that_are_queued_are_one_whatever_is_told_again() -> None:
    parts = [opening(2, clutter=1), opening(3, first_index=2, clutter=2, folder=1)]
    done = [advanced(2), advanced(3, first_index=2)]
    state = folded(*parts, *done)
    only = progress.Part(
        first_index=0,
        priority=5,
        photos=5,
        skipped=4,
        skipped_by={"clutter": 3, "folder": 1},
        cursor=Cursor(index=5),
    )
    assert state.parts == (only,)
    again: list[BatchLogEvent] = [*parts, *done, advanced(1, first_index=2)]
    for event in again:
        assert progress.fold(state, event) == state


PARTS = keys.PARTS_MAX
REASONS = (
    *("folder", "clutter", "duplicate", "empty", "nested_archive"),
    *("nested_compressed", "nested_encrypted", "nested_broken"),
)
FAR = 1 << 40


def worst_part(number: int, photos: int, duplicates: bytes = b"") -> BatchOpened:
    """As much to keep of a part as an uploader lets through."""
    skipped = dict.fromkeys(REASONS, 1_000_000)
    opened = opening(photos, first_index=number * photos, duplicates=duplicates, **skipped)
    return structs.replace(
        opened,
        archive="\N{PILE OF POO}" * 256,
        archive_bytes=FAR,
        name="\N{PILE OF POO}" * 255,
        external_id="\N{PILE OF POO}" * 255,
        nested=True,
    )


def test_the_most_of_the_largest_parts_fit_into_one_message() -> None:
    photos = chain.PHOTOS_MAX // PARTS
    chance = random.Random(1)  # noqa: S311 - any will do
    every_other = [n for n in range(photos) if chance.random() < 0.5]
    duplicates = BitMap(every_other).serialize()
    state = None
    for number in range(PARTS):
        state = progress.fold(state, worst_part(number, photos, duplicates))
    assert state is not None
    cursor = Cursor(index=1, entry_at=FAR, inner=1_000_000)
    for number in range(PARTS):
        begun = advanced(1, first_index=number * photos)
        state = progress.fold(state, structs.replace(begun, cursor=cursor))
    assert len(progress.encode(state)) < outlet.EVENT_BYTES_MAX


def test_a_batch_whose_every_other_photo_failed_fits_into_one_message() -> None:
    bits = random.Random(1).getrandbits  # noqa: S311 - any will do
    failed = BitMap(index for index in range(chain.PHOTOS_MAX) if bits(1))
    state = folded(*(worst_part(number, 10) for number in range(PARTS)), completed(0))
    state = structs.replace(state, failed=failed.serialize())
    assert len(progress.encode(state)) < outlet.EVENT_BYTES_MAX


def test_the_most_parts_that_are_queued_take_next_to_nothing() -> None:
    parts = [worst_part(number, 10) for number in range(PARTS)]
    state = folded(*parts, *(advanced(10, first_index=part.first_index) for part in parts))
    assert len(progress.encode(state)) < 2000
    assert progress.status(state).skipped == PARTS * len(REASONS) * 1_000_000
