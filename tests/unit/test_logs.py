"""Which lines of Kafka's client are held back, and for how long."""

from __future__ import annotations

import logging

import pytest

from streamapp.logs import CLIENT, ORDINARY_S, REBALANCES, NoFalseAlarms, quieten_the_client


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def alarms(clock: Clock) -> NoFalseAlarms:
    return NoFalseAlarms(clock)


def record(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("aiokafka", logging.ERROR, "", 0, message, args, None)


NO_COORDINATOR = record(
    "Group Coordinator Request failed: %s", "[Error 15] GroupCoordinatorNotAvailableError"
)


def test_a_coordinator_that_is_not_there_yet_is_no_error(
    alarms: NoFalseAlarms, clock: Clock
) -> None:
    assert not alarms.filter(NO_COORDINATOR)
    clock.now += ORDINARY_S - 1
    assert not alarms.filter(NO_COORDINATOR)


def test_a_coordinator_that_does_not_come_is_one(alarms: NoFalseAlarms, clock: Clock) -> None:
    alarms.filter(NO_COORDINATOR)
    clock.now += ORDINARY_S
    assert alarms.filter(NO_COORDINATOR)


@pytest.mark.parametrize(
    ("before", "after"), [(logging.NOTSET, logging.NOTSET), (logging.WARNING, logging.CRITICAL)]
)
def test_of_its_own_end_the_client_says_nothing_but_where_all_is_to_be_heard(
    before: int, after: int
) -> None:
    client = logging.getLogger(CLIENT)
    former = client.level
    try:
        client.setLevel(before)
        quieten_the_client()
        assert client.level == after
    finally:
        client.setLevel(former)


def test_a_heartbeat_in_a_rebalance_is_no_warning(alarms: NoFalseAlarms) -> None:
    assert not alarms.filter(record(REBALANCES, "streamapp"))


@pytest.mark.parametrize(
    "message",
    [
        "Group Coordinator Request failed: [Error 30] GroupAuthorizationFailedError",
        "Heartbeat failed for group streamapp: generation id is not  current.",
        "Heartbeat session expired - marking coordinator dead",
    ],
)
def test_all_else_is_told(alarms: NoFalseAlarms, message: str) -> None:
    assert alarms.filter(record(message))
