"""Batches that are done again because a client of the uploader asks for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from streamapp.errors import Code, StreamappError
from streamapp.replay import Candidates, Starts
from streamapp.wiring.changes import overlaid
from streamapp.wiring.replay import KafkaLog, OwnersTable
from streamapp.wiring.values import limits, topics

if TYPE_CHECKING:
    from connectors.kafka.producer import EventProducer
    from connectors.objects.interface import UploadStore
    from connectors.workers.views import WorkerViews
    from streamapp.replay import Wish
    from streamapp.settings import Settings


class BatchReplays:
    """`upload.interfaces.Replays` over the store, the batch log and the owners' rows."""

    def __init__(
        self,
        settings: Settings,
        objects: UploadStore,
        producer: EventProducer,
        table: WorkerViews,
    ) -> None:
        log = KafkaLog(producer, settings.kafka_bootstrap, topics(settings).batches)
        self._settings = settings
        self._candidates = Candidates(
            objects, OwnersTable(table, settings.workers_url), limits(settings)
        )
        self._starts = Starts(objects, log, time.time)

    def check(self, wish: Wish) -> None:
        """Refuse settings that a worker could not use."""
        try:
            overlaid(self._settings, wish.settings)
        except StreamappError as error:
            raise StreamappError(Code.FIELD_INVALID, error.detail) from None

    async def begin(self, batch: str, wish: Wish, *, only_failed: bool) -> tuple[int, int] | None:
        """Begin the run."""
        candidate = await self._candidates.look(batch, only_failed=only_failed)
        if not candidate.photos:
            return None
        begun = await self._starts.begin(candidate, wish)
        return len(candidate.photos), begun.run.run
