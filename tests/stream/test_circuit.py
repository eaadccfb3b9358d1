"""Whoever needs a service that is away waits; one of them tries, and all go on when it is back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from streamapp.errors import Code, StreamappError
from streamapp.stream import patience
from streamapp.stream.circuit import Circuit, Circuits

if TYPE_CHECKING:
    from collections.abc import Callable


class Service:
    """Answers with what is given, or is away while ``error`` says so."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls = 0
        self.inside = 0
        self.most_inside = 0

    async def __call__(self) -> str:
        self.calls += 1
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        await asyncio.sleep(0.001)
        self.inside -= 1
        if self.error:
            raise self.error
        return "answer"


AWAY = StreamappError(Code.STORE_AWAY, "http://key:secret@store:9000 is away")


@pytest.fixture
def circuit(monkeypatch: pytest.MonkeyPatch) -> Circuit:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.002)
    monkeypatch.setattr(patience, "LONGEST_PAUSE_S", 0.01)
    return Circuit("objects", iter(range(1000)).__next__)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not reached():
            await asyncio.sleep(0.001)


async def test_a_service_that_answers_is_asked_by_all_at_the_same_time(circuit: Circuit) -> None:
    service = Service()
    answers = await asyncio.gather(*(circuit.patiently(service) for _ in range(5)))
    assert answers == ["answer"] * 5
    assert service.most_inside == 5
    assert not circuit.is_open


async def test_while_it_is_away_one_tries_and_all_go_on_when_it_is_back(circuit: Circuit) -> None:
    service = Service()
    service.error = AWAY
    with_one = asyncio.create_task(circuit.patiently(service))
    await until(lambda: circuit.is_open)
    service.most_inside = 0
    others = [asyncio.create_task(circuit.patiently(service)) for _ in range(20)]
    before = service.calls
    await until(lambda: service.calls > before + 5)
    assert service.most_inside == 1
    service.error = None
    assert await asyncio.gather(with_one, *others) == ["answer"] * 21
    assert service.most_inside > 1, "they went on one after another"
    assert not circuit.is_open


async def test_it_tells_since_when_and_why_and_no_address(circuit: Circuit) -> None:
    service = Service()
    service.error = AWAY
    closed_at = circuit.since
    waiting = asyncio.create_task(circuit.patiently(service))
    await until(lambda: circuit.is_open)
    opened_at = circuit.since
    await until(lambda: service.calls > 3)
    assert circuit.reason == Code.STORE_AWAY.sentence
    assert circuit.since == opened_at > closed_at
    assert circuit.openings == 1
    service.error = None
    await waiting
    assert circuit.reason is None
    assert circuit.since > opened_at


async def test_a_probe_that_is_cancelled_hands_the_trying_over(circuit: Circuit) -> None:
    service = Service()
    service.error = AWAY
    first = asyncio.create_task(circuit.patiently(service))
    await until(lambda: service.calls > 2)
    second = asyncio.create_task(circuit.patiently(service))
    first.cancel()
    service.error = None
    assert await asyncio.wait_for(second, 5) == "answer"


@pytest.mark.parametrize("error", [StreamappError(Code.PHOTO_CRASHED), ValueError("ours")])
async def test_what_is_no_word_on_the_service_passes_through_and_changes_nothing(
    circuit: Circuit, error: Exception
) -> None:
    service = Service()
    service.error = error
    with pytest.raises(type(error)):
        await circuit.patiently(service)
    assert not circuit.is_open


async def test_a_service_that_refuses_has_answered(circuit: Circuit) -> None:
    service = Service()
    service.error = AWAY
    waiting = asyncio.create_task(circuit.patiently(service))
    await until(lambda: circuit.is_open)
    service.error = StreamappError(Code.OBJECT_MISSING)
    with pytest.raises(StreamappError):
        await waiting
    assert not circuit.is_open


async def test_an_answer_to_an_earlier_question_ends_the_pause(
    circuit: Circuit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 1000.0)
    asked, answer = Service(), asyncio.Event()

    async def slow() -> None:
        await answer.wait()

    early = asyncio.create_task(circuit.patiently(slow))
    asked.error = AWAY
    late = asyncio.create_task(circuit.patiently(asked))
    await until(lambda: circuit.is_open)
    asked.error = None
    answer.set()
    await asyncio.wait_for(asyncio.gather(early, late), 5)


async def test_the_services_have_a_circuit_each() -> None:
    circuits = Circuits.closed(lambda: 0.0)
    assert [circuit.service for circuit in circuits] == ["objects", "records", "kafka"]
    assert len({id(circuit) for circuit in circuits}) == 3
