"""The services of a seed: Kafka, MinIO and MariaDB, each of which can be killed and started again.

MinIO's objects may lie on a small file system of their own, so that it can be full.
"""

from __future__ import annotations

import errno
import os
import subprocess
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from connectors.kafka.embedded import EmbeddedKafka
from connectors.ports import free_ports
from ops.services.mariadb import MariadbServer
from ops.services.minio import MinioServer, minio_binary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DISK_MIB = 1024
"""Room for a seed's objects and for what MinIO has deleted but not yet given back."""

SPARE_BYTES = 64 * 1024
FILL_TRIES = 20


class Service(Protocol):
    """What the faults ask of a service."""

    @property
    def pid(self) -> int:
        """Its process."""
        ...

    def start(self) -> None:
        """Start it again at the same address; returns when it answers."""
        ...


class Disk(NamedTuple):
    """The object store's disk, which a ballast fills."""

    folder: Path

    def fill(self) -> None:
        """Leave no room for anything."""
        with self._ballast.open("wb") as file:
            for _ in range(FILL_TRIES):
                room = os.statvfs(self.folder)
                size = max(1, room.f_bavail * room.f_frsize - SPARE_BYTES)
                with suppress(OSError):  # the store has written since it was asked for
                    os.posix_fallocate(file.fileno(), 0, size)
                    return
        raise OSError(errno.ENOSPC, "the store is faster at filling its disk", str(self.folder))

    def empty(self) -> None:
        """Take the ballast away."""
        self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"


class Services(NamedTuple):
    """All of them, running; ``disk`` is None where it cannot be made small."""

    kafka: EmbeddedKafka
    minio: MinioServer
    mariadb: MariadbServer
    disk: Disk | None

    def named(self, name: str) -> Service:
        """The service ``kafka``, ``minio`` or ``mariadb``."""
        service: Service = getattr(self, name)
        return service


@contextmanager
def running_services(
    data: Path, kafka_proxies: Mapping[int, int], *, small_disk: bool
) -> Iterator[Services]:
    """Start them in a folder; ``kafka_proxies`` as `EmbeddedKafka` takes them."""
    with ExitStack() as running:
        (port,) = free_ports(1)
        kafka = EmbeddedKafka(data / "kafka", port=port, proxied=kafka_proxies)
        running.enter_context(kafka)
        objects = data / "minio"
        objects.mkdir(parents=True)
        disk = running.enter_context(_small_disk(objects)) if small_disk else None
        minio = running.enter_context(MinioServer(objects, minio_binary()))
        mariadb = running.enter_context(MariadbServer(data / "mariadb"))
        yield Services(kafka, minio, mariadb, disk)


@contextmanager
def _small_disk(folder: Path) -> Iterator[Disk | None]:
    """A small file system at ``folder``; None where mounting is not permitted."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        yield Disk(folder)
    finally:
        with suppress(subprocess.CalledProcessError):
            subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)
