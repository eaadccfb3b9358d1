"""Where things live: every key derives from batch and index, never from a name in an archive.

Because the keys are deterministic, doing a photo twice overwrites the same object and the same
row: replay changes nothing.
"""

from __future__ import annotations

STATUS_PATH = "/api/batch/status"
"""Path of a batch's progress, followed by ``/{batch}``; the same on uploader and workers."""


def archive_key(batch: str) -> str:
    """Object key of a batch's archive."""
    return f"archives/{batch}.zip"


def manifest_key(batch: str) -> str:
    """Object key of a batch's manifest: its encoded `events.ArchiveStored`."""
    return f"archives/{batch}.json"


def crop_key(batch: str, index: int, face: int = 0, suffix: str = "jpg") -> str:
    """Object key of the crop of a face of photo ``index``.

    Photos and their faces count from 0, in the directory's order and from the best face on; the
    best face's key is the photo's.
    """
    return f"crops/{batch}/{index:08d}{_face(face)}.{suffix}"


def record_id(batch: str, index: int, face: int = 0) -> str:
    """Primary key of the row of a photo and its best face, or of another face of it."""
    return f"{batch}-{index:08d}{_face(face)}"


def _face(face: int) -> str:
    return f"-{face}" if face else ""


def batch_key(batch: str) -> bytes:
    """Kafka key of everything that is ordered per batch: archives, batch log, progress table.

    Plain UTF-8 bytes with Kafka's default partitioner (murmur2), the same for topic and table, so
    that the worker that expands a batch also folds its progress and answers for it.
    """
    return batch.encode()


def photo_key(batch: str, index: int) -> bytes:
    """Kafka key of a photo event; the partition is chosen by run, see `PhotoQueued`."""
    return f"{batch}/{index}".encode()
