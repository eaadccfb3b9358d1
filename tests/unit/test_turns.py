"""Whose photos are queued next, and how many."""

from __future__ import annotations

import pytest
from pyroaring import BitMap

from streamapp.archive import RUN_PHOTOS
from streamapp.events import Cursor
from streamapp.progress import Part, Progress, Run, serialized
from streamapp.stream.load import PIECE_PHOTOS, Turn, piece_photos
from streamapp.stream.turns import Turns

WINDOW = 768


def batch(
    name: str, photos: int, *, priority: int = 5, processed: int = 0, cancelled_at: float = 0
) -> Progress:
    return Progress(
        batch=name,
        parts=(Part(first_index=0, photos=photos, priority=priority),),
        processed=processed,
        cancelled_at=cancelled_at,
    )


def turns(*batches: Progress) -> Turns:
    made = Turns(window_photos=WINDOW, clock=lambda: 0.0)
    for each in batches:
        made.put(0, each)
    return made


def anywhere(_partition: int) -> bool:
    return True


def queue(made: Turns) -> list[tuple[str, int]]:
    """Take turns until none has room; the name and the photos of each."""
    taken = []
    while turn := made.next(anywhere):
        publish(made, turn)
        taken.append((turn.batch.state.batch, turn.photos))
    return taken


def publish(made: Turns, turn: Turn) -> None:
    made.advance(turn, Cursor(index=turn.part.cursor.index + turn.photos))


def the_next(made: Turns) -> Turn:
    turn = made.next(anywhere)
    assert turn is not None
    return turn


def test_a_batch_alone_fills_its_window_and_no_more() -> None:
    assert sum(photos for _, photos in queue(turns(batch("a", 10_000)))) == WINDOW


def test_a_batch_goes_on_when_a_piece_of_it_is_finished() -> None:
    made = turns(batch("a", 10_000))
    queue(made)
    made.put(0, batch("a", 10_000, processed=PIECE_PHOTOS - 1))
    assert queue(made) == []
    made.put(0, batch("a", 10_000, processed=PIECE_PHOTOS))
    assert queue(made) == [("a", PIECE_PHOTOS)]


def test_batches_of_a_lane_take_turns_and_share_the_window() -> None:
    taken = queue(turns(batch("a", 10_000), batch("b", 10_000)))
    assert [name for name, _ in taken[:2]] == ["a", "b"]
    photos = {name: sum(n for of, n in taken if of == name) for name in "ab"}
    assert max(photos.values()) <= WINDOW // 2


def test_a_small_batch_does_not_wait_for_the_window_of_a_large_one() -> None:
    made = turns(batch("large", 1_000_000))
    queue(made)
    made.put(0, batch("small", 100))
    assert queue(made) == [("small", 100)]


def test_a_thousand_small_batches_do_not_flood_the_topics() -> None:
    taken = queue(turns(*(batch(f"b{n}", 100) for n in range(1000))))
    assert sum(photos for _, photos in taken) <= 2 * WINDOW
    assert len({name for name, _ in taken}) == len(taken), "each has had one turn at most"


def test_lanes_have_windows_of_their_own() -> None:
    made = turns(batch("a", 10_000))
    queue(made)
    made.put(0, batch("b", 10_000, priority=1))
    assert sum(photos for _, photos in queue(made)) == WINDOW


def test_the_parts_of_a_batch_follow_each_other() -> None:
    parts = (
        Part(first_index=0, photos=40, cursor=Cursor(index=40)),
        Part(first_index=40, photos=10),
        Part(first_index=50, photos=10),
    )
    made = turns(Progress(batch="a", parts=parts, processed=40))
    first = made.next(anywhere)
    assert first is not None
    assert (first.part.first_index, first.photos) == (40, 10)
    publish(made, first)
    second = made.next(anywhere)
    assert second is not None
    assert second.part.first_index == 50


