"""Topics: what exists, what is missing, what differs; and making what is missing.

Nothing here ever changes or removes a topic, so all of it may be repeated and run by several
replicas at once. Each call is bounded in time. A Kafka that does not answer is ``KAFKA_AWAY``.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable

    from streamapp.topics import TopicSpec

LIMIT_S = 10.0
_POLL_S = 0.05


async def describe(
    bootstrap: str, names: Collection[str], *, limit_s: float = LIMIT_S
) -> dict[str, int]:
    """How many partitions each of the topics ``names`` has; those that do not exist are left out.

    Raises:
        StreamappError: ``KAFKA_AWAY``.
    """
    async with _admin(bootstrap, limit_s) as admin:
        return await _partitions(admin, names)


async def create(
    bootstrap: str,
    specs: Iterable[TopicSpec],
    *,
    replication_factor: int,
    limit_s: float = LIMIT_S,
) -> list[str]:
    """Create the topics and return the names of those that were not there yet.

    Returns when all of them can be seen. An existing topic is left as it is.

    Raises:
        StreamappError: ``KAFKA_AWAY``; ``SETTING_INVALID`` when Kafka refuses a topic, for
            instance because it has fewer brokers than ``replication_factor``.
    """
    topics = [
        NewTopic(spec.name, spec.partitions, replication_factor, topic_configs=spec.config)
        for spec in specs
    ]
    if not topics:
        return []
    names = [topic.name for topic in topics]
    async with _admin(bootstrap, limit_s) as admin:
        answer = await admin.create_topics(topics, timeout_ms=int(limit_s * 1000))
        created = [name for name, *fault in answer.topic_errors if _is_new(name, *fault)]
        while len(await _partitions(admin, names)) < len(names):  # noqa: ASYNC110 - Kafka's news
            await asyncio.sleep(_POLL_S)
    return created


async def check(bootstrap: str, specs: Collection[TopicSpec], *, limit_s: float = LIMIT_S) -> None:
    """Return when every topic exists with the number of partitions it must have.

    Raises:
        StreamappError: ``TOPICS_MISSING``, ``TOPICS_MISMATCH`` or ``KAFKA_AWAY``.
    """
    found = await describe(bootstrap, [spec.name for spec in specs], limit_s=limit_s)
    if missing := [spec.name for spec in specs if spec.name not in found]:
        raise StreamappError(Code.TOPICS_MISSING, ", ".join(missing))
    _refuse_mismatch(specs, found)


async def provision(
    bootstrap: str,
    specs: Collection[TopicSpec],
    replication_factor: int,
    *,
    limit_s: float = LIMIT_S,
) -> list[str]:
    """Create what is missing and return its names; nothing is created when something differs.

    Raises:
        StreamappError: ``TOPICS_MISMATCH``, and what `create` raises.
    """
    found = await describe(bootstrap, [spec.name for spec in specs], limit_s=limit_s)
    _refuse_mismatch(specs, found)
    missing = [spec for spec in specs if spec.name not in found]
    created = await create(
        bootstrap, missing, replication_factor=replication_factor, limit_s=limit_s
    )
    # Somebody else may have created one between our look and our try.
    await check(bootstrap, specs, limit_s=limit_s)
    return created


@asynccontextmanager
async def _admin(bootstrap: str, limit_s: float) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(limit_s * 1000))
    try:
        async with asyncio.timeout(limit_s):
            await admin.start()
            yield admin
    except (KafkaError, OSError) as error:
        raise StreamappError(Code.KAFKA_AWAY, f"{bootstrap}: {error!r}") from error
    finally:
        await admin.close()


async def _partitions(admin: AIOKafkaAdminClient, names: Collection[str]) -> dict[str, int]:
    # All topics are listed on purpose: asking for a topic by name may create it on a broker
    # that has auto-creation on.
    return {
        topic["topic"]: len(topic["partitions"])
        for topic in await admin.describe_topics()
        if topic["topic"] in names and topic["partitions"]
    }


def _is_new(name: str, error_code: int, message: str | None) -> bool:
    """Whether ``name`` was created by this request; False: it was there; else the fault."""
    if error_code == 0:
        return True
    error = for_code(error_code)
    if error is TopicAlreadyExistsError:
        return False
    code = Code.KAFKA_AWAY if error.retriable else Code.SETTING_INVALID
    raise StreamappError(code, f"topic {name}: {message or error.description}")


def _refuse_mismatch(specs: Iterable[TopicSpec], found: dict[str, int]) -> None:
    differing = [
        f"{spec.name} has {found[spec.name]} partitions, {spec.partitions} are wanted"
        for spec in specs
        if found.get(spec.name, spec.partitions) != spec.partitions
    ]
    if differing:
        raise StreamappError(Code.TOPICS_MISMATCH, "; ".join(differing))
