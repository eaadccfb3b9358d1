"""Headers of retries that nobody here has written: told, never the end of the mover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from connectors.kafka.delayed import Waiting
from streamapp.events import ATTEMPTS_HEADER, DUE_HEADER, LANE_HEADER
from streamapp.stream import retry
from streamapp.stream.retry import Return, attempts_of, return_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping


def waiting(headers: Mapping[str, bytes | None]) -> Waiting:
    return Waiting("photos-retry-1", 0, 0, b"key", b"value", headers)


def test_the_headers_tell_where_a_photo_goes_back_to_and_when() -> None:
    headers = {LANE_HEADER: b"low", DUE_HEADER: b"1.500"}
    assert return_of(waiting(headers)) == Return("low", 1.5)


@pytest.mark.parametrize("lane", [None, b"", b"urgent", b"\xff"])
def test_a_lane_that_is_none_is_no_retry(lane: bytes | None) -> None:
    assert return_of(waiting({LANE_HEADER: lane, DUE_HEADER: b"1"})) is None


@pytest.mark.parametrize("due", [None, b"", b"soon", b"\xff", b"inf", b"-inf", b"nan", b"1e999"])
def test_a_time_that_never_comes_is_no_retry(due: bytes | None) -> None:
    assert return_of(waiting({LANE_HEADER: b"low", DUE_HEADER: due})) is None


def test_without_headers_it_is_no_retry() -> None:
    assert return_of(waiting({})) is None


HOSTILE = [None, b"", b"{}", b"[1]", b"[[]]", b'[{"at":1,"code":"\xff"}]', b"[" * 100_000]


class Message(NamedTuple):
    tp: str = "photos-low"
    offset: int = 7


class Event(NamedTuple):
    headers: Mapping[str, bytes | None] | None
    message: Message = Message()


@pytest.mark.parametrize(
    "headers",
    [None, {}, *({ATTEMPTS_HEADER: text} for text in HOSTILE)],
)
def test_attempts_that_cannot_be_read_are_none(headers: Mapping[str, bytes | None] | None) -> None:
    assert attempts_of(Event(headers)) == ()  # type: ignore[arg-type] # all that it looks at


def test_attempts_are_read_in_their_order() -> None:
    text = b'[{"at":1,"code":"photo_timed_out"},{"at":2,"code":"photo_crashed"}]'
    attempts = attempts_of(Event({ATTEMPTS_HEADER: text}))  # type: ignore[arg-type] # as above
    assert [(each.at, each.code) for each in attempts] == [
        (1, "photo_timed_out"),
        (2, "photo_crashed"),
    ]


class Around:
    """The app, the outlet and the topics of retries, as far as the mover asks them."""

    def __init__(self, *waiting: Waiting) -> None:
        self.waiting = waiting
        self.back: list[tuple[str, bytes]] = []

    def task(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.work = work

    async def follow(
        self, due_at: Callable[[Waiting], float], move: Callable[[Waiting], Awaitable[None]]
    ) -> None:
        for each in self.waiting:
            assert due_at(each) <= 1
            await move(each)
        self.due_at = due_at

    async def bring_back(self, lane: str, message: Any) -> None:
        self.back.append((lane, message.value))


async def test_what_is_no_retry_is_told_once_and_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sound = waiting({LANE_HEADER: b"low", DUE_HEADER: b"1"})
    around: Any = Around(waiting({}), sound._replace(value=None), sound)
    retry.register(around, outlet=around, delayed=around, longest_s=30.0, clock=lambda: 100.0)
    await around.work()
    assert around.back == [("low", b"value")]
    assert [record.message.count("is no retry") for record in caplog.records] == [1, 1]


@pytest.mark.parametrize(("due", "comes"), [("100.5", 100.5), ("140.0", 140.0), ("1e11", 0.0)])
async def test_a_time_long_after_every_delay_holds_up_nobody(due: str, comes: float) -> None:
    """Of its partition the photos behind it would wait for as long, and their batches with them."""
    around: Any = Around()
    retry.register(around, outlet=around, delayed=around, longest_s=30.0, clock=lambda: 100.0)
    await around.work()
    assert around.due_at(waiting({LANE_HEADER: b"low", DUE_HEADER: due.encode()})) == comes


def test_the_longest_delay_is_that_before_the_last_attempt() -> None:
    assert retry.longest_delay_s(5.0, 3) == pytest.approx(24.0)
    assert retry.longest_delay_s(5.0, 1) == pytest.approx(6.0)
