"""Topics: what exists, what is missing, what differs; and mending it as far as that goes in place.

No topic is ever removed, and no partition is added: the keys would then change places. All of it
may be repeated and run by several replicas at once. Each call is bounded in time. A Kafka that
does not answer is ``KAFKA_AWAY``.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from itertools import chain
from typing import TYPE_CHECKING

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from connectors.kafka import topic_config
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable

    from streamapp.topics import TopicSpec

LIMIT_S = 10.0
_POLL_S = 0.05

_log = logging.getLogger(__name__)


async def brokers(bootstrap: str, *, limit_s: float = LIMIT_S) -> int:
    """How many brokers Kafka has, by those that it tells of.

    Raises:
        StreamappError: ``KAFKA_AWAY``.
    """
    async with _admin(bootstrap, limit_s) as admin:
        return len((await admin.describe_cluster())["brokers"])


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
    """Return when every topic exists with the partitions and the settings it must have.

    Raises:
        StreamappError: ``TOPICS_MISSING``, ``TOPICS_MISMATCH`` or ``KAFKA_AWAY``.
    """
    names = [spec.name for spec in specs]
    async with _admin(bootstrap, limit_s) as admin:
        found = await _partitions(admin, names)
        if missing := [name for name in names if name not in found]:
            raise StreamappError(Code.TOPICS_MISSING, ", ".join(missing))
        _refuse_partitions(specs, found)
        faults = topic_config.differences(specs, await topic_config.read(admin, names))
    if faults:
        raise StreamappError(Code.TOPICS_MISMATCH, "; ".join(chain(*faults.values())))


async def provision(
    bootstrap: str,
    specs: Collection[TopicSpec],
    replication_factor: int,
    *,
    limit_s: float = LIMIT_S,
) -> list[str]:
    """Create what is missing, mend settings that differ, and return the names of the created.

    Nothing is created or mended when a topic has another number of partitions.

    Raises:
        StreamappError: ``TOPICS_MISMATCH``, and what `create` raises.
    """
    found = await describe(bootstrap, [spec.name for spec in specs], limit_s=limit_s)
    _refuse_partitions(specs, found)
    missing = [spec for spec in specs if spec.name not in found]
    created = await create(
        bootstrap, missing, replication_factor=replication_factor, limit_s=limit_s
    )
    await _mend(bootstrap, [spec for spec in specs if spec.name in found], limit_s)
    # Somebody else may have created one between our look and our try.
    await check(bootstrap, specs, limit_s=limit_s)
    return created


async def _mend(bootstrap: str, specs: Collection[TopicSpec], limit_s: float) -> None:
    async with _admin(bootstrap, limit_s) as admin:
        found = await topic_config.read(admin, [spec.name for spec in specs])
        if faults := topic_config.differences(specs, found):
            _log.warning("Altering topics: %s", "; ".join(chain(*faults.values())))
            await topic_config.write(admin, [s for s in specs if s.name in faults], found)


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


def _refuse_partitions(specs: Iterable[TopicSpec], found: dict[str, int]) -> None:
    differing = [
        f"{spec.name} has {found[spec.name]} partitions, {spec.partitions} are wanted"
        for spec in specs
        if found.get(spec.name, spec.partitions) != spec.partitions
    ]
    if differing:
        raise StreamappError(Code.TOPICS_MISMATCH, "; ".join(differing))
