"""Whether Kafka answers, and has the topics as the settings want them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.kafka import admin
from streamapp.doctor.finding import Finding
from streamapp.errors import Code, StreamappError
from streamapp.wiring.values import topics

if TYPE_CHECKING:
    from streamapp.settings import Settings

ADVICE = (
    "Does it run, and can it be reached from here at KAFKA_BOOTSTRAP and at the addresses that "
    "it advertises?"
)


async def brokers(settings: Settings) -> Finding:
    """Kafka answers, with brokers enough for the copies of a topic."""
    count = await admin.brokers(settings.kafka_bootstrap)
    found = f"{settings.kafka_bootstrap} answers; {count} {'broker' if count == 1 else 'brokers'}"
    if count < settings.replication_factor:
        advice = f"Set REPLICATION_FACTOR to {count}, or start more brokers."
        wanted = f"fewer than REPLICATION_FACTOR={settings.replication_factor}"
        return Finding("kafka", "fail", f"{found}, {wanted}", advice)
    return Finding("kafka", "ok", found)


async def provisioned(settings: Settings) -> Finding:
    """The topics are there, with the right partitions and settings."""
    specs = topics(settings).specs()
    try:
        await admin.check(settings.kafka_bootstrap, specs)
    except StreamappError as error:
        if error.code is Code.KAFKA_AWAY:
            return Finding("topics", "fail", "cannot be looked at while Kafka is away", ADVICE)
        advice = "Run: streamapp topics"
        if error.code is Code.TOPICS_MISMATCH:
            advice = (
                "Run: streamapp topics. Partitions stay as they are: set PARTITIONS to what the "
                "topics have, or take another KAFKA_PREFIX."
            )
        return Finding("topics", "fail", f"{error.code.code}: {error.detail}", advice)
    return Finding("topics", "ok", f"all {len(specs)} are as they should be")
