"""What the product asks of an object store.

All calls block and are safe to call from any thread of the process that opened the store. A
store that does not answer raises `StreamappError` with ``STORE_AWAY`` (fate: wait); an object
that is not there raises ``OBJECT_MISSING``, whose detail is its key alone: clients and rows are
told it, and are to learn nothing of where the store is. No other exception leaves a connector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

PART_BYTES = 8 << 20
"""Of every part of a `put_part` but the last; S3 takes 10,000 of them."""


class Stored(NamedTuple):
    """An object as a listing tells of it: its size in bytes, its last change in Unix seconds."""

    key: str
    size: int
    modified: float


class Source(Protocol):
    """Where `ObjectStore.put_stream` takes its bytes from."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer, wholly unless the end is reached; the number of bytes, 0 after it.

        May raise: the put is then given up, nothing of the object remains, and the exception
        passes through unchanged.
        """
        ...


class ObjectStore(Protocol):
    """A flat space of immutable objects under ``/``-separated keys."""

    def prepare(self) -> None:
        """Create what is missing (the bucket, the folder); safe to run twice and at once."""
        ...

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store ``data`` under ``key``, whole or not at all; an existing object is replaced."""
        ...

    def put_stream(self, key: str, source: Source, content_type: str) -> int:
        """Store what ``source`` gives, without holding it whole, and return its size in bytes.

        The object appears only when complete. When ``source`` raises, neither an object nor a
        started multipart upload remains.
        """
        ...

    def read(self, key: str, start: int, length: int) -> bytes:
        """Bytes ``start`` to ``start + length`` of the object, fewer when it ends before."""
        ...

    def size(self, key: str) -> int:
        """Size of the object in bytes."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; it may be gone already."""
        ...

    def keys(self, prefix: str) -> list[str]:
        """The keys under ``prefix`` (bounded use: tests, checks, one batch), sorted."""
        ...

    def url(self, key: str) -> str:
        """The address written into rows; no request is made."""
        ...


class UploadStore(ObjectStore, Protocol):
    """What taking uploads in, and cleaning up after them, asks of the store beyond the rest."""

    def put_new(self, key: str, data: bytes, content_type: str) -> bool:
        """`put` unless an object is there already: True for exactly one of all who try."""
        ...

    def listing(self, prefix: str, after: str = "") -> Iterator[Stored]:
        """The objects under ``prefix`` whose key comes behind ``after``, in order, as a stream."""
        ...

    def begin_parts(self, key: str, content_type: str) -> str:
        """Begin an object that comes in parts; the token for the calls below.

        Parts survive a restart of everybody. The object appears when they are made one.
        """
        ...

    def put_part(self, key: str, token: str, number: int, data: bytes) -> None:
        """Store part ``number`` (from 1) of `PART_BYTES` (the last may be shorter), durably.

        In order; the last one may be stored again. ``OBJECT_MISSING`` when ``token`` is over.
        """
        ...

    def parts(self, key: str, token: str) -> int:
        """The number of whole parts that are stored, without a gap from 1 on.

        ``OBJECT_MISSING`` when ``token`` is over: made one, dropped, or never begun.
        """
        ...

    def join_parts(self, key: str, token: str) -> None:
        """Make the stored parts the object ``key``; ``OBJECT_MISSING`` when ``token`` is over."""
        ...

    def drop_parts(self, key: str) -> None:
        """Remove every unfinished upload of ``key``, also of a `put_stream` that was killed."""
        ...
