"""The whole service on this machine: broker, uploader and workers, as processes that end with us.

Everything lies in one data folder and survives a restart. Whatever the environment says, Kafka is
the embedded one and all of it stays on loopback; the object store and the database are those of
the settings.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from connectors.kafka import admin
from connectors.kafka.embedded import EmbeddedKafka
from connectors.ports import is_free
from streamapp import addresses
from streamapp.addresses import Addresses
from streamapp.errors import Code, StreamappError
from streamapp.members import Members
from streamapp.wiring.values import topics

if TYPE_CHECKING:
    from streamapp.settings import Settings


_LOOPBACK = {
    "kafka_prefix": "",
    "replication_factor": 1,
    "upload_host": "127.0.0.1",
    "worker_host": "127.0.0.1",
    "worker_bind": "",
}


class Installation:
    """Broker, uploader and workers; a context manager that starts and stops them."""

    def __init__(self, settings: Settings, *, port: int = 0, workers: int = 1) -> None:
        self._settings = settings
        self._port = port
        self._workers = workers
        self._running = ExitStack()

    def __enter__(self) -> Self:
        """Start everything and return when all of it is ready.

        Raises:
            StreamappError: ``PORT_TAKEN`` before anything is started, ``KAFKA_NOT_STARTED``,
                ``PROCESS_FAILED``.
        """
        if self._port and not is_free(self._port):
            raise StreamappError(Code.PORT_TAKEN, f"port {self._port}")
        with ExitStack() as starting:
            self._kafka = starting.enter_context(EmbeddedKafka(self._settings.data_dir / "kafka"))
            settings = self._settings.model_copy(
                update=_LOOPBACK | {"kafka_bootstrap": self._kafka.bootstrap}
            )
            specs = topics(settings).specs()
            asyncio.run(admin.provision(settings.kafka_bootstrap, specs, replication_factor=1))
            self._members = starting.enter_context(
                Members(settings, port=self._port, workers=self._workers)
            )
            starting.callback(addresses.remove, settings.data_dir)
            addresses.write(settings.data_dir, self._whereabouts())
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
        """Each process's name and address, and where objects and rows are kept."""
        data = self._settings.data_dir
        return {
            "kafka": self._kafka.bootstrap,
            **{each.name: each.url for each in self._members},
            "objects": _without_secrets(self._settings.objects_url) or str(data / "objects"),
            "rows": _without_secrets(self._settings.records_url.get_secret_value())
            or str(data / "records.sqlite"),
        }

    def _whereabouts(self) -> Addresses:
        workers = ",".join(worker.url for worker in self._members.workers)
        return Addresses(kafka_bootstrap=self._kafka.bootstrap, workers_url=workers)

    def watch(self) -> None:
        """Start again what has died, the broker first; to be called every now and then.

        Raises:
            StreamappError: ``KAFKA_NOT_STARTED`` or ``PROCESS_FAILED`` when it keeps dying.
        """
        self._kafka.watch()
        self._members.watch()


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
