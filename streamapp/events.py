"""Every event: past-tense facts, their keys and their wire form.

The wire form is JSON with a ``type`` tag and a version ``v``, readable with any Kafka tool. A
reader accepts unknown fields, so a field may be added with a default without a new version.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import structs

Index = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
"""A photo's place in its batch, 0-based in directory order; what a roaring bitmap can hold."""


WHOLE_OBJECT = -1
"""In the place of a ZIP's method: the object ``archive`` is the photo, from its first byte on."""


Kind = Literal["zip", "listing"]
"""What the object of a part is."""


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    v: int = 1


class _Part(_Event, frozen=True, kw_only=True):
    """A part of a batch: the photos that one request brought, all in one object.

    ``archive`` is that object, of ``archive_bytes``: a ``zip``, or a ``listing`` of objects that
    are photos themselves. ``photos`` of it count, with the indexes from ``first_index`` on, which
    also identifies the part within its batch; ``duplicates`` are those of them that repeat an
    earlier one's name (indexes within the part, a serialized roaring bitmap, ``b""`` for none).
    ``skipped`` entries are neither photo nor defect; ``skipped_by`` counts them by reason.
    ``nested`` tells whether photos of archives within the archive are among them.
    """

    batch: str
    project: str
    priority: int
    archive: str
    archive_bytes: int
    kind: Kind = "zip"
    name: str
    first_index: Index = 0
    photos: int
    duplicates: bytes = b""
    nested: bool = False
    skipped: int = 0
    skipped_by: dict[str, int] = {}
    external_id: str = ""


class ArchiveStored(_Part, frozen=True, kw_only=True, tag="ArchiveStored"):
    """An archive lies complete in the object store and its directory was judged sound.

    The same bytes lie as the part's manifest in the object store (`keys.manifest_key`).

    Topic ``archives``, key `keys.batch_key`, partition by key.
    """

    stored_at: float
    request: str = ""
    """Tells a repetition of the client's request, see `upload.order.Order`."""


class PhotoQueued(_Event, frozen=True, kw_only=True, tag="PhotoQueued"):
    """A photo waits for detection: a claim check (object, byte range, CRC), never pixels.

    ``method`` is the ZIP's, or `WHOLE_OBJECT` for an object that is the photo itself.

    Topic ``photos-{high,normal,low}`` by priority, key `keys.photo_key`. The partition is chosen
    by run, so that neighbours in the archive stay neighbours in the partition:
    see `topics.Topics.run_partition`.
    """

    batch: str
    project: str
    index: Index
    name: str
    archive: str
    header_offset: int
    compressed_bytes: int
    photo_bytes: int
    method: int
    crc: int


class Face(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A face in pixels of the upright original, and how good its crop is.

    ``score``: the detector's (0 to 1). ``landmarks``: x and y of right eye, left eye, tip of the
    nose, right and left corner of the mouth (the person's right); none from a detector that does
    not see them. ``sharpness``: variance of the Laplacian of the crop. ``brightness``: mean luma
    of the crop, 0 to 255. ``tilt``: of the line through the eyes, in degrees clockwise.
    """

    x: int
    y: int
    width: int
    height: int
    score: float
    landmarks: tuple[tuple[int, int], ...] = ()
    sharpness: float | None = None
    brightness: float | None = None
    tilt: float | None = None


Rejected = Literal["blurred", "dark", "bright", "tilted"]
"""The limit that a face is beyond; it has no crop then."""


class CroppedFace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A face of a photo and the key of its crop, or why it has none."""

    face: Face
    crop: str | None = None
    rejected: Rejected | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The final state of one photo: ``completed`` (no ``faces``: none was found) or ``failed``.

    The best face comes first.
    """

    index: Index
    name: str
    state: Literal["completed", "failed"]
    finished_at: float
    faces: tuple[CroppedFace, ...] = ()
    code: str | None = None
    detail: str = ""


class BatchOpened(_Part, frozen=True, kw_only=True, tag="BatchOpened"):
    """A part belongs to the batch from now on: it opened the batch, or joined it later.

    Exactly ``photos`` photos, indexes ``first_index`` to ``first_index + photos - 1``.
    """

    opened_at: float


def opening(stored: ArchiveStored, opened_at: float) -> BatchOpened:
    """What the batch log is told of a part that was stored."""
    told = structs.asdict(stored)
    shared = {name: told[name] for name in BatchOpened.__struct_fields__ if name in told}
    return BatchOpened(**shared, opened_at=opened_at)


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place in the list of a part's photos: where the photo ``index`` (within the part) begins.

    ``entry_at`` is the place of its entry, in bytes from the directory's (or listing's) start;
    ``inner`` the number of photos before it that came of the same entry, an archive itself.
    """

    index: int = 0
    entry_at: int = 0
    inner: int = 0


class ExpansionAdvanced(_Event, frozen=True, kw_only=True, tag="ExpansionAdvanced"):
    """The photos of a part before ``cursor`` were queued, or failed at once: a checkpoint."""

    batch: str
    project: str
    first_index: Index
    cursor: Cursor


class BatchCancelled(_Event, frozen=True, kw_only=True, tag="BatchCancelled"):
    """No further photo of the batch is to be queued; what was queued before may still finish."""

    batch: str
    project: str
    cancelled_at: float


class PriorityChanged(_Event, frozen=True, kw_only=True, tag="PriorityChanged"):
    """Photos that are queued from now on travel by another priority; the latest change counts."""

    batch: str
    project: str
    priority: int
    changed_at: float


class PhotosFinished(_Event, frozen=True, kw_only=True, tag="PhotosFinished"):
    """A frame of outcomes, one run of photos at most. Folding it twice changes nothing."""

    batch: str
    project: str
    outcomes: tuple[Outcome, ...]


BatchLogEvent = BatchOpened | BatchCancelled | PriorityChanged | ExpansionAdvanced | PhotosFinished
"""The batch log: topic ``batches``, key `keys.batch_key`, partition by key. It is the truth; the
progress table, the rows and the crops' listing are projections of it."""

Event = ArchiveStored | PhotoQueued | BatchLogEvent

encode = msgspec.json.Encoder().encode
decode_archive = msgspec.json.Decoder(ArchiveStored).decode
decode_photo = msgspec.json.Decoder(PhotoQueued).decode
decode_batch_log = msgspec.json.Decoder(BatchLogEvent).decode
