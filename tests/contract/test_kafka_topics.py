from __future__ import annotations

import asyncio
import socket
import time
from itertools import chain
from uuid import uuid4

import pytest

from connectors.kafka.admin import check, create, describe, provision
from connectors.ports import free_ports
from streamapp.errors import Code, StreamappError
from streamapp.topics import Topics, TopicSpec


def specs(*partitions: int) -> list[TopicSpec]:
    run = uuid4().hex
    return [
        TopicSpec(name=f"topic-{run}-{number}", partitions=each)
        for number, each in enumerate(partitions)
    ]


def names(wanted: list[TopicSpec]) -> list[str]:
    return [spec.name for spec in wanted]


async def test_provisioning_creates_what_is_missing_once(kafka: str) -> None:
    wanted = specs(1, 3)
    assert await provision(kafka, wanted, 1) == names(wanted)
    assert await provision(kafka, wanted, 1) == []
    assert await describe(kafka, names(wanted)) == dict(zip(names(wanted), (1, 3), strict=True))


async def test_replicas_that_provision_at_the_same_time_agree(kafka: str) -> None:
    wanted = specs(2, 2, 2)
    created = await asyncio.gather(*(provision(kafka, wanted, 1) for _ in range(4)))
    assert sorted(chain(*created)) == sorted(names(wanted))


async def test_provisioned_topics_pass_the_check(kafka: str) -> None:
    wanted = specs(1, 2)
    await provision(kafka, wanted, 1)
    await check(kafka, wanted)


async def test_the_check_names_what_is_missing(kafka: str) -> None:
    present, missing = specs(1, 1)
    await provision(kafka, [present], 1)
    with pytest.raises(StreamappError) as refusal:
        await check(kafka, [present, missing])
    assert refusal.value.code is Code.TOPICS_MISSING
    assert refusal.value.detail == missing.name


async def test_another_partition_count_is_refused_and_nothing_is_created(kafka: str) -> None:
    (there,) = specs(2)
    await provision(kafka, [there], 1)
    wanted = TopicSpec(name=there.name, partitions=3)
    (missing,) = specs(1)
    for refused in (provision(kafka, [wanted, missing], 1), check(kafka, [wanted])):
        with pytest.raises(StreamappError) as refusal:
            await refused
        assert refusal.value.code is Code.TOPICS_MISMATCH
        assert refusal.value.detail == f"{there.name} has 2 partitions, 3 are wanted"
        told = str(refusal.value)
        assert "first set PARTITIONS to what the topics have" in told
        assert "run: streamapp topics" in told
    assert await describe(kafka, [missing.name]) == {}


WRONG = {
    "a changelog that forgets": ({}, {"cleanup.policy": "compact"}, "delete"),
    "a log that is compacted": (
        {"cleanup.policy": "compact"},
        {"cleanup.policy": "delete"},
        "compact",
    ),
    "what is compacted and never deleted": (
        {"cleanup.policy": "compact"},
        {"cleanup.policy": "compact,delete"},
        "compact",
    ),
    "another retention": ({"retention.ms": "3600000"}, {"retention.ms": "7200000"}, "3600000"),
}


@pytest.mark.parametrize(("there", "wanted", "has"), WRONG.values(), ids=WRONG)
async def test_other_settings_are_refused_and_provisioning_mends_them(
    kafka: str,
    caplog: pytest.LogCaptureFixture,
    there: dict[str, str],
    wanted: dict[str, str],
    has: str,
) -> None:
    name = specs(1)[0].name
    kept = {"segment.ms": "5000000"}
    await create(
        kafka, [TopicSpec(name=name, partitions=1, config=there | kept)], replication_factor=1
    )
    right = TopicSpec(name=name, partitions=1, config=wanted)
    ((key, value),) = wanted.items()

    with pytest.raises(StreamappError) as refusal:
        await check(kafka, [right])
    assert refusal.value.code is Code.TOPICS_MISMATCH
    assert refusal.value.detail == f"{name} has {key}={has}, {value} is wanted"
    assert "run: streamapp topics" in str(refusal.value)

    assert await provision(kafka, [right], 1) == []
    assert f"{name} has {key}={has}" in caplog.text
    await check(kafka, [TopicSpec(name=name, partitions=1, config=wanted | kept)])


async def test_every_topic_of_the_product_passes_the_check_once_provisioned(kafka: str) -> None:
    wanted = Topics(partitions=2, prefix=f"{uuid4().hex}.").specs()
    await provision(kafka, wanted, 1)
    await check(kafka, wanted)
    assert await provision(kafka, wanted, 1) == []


async def test_a_topic_that_kafka_refuses_is_a_wrong_setting(kafka: str) -> None:
    wanted = [TopicSpec(name=specs(1)[0].name, partitions=1, config={"no.such.setting": "1"})]
    with pytest.raises(StreamappError, match=r"no\.such\.setting") as refusal:
        await create(kafka, wanted, replication_factor=1)
    assert refusal.value.code is Code.SETTING_INVALID


async def test_a_kafka_that_is_not_there_is_away() -> None:
    with pytest.raises(StreamappError) as refusal:
        await check(f"127.0.0.1:{free_ports(1)[0]}", specs(1))
    assert refusal.value.code is Code.KAFKA_AWAY


async def test_a_kafka_that_does_not_answer_is_away_in_bounded_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bootstrap = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(StreamappError) as refusal:
            await check(bootstrap, specs(1), limit_s=0.5)
    assert refusal.value.code is Code.KAFKA_AWAY
    assert time.monotonic() - began < 2
