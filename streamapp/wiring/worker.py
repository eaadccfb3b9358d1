"""A worker: its stores, its child processes and its Faust app."""

from __future__ import annotations

import logging
import platform
import socket
import time
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from connectors.kafka.broadcast import Broadcast
from connectors.kafka.delayed import Delayed
from streamapp import crop_run
from streamapp.crop_run import Cropper
from streamapp.stream import app as stream_app
from streamapp.vision import read_model
from streamapp.vision.children import Children, cores
from streamapp.wiring.changes import overlaid
from streamapp.wiring.stores import object_store, record_store
from streamapp.wiring.values import limits, topics
from streamapp.wiring.vision import options

if TYPE_CHECKING:
    from streamapp.settings import Settings
    from streamapp.stream.generations import WorkerApp

_log = logging.getLogger(__name__)


def make_cropper(settings: Settings) -> Cropper:
    """A child process's tools."""
    return Cropper(
        object_store(settings),
        options(settings),
        photo_time_limit_s=settings.photo_time_limit_s,
        changed=lambda changes: options(overlaid(settings, changes)),
    )


def make_children(settings: Settings) -> Children:
    """The child processes of a worker."""
    return Children(
        count=settings.worker_concurrency or cores(),
        initializer=crop_run.equip,
        initargs=(make_cropper, settings),
        memory_bytes_max=settings.photo_memory_max,
    )


def worker_app(settings: Settings) -> WorkerApp:
    """The Faust app of a worker."""
    host = socket.gethostname() if settings.worker_host == "auto" else settings.worker_host
    values = stream_app.WorkerValues(
        kafka_bootstrap=settings.kafka_bootstrap,
        topics=topics(settings),
        data_dir=settings.data_dir / f"worker-{settings.worker_name}",
        web_host=host,
        web_port=settings.worker_port,
        web_bind=settings.worker_bind or host,
        session_timeout_s=settings.session_timeout_s,
        photo_time_limit_s=settings.photo_time_limit_s,
        retry_delay_s=settings.retry_delay_s,
        stall_limit_s=settings.stall_limit_s,
        limits=limits(settings),
        pace_photos_per_partition=settings.pace_photos_per_partition,
    )
    return stream_app.create_app(
        values,
        objects=object_store(settings),
        records=record_store(settings),
        controls=Broadcast(settings.kafka_bootstrap, topics(settings).control),
        delayed=Delayed(
            settings.kafka_bootstrap,
            topics(settings).retry_pattern,
            group=topics(settings).retry_group,
            session_timeout_s=settings.session_timeout_s,
            clock=time.time,
        ),
        children=make_children(settings),
    )


def introduction(settings: Settings) -> str:
    """What is worth knowing of a worker when its log is read; no secret is in it."""
    of, children = topics(settings), settings.worker_concurrency or cores()
    objects = urlsplit(settings.objects_url)
    records = urlsplit(settings.records_url.get_secret_value()).scheme or "sqlite"
    at = f"{objects.hostname}:{objects.port}{objects.path}" if objects.hostname else "a folder"
    return (
        f"streamapp {version('streamapp')}, worker {settings.worker_name}: group {of.app_id} on "
        f"{settings.kafka_bootstrap}, {settings.partitions} partitions; objects in {at}, rows in "
        f"{records}; {children} children, faces: {settings.faces}; views on port "
        f"{settings.worker_port}; LOG_LEVEL {settings.log_level}; Python "
        f"{platform.python_version()}, Faust {version('faust-streaming')}."
    )


def run_worker(settings: Settings) -> None:
    """Run a worker until SIGTERM or SIGINT; does not return.

    It does not prepare the object store: a store that is away for a moment and then made anew,
    empty, would look like one that has lost its objects. The uploader does, when it starts.

    Raises:
        StreamappError: ``MODEL_MISMATCH``: rather no worker than one that fails every photo.
    """
    read_model()
    _log.info("%s", introduction(settings))
    stream_app.run(worker_app(settings), log_level=settings.log_level)