def test_a_part_that_is_not_opened_has_no_turn() -> None:
    unopened = Part(first_index=0, cursor=Cursor(index=3))
    assert turns(Progress(batch="a", parts=(unopened,))).next(anywhere) is None


def test_a_cancelled_batch_and_a_finished_one_have_no_turn() -> None:
    made = turns(batch("a", 9), batch("b", 9))
    made.put(0, batch("a", 9, cancelled_at=1.0))
    made.put(0, batch("b", 9, processed=9))
    assert made.next(anywhere) is None
    assert made.partitions() == set()


def test_a_partition_that_may_not_is_passed_over() -> None:
    made = turns(batch("a", 9))
    made.put(1, batch("b", 9))
    turn = made.next(lambda partition: partition == 1)
    assert turn is not None
    assert turn.batch.state.batch == "b"


def test_a_checkpoint_that_was_folded_moves_the_cursor() -> None:
    made = turns(batch("a", 1000))
    own = made.next(anywhere)
    assert own is not None
    publish(made, own)
    part = Part(first_index=0, photos=1000, cursor=Cursor(index=990, entry_at=5))
    made.put(0, Progress(batch="a", parts=(part,), processed=990))
    turn = made.next(anywhere)
    assert turn is not None
    assert (turn.part.cursor, turn.photos) == (part.cursor, 10)


def test_a_lane_that_is_full_is_not_searched_and_what_is_queued_is_in_no_ring() -> None:
    made = turns()
    for number in range(1000):
        made.put(number, batch(f"b{number}", 100))
    queue(made)
    made.put(1000, batch("queued", 0))
    asked: list[int] = []
    assert made.next(lambda partition: not asked.append(partition)) is None  # type: ignore[func-returns-value] # keeps it
    assert asked == []


def test_a_lane_has_room_again_when_photos_of_another_batch_are_finished() -> None:
    made = turns(*(batch(f"b{n}", 100) for n in range(1000)))
    taken = queue(made)
    name, photos = taken[0]
    made.put(0, batch(name, 100, processed=photos))
    assert sum(photos for _, photos in queue(made)) == photos


def test_a_batch_that_goes_to_another_lane_takes_its_photos_along() -> None:
    made = turns(batch("a", 10_000))
    queue(made)
    made.put(0, batch("a", 10_000, priority=1))
    assert queue(made) == []
    made.put(0, batch("b", 10_000))
    assert sum(photos for _, photos in queue(made)) == WINDOW


def test_whatever_is_told_the_lanes_are_empty_when_the_batches_are_gone() -> None:
    made = turns(*(batch(f"b{n}", 100, priority=n % 10 + 1) for n in range(100)))
    queue(made)
    for n in range(100):
        made.put(0, batch(f"b{n}", 100, priority=(n + 3) % 10 + 1, processed=n))
        made.put(0, batch(f"b{n}", 100, cancelled_at=1.0))
    made.put(0, batch("late", 10_000))
    assert sum(photos for _, photos in queue(made)) == WINDOW


def test_the_least_window_lets_a_run_pass() -> None:
    made = Turns(window_photos=1, clock=lambda: 0.0)
    made.put(0, batch("a", 1000))
    assert queue(made) == [("a", RUN_PHOTOS)]


def test_a_part_that_is_put_aside_is_passed_over_longer_each_time() -> None:
    now = 0.0
    made = Turns(window_photos=WINDOW, clock=lambda: now)
    made.put(0, batch("a", 9))
    pauses = []
    for _ in range(7):
        pauses.append(made.put_aside(the_next(made)))
        assert made.next(anywhere) is None
        assert made.retry_s() == pauses[-1]
        now += pauses[-1]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    publish(made, the_next(made))
    made.put(0, batch("b", 9))
    assert made.put_aside(the_next(made)) == 0.5


