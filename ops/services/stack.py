"""The real Kafka, MinIO and MariaDB together, on loopback, for a benchmark."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from connectors.kafka import admin
from connectors.kafka.embedded import EmbeddedKafka
from ops.services.mariadb import MariadbServer
from ops.services.minio import MinioServer, minio_binary
from streamapp.settings import Settings, read_settings
from streamapp.wiring.stores import object_store
from streamapp.wiring.values import topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Stack(NamedTuple):
    """Settings that point at the services, and the process id of each."""

    settings: Settings
    pids: dict[str, int]


@contextmanager
def real_services(data: Path, **overrides: object) -> Iterator[Stack]:
    """The services, topics and bucket made; stopped and forgotten at the end."""
    with ExitStack() as running:
        kafka = running.enter_context(EmbeddedKafka(data / "kafka", heap_mb=512))
        minio = running.enter_context(MinioServer(data / "minio", minio_binary()))
        mariadb = running.enter_context(MariadbServer(data / "mariadb"))
        settings = read_settings(
            data_dir=data / "streamapp",
            kafka_bootstrap=kafka.bootstrap,
            objects_url=f"http://{minio.endpoint}/bench",
            objects_access_key=minio.access_key,
            objects_secret_key=minio.secret_key,
            records_url=mariadb.url,
            **overrides,
        )
        object_store(settings).prepare()
        asyncio.run(
            admin.provision(
                settings.kafka_bootstrap, topics(settings).specs(), replication_factor=1
            )
        )
        pids = {"Kafka": kafka.pid, "MinIO": minio.pid, "MariaDB": mariadb.pid}
        yield Stack(settings, pids)


@contextmanager
def on_own_topics(stack: Stack, prefix: str, **overrides: object) -> Iterator[Stack]:
    """The same services with topics and workers' tables of their own, and settings changed."""
    own = {"kafka_prefix": prefix, "data_dir": stack.settings.data_dir / prefix}
    settings = stack.settings.model_copy(update=own | overrides)
    specs = topics(settings).specs()
    asyncio.run(admin.provision(settings.kafka_bootstrap, specs, replication_factor=1))
    yield stack._replace(settings=settings)
