"""Every event: past-tense facts, their keys and their wire form.

The wire form is JSON with a ``type`` tag and a version ``v``, readable with any Kafka tool. A
reader accepts unknown fields, so a field may be added with a default without a new version.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import structs
from pyroaring import BitMap

from streamapp.keys import FIRST_RUN, PARTS_MAX

INDEXES_MAX = 1 << 31

Index = Annotated[int, msgspec.Meta(ge=0, lt=INDEXES_MAX)]
"""A photo's place in its batch, 0-based in directory order; bitmaps and columns hold it."""

Bytes = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
"""A size, or a place, in bytes."""

Small = Annotated[int, msgspec.Meta(ge=-(1 << 31), lt=1 << 31)]
"""A whole number that a column of the database holds."""

Seconds = Annotated[float, msgspec.Meta(ge=0, lt=253_402_300_800)]
"""A time in Unix seconds, before the year 10000."""


BatchId = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.-]{0,63}\Z")]
"""The id of a batch: what keys of objects and of rows are made of, and a column holds."""

Text = Annotated[str, msgspec.Meta(max_length=8192)]
"""A name or a key; an outcome with some of them fits an event."""

CropKey = Annotated[
    str, msgspec.Meta(pattern=r"^crops/[0-9A-Za-z][^/\s]{0,63}/[0-9][^/\s]{0,63}\Z")
]
"""As `keys.crop_key` makes it: every store can tell where it is."""

Settings = Annotated[tuple[tuple[Text, Text], ...], msgspec.Meta(max_length=64)]
"""Vision's settings that a run changes: an environment variable's name and its value."""

WHOLE_OBJECT = -1
"""In the place of a ZIP's method: the object ``archive`` is the photo, from its first byte on."""


Kind = Literal["zip", "listing"]
"""What the object of a part is."""


def _check_indexes(serialized: bytes, *, first_index: int = 0, photos: int = 0) -> None:
    """Refuse what could not be folded: sets that are none, and places that no set can hold.

    Raises:
        ValueError: It is so; of an event that is read, `UNREADABLE`.
    """
    if serialized:
        BitMap.deserialize(serialized)
    if first_index + photos > INDEXES_MAX:
        raise ValueError(f"{photos} photos from {first_index} on")


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    v: Small = 1


class _Part(_Event, frozen=True, kw_only=True):
    """A part of a batch: the photos that one request brought, all in one object.

    ``archive`` is that object, of ``archive_bytes``: a ``zip``, or a ``listing`` of objects that
    are photos themselves. ``photos`` of it count, with the indexes from ``first_index`` on, which
    also identifies the part within its batch; ``duplicates`` are those of them that repeat an
    earlier one's name (indexes within the part, a serialized roaring bitmap, ``b""`` for none).
    ``skipped`` entries are neither photo nor defect; ``skipped_by`` counts them by reason.
    ``nested`` tells whether photos of archives within the archive are among them.
    """

    batch: BatchId
    project: Text
    priority: Small
    archive: Text
    archive_bytes: Bytes
    kind: Kind = "zip"
    name: Text
    first_index: Index = 0
    photos: Index
    duplicates: bytes = b""
    nested: bool = False
    skipped: Small = 0
    skipped_by: Annotated[dict[Text, Small], msgspec.Meta(max_length=64)] = {}
    external_id: Text = ""

    def __post_init__(self) -> None:
        """Refuse what could not be folded."""
        _check_indexes(self.duplicates, first_index=self.first_index, photos=self.photos)


class ArchiveStored(_Part, frozen=True, kw_only=True, tag="ArchiveStored"):
    """An archive lies complete in the object store and its directory was judged sound.

    The same bytes lie as the part's manifest in the object store (`keys.manifest_key`).

    Topic ``archives``, key `keys.batch_key`, partition by key.
    """

    stored_at: Seconds
    request: Text = ""
    """Tells a repetition of the client's request, see `upload.order.Order`."""


