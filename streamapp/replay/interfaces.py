"""What a replay asks of its surroundings, beside the object store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streamapp.events import RunStarted
    from streamapp.progress import Progress


class ProgressTable(Protocol):
    """The progress of batches, as their owners have it."""

    async def row(self, batch: str) -> Progress | None:
        """What is known of a batch, None when its owner knows nothing; ``PROGRESS_AWAY``."""
        ...


class BatchLog(Protocol):
    """The batch log."""

    async def publish(self, event: RunStarted) -> None:
        """Return after Kafka's acknowledgement; raises ``KAFKA_AWAY``."""
        ...

    def batches_since(self, offset: int, partition: int | None) -> AsyncIterator[str]:
        """The batch of each event from an offset on, of one partition or each, up to now.

        Raises ``KAFKA_AWAY``; ``TOPICS_MISSING``, also when there is no such partition.
        """
        ...
