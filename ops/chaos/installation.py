"""The installation under attack: two uploaders and three workers, each with links of its own.

Every member reaches every service, and every uploader the workers' views, by a link of its own, so
that one may be cut off alone. The checker goes past the links.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from itertools import product
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from connectors.kafka import admin
from connectors.ports import free_ports
from ops.chaos.plan import LINKS, SERVICES, UPLOADERS, WORKERS
from ops.chaos.services import Services, running_services
from ops.chaos.supervisor import Supervisor
from ops.services.toxiproxy import Toxiproxy, toxiproxy_binary
from streamapp.members import Member
from streamapp.settings import Settings, read_settings
from streamapp.wiring.stores import object_store
from streamapp.wiring.values import topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "chaos"

SMALL = {
    "partitions": 6,
    "worker_concurrency": 1,
    "pace_photos_per_partition": 16,
    "photo_time_limit_s": 4,
    "retry_delay_s": 1,
    "faces": "all",
    "janitor_interval_s": 5,
}
"""A batch is to be under way for as long as faults are, and a retry not to take the day."""


class Installation(NamedTuple):
    """All that runs; ``settings`` go straight to the services."""

    settings: Settings
    services: Services
    proxy: Toxiproxy
    supervisor: Supervisor
    folder: Path

    @property
    def urls(self) -> dict[str, str]:
        """Where each member answers, by its name."""
        return {name: member.url for name, member in self.supervisor.members.items()}

    def links(self, client: str, service: str) -> list[str]:
        """The links of a client, or of all (``*``), to a service or to the workers' views."""
        clients = (*WORKERS, *UPLOADERS) if client == "*" else (client,)
        names = _link_names(service)
        return [name for each in clients for name in names if name.startswith(f"{each}:")]


@contextmanager
def running(folder: Path, *, small_disk: bool = False) -> Iterator[Installation]:
    """Start everything; the members are on their way up when it is given."""
    ports = _Ports()
    with ExitStack() as started:
        proxy = started.enter_context(Toxiproxy(folder, toxiproxy_binary()))
        services = started.enter_context(
            running_services(folder, ports.kafka_proxies(), small_disk=small_disk)
        )
        settings = _direct(folder, services)
        object_store(settings).prepare()
        specs = topics(settings).specs()
        asyncio.run(admin.provision(settings.kafka_bootstrap, specs, replication_factor=1))
        for name, port in ports.links.items():
            proxy.link(name, port=port, to=ports.behind(name, services))
        members = [_member(name, settings, ports) for name in (*WORKERS, *UPLOADERS)]
        supervisor = started.enter_context(Supervisor(members))
        yield Installation(settings, services, proxy, supervisor, folder)


class _Ports:
    """The ports of members, links and Kafka's listeners."""

    def __init__(self) -> None:
        names = [name for service in LINKS for name in _link_names(service)]
        kafka = _link_names("kafka")
        free = iter(free_ports(len(names) + len(kafka) + len(WORKERS) + len(UPLOADERS)))
        self.links = {name: next(free) for name in names}
        self.listeners = {name: next(free) for name in kafka}
        self.members = {name: next(free) for name in (*WORKERS, *UPLOADERS)}

    def kafka_proxies(self) -> dict[int, int]:
        return {at: self.links[name] for name, at in self.listeners.items()}

    def behind(self, link: str, services: Services) -> int:
        """The port that a link leads to."""
        _, service = link.split(":")
        if service in WORKERS:
            return self.members[service]
        if service == "kafka":
            return self.listeners[link]
        if service == "minio":
            return int(services.minio.endpoint.rpartition(":")[2])
        return services.mariadb.port


def _link_names(service: str) -> list[str]:
    if service == "views":
        return [f"{uploader}:{worker}" for uploader, worker in product(UPLOADERS, WORKERS)]
    return [f"{client}:{service}" for client in (*WORKERS, *UPLOADERS)]


def _direct(folder: Path, services: Services) -> Settings:
    bucket = f"http://{services.minio.endpoint}/{BUCKET}"
    return read_settings(
        data_dir=folder / "members",
        kafka_bootstrap=services.kafka.bootstrap,
        objects_url=bucket,
        objects_public_url=bucket,
        objects_access_key=services.minio.access_key,
        objects_secret_key=services.minio.secret_key,
        records_url=services.mariadb.url,
        **SMALL,
    )


def _member(name: str, settings: Settings, ports: _Ports) -> Member:
    at = {service: f"127.0.0.1:{ports.links[f'{name}:{service}']}" for service in SERVICES}
    database = urlsplit(settings.records_url.get_secret_value())
    account = database.netloc.rpartition("@")[0]
    port = ports.members[name]
    values = {
        "kafka_bootstrap": at["kafka"],
        "objects_url": f"http://{at['minio']}/{BUCKET}",
        "records_url": database._replace(netloc=f"{account}@{at['mariadb']}").geturl(),
    }
    if name in WORKERS:
        values |= {"worker_port": str(port), "worker_name": name}
    else:
        views = (f"http://127.0.0.1:{ports.links[f'{name}:{worker}']}" for worker in WORKERS)
        values |= {"upload_port": str(port), "workers_url": ",".join(views)}
    whole = settings.model_dump() | values
    command = "worker" if name in WORKERS else "serve"
    return Member(name, read_settings(**whole), command=command, port=port)
