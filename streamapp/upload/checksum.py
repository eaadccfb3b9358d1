"""Checksums of the bodies of resumable uploads (tus: the extension checksum).

A body with a checksum is held until it is verified, so it has a bound of its own.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode
from typing import TYPE_CHECKING, NamedTuple

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ALGORITHMS = ("sha1", "sha256", "md5")
CHECKED_BYTES_MAX = 16 * 1024 * 1024


class Checksum(NamedTuple):
    """What a body's digest must be."""

    algorithm: str
    digest: bytes


def read_checksum(header: str) -> Checksum:
    """The checksum of ``Upload-Checksum``: an algorithm, a space, the digest in base64.

    Raises:
        StreamappError: ``FIELD_INVALID``, also for an algorithm that is not among `ALGORITHMS`.
    """
    algorithm, _, text = header.partition(" ")
    if algorithm in ALGORITHMS:
        try:
            digest = b64decode(text, validate=True)
        except ValueError:
            digest = b""
        if len(digest) == _new(algorithm).digest_size:
            return Checksum(algorithm, digest)
    raise StreamappError(
        Code.FIELD_INVALID, f"Upload-Checksum must be one of {', '.join(ALGORITHMS)} and a digest"
    )


async def verified(body: AsyncIterator[bytes], checksum: Checksum) -> AsyncIterator[bytes]:
    """The pieces of ``body``, after all of them came and their digest is the expected one.

    Raises:
        StreamappError: ``UPLOAD_CHECKSUM``, before the first piece.
    """
    hasher = _new(checksum.algorithm)
    pieces = []
    async for piece in body:
        hasher.update(piece)
        pieces.append(piece)
    if not hmac.compare_digest(hasher.digest(), checksum.digest):
        raise StreamappError(Code.UPLOAD_CHECKSUM)
    for piece in pieces:
        yield piece


def _new(algorithm: str) -> hashlib._Hash:
    return hashlib.new(algorithm, usedforsecurity=False)
