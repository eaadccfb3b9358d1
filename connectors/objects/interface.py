"""What the product asks of an object store.

All calls block and are safe to call from any thread of the process that opened the store. A
store that does not answer raises `StreamappError` with ``STORE_AWAY`` (fate: wait); an object
that is not there raises ``OBJECT_MISSING``. No other exception leaves a connector.
"""

from __future__ import annotations

from typing import Protocol


class Source(Protocol):
    """Where `ObjectStore.put_stream` takes its bytes from."""

    def read(self, size: int, /) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end, ``b""`` after it.

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