class PhotoQueued(_Event, frozen=True, kw_only=True, tag="PhotoQueued"):
    """A photo waits for detection: a claim check (object, byte range, CRC), never pixels.

    ``method`` is the ZIP's, or `WHOLE_OBJECT` for an object that is the photo itself.

    Topic ``photos-{high,normal,low}`` by priority, key `keys.photo_key`. The partition is chosen
    by stretch of neighbours in the archive, which stay neighbours in the partition: see
    `topics.Topics.run_partition`. A photo that is tried again travels through ``photos-retry-n``
    and comes back; its attempts are in the headers, see `Attempt`.

    ``run`` is the batch's run that wants it done; ``settings`` are vision's settings that this run
    changes: pairs of an environment variable's name and its value.
    """

    batch: BatchId
    project: Text
    index: Index
    name: Text
    archive: Text
    header_offset: Bytes
    compressed_bytes: Bytes
    photo_bytes: Bytes
    method: Small
    crc: Bytes
    run: Small = FIRST_RUN
    settings: Settings = ()


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt at a photo that failed: when (Unix seconds), with which code, and how.

    A photo's attempts so far travel with its event, oldest first: the header `ATTEMPTS_HEADER`
    holds them as JSON.
    """

    at: Seconds
    code: str
    detail: str = ""


ATTEMPTS_HEADER = "attempts"
"""JSON list of `Attempt`; on retried photos and in ``photos-dead``."""

LANE_HEADER = "lane"
"""In ``photos-retry-n`` and ``photos-dead``: the photo's lane, where it goes back to."""

DUE_HEADER = "due"
"""In ``photos-retry-n``: when the photo goes back to its lane, Unix seconds as decimal text."""


