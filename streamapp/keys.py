"""Where things live: every key derives from batch and index, never from a name in an archive.

Because the keys are deterministic, doing a photo twice overwrites the same object and the same
row: replay changes nothing.
"""

from __future__ import annotations

import re
from hashlib import sha256

FIRST_RUN = 1
"""Of a batch: its photos as they came. Each time it is reprocessed another run begins."""

STATUS_PATH = "/api/batch/status"
"""Path of a batch's progress, followed by ``/{batch}``; the same on uploader and workers."""

TABLE_PATH = "/api/batch/table"
"""Path of a batch's row of the progress table, followed by ``/{batch}``; on workers only."""

LOAD_PATH = "/api/batch/load"
"""Path of what a worker and the others of its group have to do; on workers only."""

PARTS_MAX = 256
"""Requests that can bring photos to one batch; its progress with all of them is one message."""

ARCHIVES, BATCHES, CROPS, INCOMING = "archives/", "batches/", "crops/", "incoming/"
PROJECTS, RUNS = "projects/", "runs/"
OWN_PREFIXES = (ARCHIVES, BATCHES, CROPS, INCOMING, PROJECTS, RUNS)
"""Where the product's own objects lie; nothing is imported from there."""

_CROP = re.compile(rf"{CROPS}[^/]+/([0-9]{{8,10}})(?:-[0-9]+)?(?:\.([0-9]{{1,10}}))?\.[a-z0-9]+")


def archive_key(upload: str, kind: str = "zip") -> str:
    """Object key of what an upload brought: a ZIP or a listing; a new one for each upload."""
    return f"{ARCHIVES}{upload}.{kind}"


def upload_of(archive: str) -> str:
    """The id of the upload that brought the object ``archive``, the reverse of `archive_key`."""
    return archive.removeprefix(ARCHIVES).partition(".")[0]


def manifest_key(batch: str, part: int = 0) -> str:
    """Object key of the manifest of the batch's part number ``part`` (from 0).

    It is the encoded `events.ArchiveStored` of that part; all of a batch lie under
    ``manifest_key(batch)`` without its last segment.
    """
    return f"{BATCHES}{batch}/{part:04d}.json"


def run_key(batch: str, run: int) -> str:
    """Object key of the `events.RunStarted` of run ``run`` (2 and up) of a batch."""
    return f"{RUNS}{batch}/{run:04d}.json"


def note_key(upload: str) -> str:
    """Object key of the note that an upload is under way; see `upload.notes`."""
    return f"{INCOMING}{upload}.json"


def tails_prefix(upload: str) -> str:
    """Prefix of the keys of `tail_key` of an upload."""
    return f"{INCOMING}{upload}.tail-"


def tail_key(upload: str, part: int) -> str:
    """Object key of the received beginning of part ``part`` (from 1) of a resumable upload."""
    return f"{tails_prefix(upload)}{part}"


def project_prefix(project: str) -> str:
    """Prefix of the keys of `quota_mark_key` of a project; its name may be no key."""
    return f"{PROJECTS}{sha256(project.encode()).hexdigest()[:32]}/"


def quota_mark_key(project: str, archive: str, archive_bytes: int) -> str:
    """Object key of the empty object that counts an archive for its project's quota."""
    return f"{project_prefix(project)}{upload_of(archive)}.{archive_bytes}"


def crop_key(
    batch: str, index: int, face: int = 0, suffix: str = "jpg", *, run: int = FIRST_RUN
) -> str:
    """Object key of the crop of a face of photo ``index`` in a run of the batch.

    Photos and their faces count from 0, in the directory's order and from the best face on; the
    best face's key is the photo's. Crops of later runs have names of their own, so that those of
    the run before can be read until it is replaced: ``crops/{batch}/00000007.2.jpg``.
    """
    of_run = "" if run == FIRST_RUN else f".{run}"
    return f"{CROPS}{batch}/{index:08d}{_face(face)}{of_run}.{suffix}"


def crop_place(key: str) -> tuple[int, int] | None:
    """The photo's index and the run of a crop, by its `crop_key`; None of what is no crop.

    Somebody may have put something of his own among the crops.
    """
    if not (crop := _CROP.fullmatch(key)):
        return None
    index, run = crop.groups()
    return int(index), int(run or FIRST_RUN)


def suffix_of(crop_url: str) -> str:
    """The ``suffix`` of a crop by its address in the rows; they tell the rest of its `crop_key`."""
    return crop_url.rpartition("/")[2].rpartition(".")[2]


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


def control_key(batch: str, run: int, *, cancelled: bool) -> bytes:
    """Kafka key of an `events.RunControl`."""
    return f"{batch}/{run}/{'cancelled' if cancelled else 'started'}".encode()


def photo_key(batch: str, index: int) -> bytes:
    """Kafka key of a photo event; the partition is chosen by run, see `PhotoQueued`."""
    return f"{batch}/{index}".encode()
