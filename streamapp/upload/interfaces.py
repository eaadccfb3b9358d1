"""What the uploader asks of its surroundings, beside the object store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamapp.events import ArchiveStored, BatchCancelled, PriorityChanged
    from streamapp.progress import GroupLoad, Status
    from streamapp.replay import Wish


class Publisher(Protocol):
    """Where events go."""

    async def publish(self, event: ArchiveStored) -> None:
        """Return after Kafka's acknowledgement; raises ``KAFKA_AWAY``."""
        ...

    async def publish_log(self, event: BatchCancelled | PriorityChanged) -> None:
        """Append to the batch log, in the same way."""
        ...


class ProgressSource(Protocol):
    """Who knows how far a batch is."""

    async def status(self, batch: str) -> Status | None:
        """The batch's status, None when its owner does not know it; raises ``PROGRESS_AWAY``."""
        ...


class LoadSource(Protocol):
    """Who knows what the workers have to do."""

    async def load(self) -> GroupLoad:
        """What those tell who answer, within a few seconds; raises ``PROGRESS_AWAY``."""
        ...


class Replays(Protocol):
    """Who has batches done again."""

    def check(self, wish: Wish) -> None:
        """Refuse settings that are none, or not allowed: ``FIELD_INVALID``."""
        ...

    async def begin(self, batch: str, wish: Wish, *, only_failed: bool) -> tuple[int, int] | None:
        """How many photos are done again, and in which run; None when there are none.

        Returns when that is durable. Raises what `replay.Candidates` and `replay.Starts` raise.
        """
        ...


class Readiness(Protocol):
    """Whether the services around answer."""

    async def __call__(self) -> Mapping[str, str]:
        """Each service's name with ``ok`` or a sentence for the public; within a few seconds."""
        ...
