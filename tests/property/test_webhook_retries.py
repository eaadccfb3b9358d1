"""A receiver that does not take a message is asked again for a day, ever more seldom."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from connectors.records.outbox import ATTEMPTS_MAX, Delivery
from connectors.webhooks.interface import Answer
from streamapp.stream.notify import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    TRIED_S,
    next_attempt,
    settle,
)
from tests.webhook_records import a_webhook

T = 1_700_000_000.0
CHANCES = st.lists(st.floats(0, 1), min_size=ATTEMPTS_MAX, max_size=ATTEMPTS_MAX)
SENDING = st.floats(0, 15)


def attempts(chances: list[float], seconds: float, status: int | None = 503) -> list[float]:
    """When a message is sent whose receiver never takes it."""
    webhook = a_webhook(due_since=T, next_at=T)
    at = []
    for chance in chances:
        at.append(webhook.next_at)
        now = webhook.next_at + seconds
        answer = Answer(status)
        tried = Delivery(at=webhook.next_at, seconds=seconds, status=status)
        webhook = settle(webhook, tried, answer=answer, now=now, chance=chance)
        if webhook.state != "due":
            assert webhook.state == "failed"
            assert len(webhook.attempts) == len(at)
            return at
    raise AssertionError("it is never given up")


@given(CHANCES, SENDING, st.sampled_from([None, 301, 400, 404, 429, 500, 503, 100]))
def test_it_is_tried_for_a_day_and_all_attempts_are_kept(
    chances: list[float], seconds: float, status: int | None
) -> None:
    at = attempts(chances, seconds, status)
    assert at[-1] == T + TRIED_S
    assert 10 <= len(at) <= ATTEMPTS_MAX


@given(CHANCES, SENDING)
def test_pauses_grow_until_the_longest(chances: list[float], seconds: float) -> None:
    at = attempts(chances, seconds)[:-1]  # the last one ends the day
    pauses = [later - before - seconds for before, later in pairwise(at)]
    assert FIRST_PAUSE_S * 0.74 <= pauses[0] <= FIRST_PAUSE_S * 1.26
    assert max(pauses) <= LONGEST_PAUSE_S * 1.26
    growing = [each for each in pauses if each < LONGEST_PAUSE_S * 0.7]
    assert growing == sorted(growing)


@given(st.integers(1, 1000), st.floats(0, 1), st.floats(0, 2 * TRIED_S))
def test_the_next_attempt_is_later_and_within_the_day(
    number: int, chance: float, gone_s: float
) -> None:
    again = next_attempt(number, due_since=T, now=T + gone_s, chance=chance)
    if T + gone_s >= T + TRIED_S:
        assert again is None
    else:
        assert again is not None
        assert T + gone_s < again <= T + TRIED_S


def test_what_failed_together_does_not_come_back_together() -> None:
    times = {next_attempt(5, due_since=T, now=T, chance=n / 100) for n in range(101)}
    assert len(times) == 101


def test_one_that_is_sent_again_by_hand_begins_with_the_first_pause() -> None:
    old = tuple(Delivery(at=T + n, seconds=1, status=500) for n in range(20))
    webhook = a_webhook(due_since=T + 90_000, next_at=T + 90_000, attempts=old)
    tried = Delivery(at=T + 90_000, seconds=1, status=500)
    again = settle(webhook, tried, answer=Answer(500), now=T + 90_001, chance=0.5)
    assert again.next_at == T + 90_001 + FIRST_PAUSE_S
    assert again.attempts == (*old, tried)


def test_a_receiver_that_is_gone_is_not_asked_again() -> None:
    tried = Delivery(at=T, seconds=1, status=410)
    webhook = a_webhook(due_since=T, next_at=T)
    assert settle(webhook, tried, answer=Answer(410), now=T, chance=0).state == "failed"


@given(st.integers(200, 299))
def test_any_success_is_a_delivery(status: int) -> None:
    tried = Delivery(at=T, seconds=1, status=status)
    told = settle(a_webhook(), tried, answer=Answer(status), now=T, chance=0)
    assert told == structs.replace(a_webhook(), state="delivered", attempts=(tried,))
