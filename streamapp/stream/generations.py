"""Between two generations of the group: partitions are revoked, and not yet assigned again."""

from __future__ import annotations

from typing import Any

import faust


class WorkerApp(faust.App):
    """A Faust app that knows whether what it works on may still be its own."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.between_generations = False
        self.on_partitions_assigned.connect(self._generation_began, weak=False)

    def on_rebalance_start(self) -> None:
        """Called first of all when partitions are about to be revoked."""
        self.between_generations = True
        super().on_rebalance_start()

    async def _generation_began(self, *_args: Any, **_options: Any) -> None:
        self.between_generations = False