def test_the_others_go_on_beside_a_part_that_is_put_aside() -> None:
    parts = (Part(first_index=0, photos=40), Part(first_index=40, photos=10))
    made = turns(Progress(batch="a", parts=parts))
    made.put_aside(the_next(made))
    made.put(0, batch("b", 9))
    taken = [the_next(made), the_next(made)]
    assert {(turn.batch.state.batch, turn.part.first_index) for turn in taken} == {
        ("a", 40),
        ("b", 0),
    }


@pytest.mark.parametrize(
    ("left", "share", "in_flight", "lane_room", "photos"),
    [
        (10_000, WINDOW, 0, 2 * WINDOW, PIECE_PHOTOS),
        (10_000, WINDOW, WINDOW - PIECE_PHOTOS + 1, WINDOW, 0),
        (10, WINDOW, WINDOW - 10, WINDOW, 10),
        (10, WINDOW, WINDOW - 9, WINDOW, 0),
        (10_000, RUN_PHOTOS, 0, WINDOW, RUN_PHOTOS),
        (10_000, RUN_PHOTOS, 1, WINDOW, 0),
        (10_000, 100, 0, WINDOW, 3 * RUN_PHOTOS),
        (10_000, WINDOW, 0, RUN_PHOTOS + 1, RUN_PHOTOS),
        (10_000, WINDOW, 0, -5, 0),
    ],
)
def test_a_piece_is_whole_runs_within_every_room(
    left: int, share: int, in_flight: int, lane_room: int, photos: int
) -> None:
    found = piece_photos(left=left, share=share, in_flight=in_flight, lane_room=lane_room)
    assert found == photos


def replayed(
    photos: int, *, rate: float = 0.0, cursor: int = 0, finished: int = 0, **of_run: float
) -> Progress:
    """A batch that was done and whose second run does it again."""
    before = Part(first_index=0, photos=photos, cursor=Cursor(index=photos))
    again = Part(first_index=0, photos=photos, cursor=Cursor(index=cursor))
    run = Run(
        run=2,
        parts=(again,),
        started_at=1.0,
        initial_priority=5,
        rate=rate,
        due=serialized(BitMap(range(finished, photos))),
        finished=serialized(BitMap(range(finished))),
        processed=finished,
        **of_run,  # type: ignore[arg-type] # times
    )
    first = serialized(BitMap(range(photos)))
    return Progress(batch="a", parts=(before,), finished=first, processed=photos, runs=(run,))


def test_a_later_run_has_turns_until_it_ends() -> None:
    made = turns(replayed(1000))
    taken = queue(made)
    assert sum(photos for _, photos in taken) == WINDOW
    made.put(0, replayed(1000, cursor=WINDOW, finished=WINDOW))
    assert sum(photos for _, photos in queue(made)) == 1000 - WINDOW
    made.put(0, replayed(1000, cursor=1000, finished=1000))
    assert made.partitions() == set()


def test_a_later_run_that_is_cancelled_has_no_turn() -> None:
    made = turns(replayed(1000))
    made.put(0, replayed(1000, cancelled_at=2.0))
    assert made.next(anywhere) is None
    assert made.partitions() == set()


@pytest.mark.parametrize(
    ("rate", "photos", "pause_s"),
    [(10.0, 10, 1.0), (0.5, 1, 2.0), (1.5, 1, 1 / 1.5), (1000.0, PIECE_PHOTOS, 0.256)],
)
def test_a_run_with_a_rate_is_queued_a_second_of_it_at_a_time(
    rate: float, photos: int, pause_s: float
) -> None:
    now = 100.0
    made = Turns(window_photos=WINDOW, clock=lambda: now)
    made.put(0, replayed(1000, rate=rate))
    for _ in range(3):
        assert queue(made) == [("a", photos)]
        assert made.retry_s() == pytest.approx(pause_s)
        now += pause_s * 0.99
        assert made.next(anywhere) is None
        now += pause_s * 0.02


def test_a_rate_holds_on_when_the_run_is_folded() -> None:
    made = turns(replayed(1000, rate=10))
    queue(made)
    made.put(0, replayed(1000, rate=10, cursor=10, finished=10))
    assert queue(made) == []
