"""The whole service on this machine: broker, uploader and workers, as processes that end with us.

Everything lies in one data folder and survives a restart.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from connectors.kafka import admin
from connectors.kafka.embedded import EmbeddedKafka
from streamapp.members import Members
from streamapp.wiring.values import topics

if TYPE_CHECKING:
    from streamapp.settings import Settings


class Installation:
    """Broker, uploader and workers; a context manager that starts and stops them."""

    def __init__(self, settings: Settings, *, port: int = 0, workers: int = 1) -> None:
        self._settings = settings
        self._port = port
        self._workers = workers
        self._running = ExitStack()

    def __enter__(self) -> Self:
        """Start everything and return when all of it is ready."""
        with ExitStack() as starting:
            self._kafka = starting.enter_context(EmbeddedKafka(self._settings.data_dir / "kafka"))
            settings = self._settings.model_copy(
                update={"kafka_bootstrap": self._kafka.bootstrap, "replication_factor": 1}
            )
            specs = topics(settings).specs()
            asyncio.run(admin.provision(settings.kafka_bootstrap, specs, replication_factor=1))
            self._members = starting.enter_context(
                Members(settings, port=self._port, workers=self._workers)
            )
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop everything, the broker last."""
        self._running.close()

    @property
    def url(self) -> str:
        """Address of the uploader."""
        return self._members.uploader.url

    @property
    def addresses(self) -> dict[str, str]:
        """Each process's name and address."""
        return {"kafka": self._kafka.bootstrap} | {each.name: each.url for each in self._members}

    def watch(self) -> None:
        """Start again what has died; see `Members.watch`."""
        self._members.watch()
