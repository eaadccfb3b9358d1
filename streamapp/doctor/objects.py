"""Whether objects can be written, read and removed, and only one of two who want to be first is."""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from streamapp.configuration.hidden import without_secrets
from streamapp.doctor.finding import Finding
from streamapp.errors import StreamappError
from streamapp.wiring.stores import object_store

if TYPE_CHECKING:
    from connectors.objects.interface import UploadStore
    from streamapp.settings import Settings

READ_TIMEOUT_S = 3.0
ADVICE = "Does it run, does OBJECTS_URL name it, and are OBJECTS_ACCESS_KEY and _SECRET_KEY right?"
NOT_YET = ("NoSuchBucket", os.strerror(errno.ENOENT))
"""What stores say while nobody has prepared them."""

_CONTENT = b"streamapp doctor"


async def permitted(settings: Settings) -> Finding:
    """An object of our own is written, read and removed."""
    store = object_store(settings, read_timeout_s=READ_TIMEOUT_S)
    where = without_secrets(settings.objects_url) or str(settings.data_dir / "objects")
    try:
        exact = await asyncio.to_thread(_try, store)
    except StreamappError as error:
        if any(sign in error.detail for sign in NOT_YET):
            advice = "The first uploader or worker makes it, if it may. Else look at OBJECTS_URL."
            return Finding("objects", "warn", f"not there yet: {error.detail}", advice)
        raise
    if not exact:
        advice = "It must know ranges and If-None-Match, as MinIO and S3 do. Take one that does."
        return Finding("objects", "fail", f"{where} answers otherwise than S3 would", advice)
    return Finding("objects", "ok", f"{where} takes, gives and removes an object")


def _try(store: UploadStore) -> bool:
    """Whether an object is written once, and read in part; it is gone then."""
    key, step = f"doctor-{uuid4().hex}", "write"
    try:
        first, second = (store.put_new(key, _CONTENT, "text/plain") for _ in range(2))
        step = "read"
        read = store.read(key, 1, 4)
        step = "remove"
        store.delete(key)
    except StreamappError as error:
        with suppress(StreamappError):  # it may have been written all the same
            store.delete(key)
        raise StreamappError(error.code, f"cannot {step}: {error.detail}") from error
    return first and not second and read == _CONTENT[1:5]
