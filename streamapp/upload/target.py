"""The object that a resumable upload fills, as far as the store has it.

The store is the only witness: the offset is that of the whole parts and of the tail of the next.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from connectors.objects.interface import PART_BYTES
from streamapp.errors import Code, StreamappError
from streamapp.keys import tail_key, tails_prefix

if TYPE_CHECKING:
    from connectors.objects.interface import UploadStore


class Target(NamedTuple):
    """What is filled: the object ``key`` of ``length`` bytes, in parts under ``token``."""

    upload: str
    key: str
    token: str
    length: int


class Stand(NamedTuple):
    """How far a target is: its whole parts, the bytes of the tail, and so the offset."""

    whole: int
    tail_bytes: int
    offset: int


NOTHING = Stand(0, 0, 0)


async def stand(objects: UploadStore, target: Target) -> Stand:
    """How far the target is.

    Raises:
        StreamappError: ``UPLOAD_EXPIRED``, when neither its parts are there nor the object.
    """
    try:
        whole = await asyncio.to_thread(objects.parts, target.key, target.token)
    except StreamappError as error:
        if error.code is Code.OBJECT_MISSING and await _size(objects, target.key) == target.length:
            return Stand(-(-target.length // PART_BYTES), 0, target.length)
        raise gone(error) from None
    tail_bytes = await _size(objects, tail_key(target.upload, whole + 1))
    offset = min(whole * PART_BYTES + tail_bytes, target.length)  # the last part is a short one
    return Stand(whole, tail_bytes, offset)


async def join(objects: UploadStore, target: Target) -> None:
    """Make the parts the object, unless they are already, and remove what tails there are.

    Raises:
        StreamappError: ``UPLOAD_EXPIRED``, as `stand` does.
    """
    try:
        await asyncio.to_thread(objects.join_parts, target.key, target.token)
    except StreamappError as error:
        if error.code is not Code.OBJECT_MISSING or not await _size(objects, target.key):
            raise gone(error) from None
    for key in await asyncio.to_thread(objects.keys, tails_prefix(target.upload)):
        await asyncio.to_thread(objects.delete, key)


async def _size(objects: UploadStore, key: str) -> int:
    """The object's size in bytes, 0 when there is none."""
    try:
        return await asyncio.to_thread(objects.size, key)
    except StreamappError as error:
        if error.code is not Code.OBJECT_MISSING:
            raise
        return 0


def gone(error: StreamappError) -> StreamappError:
    """What it means for an upload when its parts are missing."""
    missing = error.code is Code.OBJECT_MISSING
    return StreamappError(Code.UPLOAD_EXPIRED) if missing else error
