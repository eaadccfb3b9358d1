"""What one worker says of itself; the others read it as it is written here."""

from __future__ import annotations

import msgspec

from streamapp.stream.faults import FailedPhoto, Fault  # noqa: TC001 - msgspec needs them


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Batch(_Part, frozen=True, kw_only=True):
    """A batch of a partition that the worker answers for; ``opened_at`` in Unix seconds."""

    batch: str
    project: str = ""
    external_id: str = ""
    status: str
    photos: int
    processed: int
    failed: int
    queued: int
    priority: int
    run: int
    opened_at: float


class Lag(_Part, frozen=True, kw_only=True):
    """Where a stream is: its first offset that is not acknowledged, and the next event's."""

    topic: str
    partition: int
    committed: int
    end: int

    @property
    def events(self) -> int:
        """Events that are not acknowledged."""
        return max(0, self.end - self.committed)


class TablePartition(_Part, frozen=True, kw_only=True):
    """A partition of the progress table: ``state`` says whether it is answered for."""

    partition: int
    state: str
    rows: int
    changelog_offset: int
    changelog_end: int
    folds_to: int | None = None
    """The offset of the batch log up to which it folds again before it is answered for."""


class Children(_Part, frozen=True, kw_only=True):
    """The child processes, see `vision.crew`."""

    wanted: int
    alive: int
    busy: int
    replaced: int


class Service(_Part, frozen=True, kw_only=True):
    """The circuit of a service; ``since`` it has been so, in Unix seconds."""

    name: str
    is_open: bool
    reason: str | None
    since: float
    openings: int


class Versions(_Part, frozen=True, kw_only=True):
    """What the worker is made of."""

    streamapp: str
    python: str
    faust: str
    aiokafka: str


class Report(_Part, frozen=True, kw_only=True):
    """All of it, ``at`` a time in Unix seconds; ``rate`` is photos a second in the last minute."""

    worker: str
    url: str
    at: float
    started_at: float
    ready: bool
    why: tuple[str, ...]
    live: bool
    idle: bool
    rate: float
    in_hand: int
    partitions: dict[str, tuple[int, ...]]
    topics: tuple[str, ...]
    partition_count: int
    lags: tuple[Lag, ...]
    table: tuple[TablePartition, ...]
    children: Children
    services: tuple[Service, ...]
    faults: tuple[Fault, ...]
    failed_photos: tuple[FailedPhoto, ...]
    batches: tuple[Batch, ...]
    versions: Versions


class Group(_Part, frozen=True, kw_only=True):
    """The reports of all workers that answered, by worker, and the addresses of those that did not.

    ``asked`` is the worker that gathered them.
    """

    at: float
    asked: str
    reports: tuple[Report, ...]
    silent: tuple[str, ...]
