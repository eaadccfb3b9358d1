"""Between two generations of the group: partitions are revoked, and not yet assigned again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import faust

from streamapp.stream.consumer import WorkerTransport

if TYPE_CHECKING:
    from faust.types import TransportT


class WorkerApp(faust.App):
    """A Faust app that knows which generation's work is no longer its own."""

    revoked_generation: int | None = None

    def on_rebalance_start(self) -> None:
        """Called first of all when partitions are about to be revoked."""
        self.revoked_generation = self.consumer_generation_id
        super().on_rebalance_start()

    def _new_transport(self) -> TransportT:
        return WorkerTransport(self.conf.broker_consumer, self)