class Face(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A face in pixels of the upright original, and how good its crop is.

    ``score``: the detector's (0 to 1). ``landmarks``: x and y of right eye, left eye, tip of the
    nose, right and left corner of the mouth (the person's right); none from a detector that does
    not see them. ``sharpness``: variance of the Laplacian of the crop. ``brightness``: mean luma
    of the crop, 0 to 255. ``tilt``: of the line through the eyes, in degrees clockwise.
    """

    x: Small
    y: Small
    width: Small
    height: Small
    score: float
    landmarks: tuple[tuple[Small, Small], ...] = ()
    sharpness: float | None = None
    brightness: float | None = None
    tilt: float | None = None


Rejected = Literal["blurred", "dark", "bright", "tilted"]
"""The limit that a face is beyond; it has no crop then."""


class CroppedFace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A face of a photo and the key of its crop, or why it has none."""

    face: Face
    crop: CropKey | None = None
    rejected: Rejected | None = None


FinalState = Literal["completed", "failed", "cancelled"]
FINAL_STATES: tuple[FinalState, ...] = get_args(FinalState)


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The final state of one photo: ``completed`` (no ``faces``: none was found) or ``failed``.

    Or ``cancelled``: its run was cancelled before it was worked on, which says nothing of the
    photo; any other outcome of the photo, of whatever run, goes before it. The best face comes
    first.
    """

    index: Index
    name: str
    state: FinalState
    finished_at: Seconds
    faces: tuple[CroppedFace, ...] = ()
    code: str | None = None
    detail: str = ""


class BatchOpened(_Part, frozen=True, kw_only=True, tag="BatchOpened"):
    """A part belongs to the batch from now on: it opened the batch, or joined it later.

    Exactly ``photos`` photos, indexes ``first_index`` to ``first_index + photos - 1``.
    """

    opened_at: Seconds


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

    index: Index = 0
    entry_at: Bytes = 0
    inner: Small = 0


QUEUED_NAME_CHARACTERS_MAX = 512
"""So that the names of a piece fit one event, whatever they are."""


class ExpansionAdvanced(_Event, frozen=True, kw_only=True, tag="ExpansionAdvanced"):
    """The photos of a part before ``cursor`` were queued, or failed at once: a checkpoint.

    ``names`` are those that were queued since the last one, by index: of each its name, or the
    first `QUEUED_NAME_CHARACTERS_MAX` of it. The rows are made of them; a later run has none, since
    its photos have rows.
    """

    batch: BatchId
    project: Text
    first_index: Index
    cursor: Cursor
    run: Small = FIRST_RUN
    names: tuple[tuple[Index, str], ...] = ()


class BatchCancelled(_Event, frozen=True, kw_only=True, tag="BatchCancelled"):
    """No further photo of the run is to be queued, and what was queued is passed over.

    What is under way may still finish.
    """

    batch: BatchId
    project: Text
    cancelled_at: Seconds
    run: Small = FIRST_RUN


class RunPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the photos of a part lie, for a run that reads them again; see `BatchOpened`."""

    first_index: Index
    archive: Text
    archive_bytes: Bytes
    kind: Kind = "zip"
    photos: Index
    duplicates: bytes = b""
    nested: bool = False

    def __post_init__(self) -> None:
        """Refuse what could not be folded."""
        _check_indexes(self.duplicates, first_index=self.first_index, photos=self.photos)


class RunStarted(_Event, frozen=True, kw_only=True, tag="RunStarted"):
    """The batch is reprocessed: run ``run`` (2 and up) does the photos ``photos`` again.

    ``photos`` is a serialized roaring bitmap of indexes, ``parts`` are all parts that hold any of
    them. ``settings`` as in `PhotoQueued`; ``rate`` is the most photos a second, 0 for no limit.
    The outcome of a photo in a later run goes before that in an earlier one.

    The same bytes lie in the object store (`keys.run_key`), where exactly one of those who start a
    run at the same time gets its number.
    """

    batch: BatchId
    project: Text
    run: Small
    started_at: Seconds
    priority: Small
    photos: bytes
    parts: Annotated[tuple[RunPart, ...], msgspec.Meta(max_length=PARTS_MAX)]
    settings: Settings = ()
    rate: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what could not be folded."""
        _check_indexes(self.photos)


class RunSwept(_Event, frozen=True, kw_only=True, tag="RunSwept"):
    """The run has ended, and its crops and those of earlier runs that are nobody's are gone.

    ``told`` is how much was known by then of this run and those before it
    (`progress.told_until`). An outcome that comes afterwards, having been under way when its run
    was cancelled, may have left another crop: the run is swept again.
    """

    batch: BatchId
    project: Text
    run: Small
    told: Bytes = 0


class PriorityChanged(_Event, frozen=True, kw_only=True, tag="PriorityChanged"):
    """Photos that are queued from now on travel by another priority; the latest change counts."""

    batch: BatchId
    project: Text
    priority: Small
    changed_at: Seconds


class PhotosFinished(_Event, frozen=True, kw_only=True, tag="PhotosFinished"):
    """A frame of outcomes of a run. Folding it twice changes nothing."""

    batch: BatchId
    project: Text
    outcomes: tuple[Outcome, ...]
    run: Small = FIRST_RUN


BatchLogEvent = (
    BatchOpened
    | BatchCancelled
    | PriorityChanged
    | ExpansionAdvanced
    | PhotosFinished
    | RunStarted
    | RunSwept
)
"""The batch log: topic ``batches``, key `keys.batch_key`, partition by key. It is the truth; the
progress table, the rows and the crops' listing are projections of it."""


class RunControl(_Event, frozen=True, kw_only=True, tag="RunControl"):
    """What every worker must know of a run, wherever the batch's log is folded.

    That it was ``cancelled``, or that it does ``photos`` (a serialized roaring bitmap) again, so
    that what earlier runs still have on the topics of these photos is over.

    Topic ``control`` (one partition, compacted, read by every worker from its beginning), key
    `keys.control_key`: one record for each of the two facts of a run, which is deleted when no
    photo that it is about can lie on a topic any more.
    """

    batch: BatchId
    run: Small
    cancelled: bool = False
    photos: bytes = b""

    def __post_init__(self) -> None:
        """Refuse what could not be folded."""
        _check_indexes(self.photos)


Event = ArchiveStored | PhotoQueued | BatchLogEvent | RunControl

encode = msgspec.json.Encoder().encode
UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)
"""What the decoders raise for bytes that are no event: also for text that is not UTF-8, for nesting
without end, and for an event without a value."""

decode_archive = msgspec.json.Decoder(ArchiveStored).decode
decode_photo = msgspec.json.Decoder(PhotoQueued).decode
decode_attempts = msgspec.json.Decoder(tuple[Attempt, ...]).decode
decode_control = msgspec.json.Decoder(RunControl).decode
decode_batch_log = msgspec.json.Decoder(BatchLogEvent).decode
