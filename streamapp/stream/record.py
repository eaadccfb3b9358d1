"""Record: the batch log as rows, of ``data_records`` and then of ``batches``.

While the database is away the frames wait in the log. Rows have deterministic ids and the same
outcome of a photo is left in whatever order they come, so a frame that is delivered again changes
nothing; see `photo_rows`, and of batches `batch_rows`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import structs

from connectors.records.interface import PhotoRecord
from streamapp import events
from streamapp.events import ExpansionAdvanced, PhotosFinished
from streamapp.keys import record_id
from streamapp.stream.batch_rows import BatchRows
from streamapp.stream.intake import current, deliveries, ending_the_worker
from streamapp.stream.outlet import raw_topic
from streamapp.stream.photo_rows import PhotoRows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from faust.types import StreamT

    from connectors.records.interface import RecordStore
    from streamapp.events import BatchLogEvent, CroppedFace, Outcome
    from streamapp.progress import Progress
    from streamapp.stream.circuit import Circuit
    from streamapp.stream.generations import WorkerApp
    from streamapp.topics import Topics


def register(
    app: WorkerApp,
    *,
    topics: Topics,
    records: RecordStore,
    circuit: Circuit,
    crop_url: Callable[[str], str],
    state_of: Callable[[bytes], Progress | None],
    announce: Callable[[Progress], Awaitable[None]],
) -> None:
    """Attach the agent ``record`` and the writer of batches to the app.

    ``crop_url`` gives the address of a crop's key; ``state_of`` and ``announce`` as in `BatchRows`.
    """
    batches = BatchRows(records, circuit, state_of=state_of, announce=announce)
    photos = PhotoRows(
        records, circuit, rows_of=partial(_rows, crop_url=crop_url), then=batches.enter
    )

    async def record(stream: StreamT[bytes]) -> None:
        await circuit.patiently(records.prepare)
        async for event, entry in deliveries(stream, events.decode_batch_log):
            if current(event):
                await photos.enter(event, entry)

    app.agent(raw_topic(app, topics.batches), name="record")(ending_the_worker(app, record))
    for writer in (photos, batches):
        app.task(ending_the_worker(app, writer.write))
        app.on_partitions_revoked.connect(writer.clear, weak=False)
    app.finish_before_the_end(batches.finish)


def _rows(entry: BatchLogEvent | None, crop_url: Callable[[str], str]) -> list[PhotoRecord]:
    match entry:
        case PhotosFinished():
            return [row for each in entry.outcomes for row in rows_of(entry, each, crop_url)]
        case ExpansionAdvanced():
            return queued_rows(entry)
        case _:
            return []


def queued_rows(queued: ExpansionAdvanced) -> list[PhotoRecord]:
    """The rows of the photos that wait from now on; they replace no outcome."""
    return [
        PhotoRecord(
            id=record_id(queued.batch, index),
            batch_id=queued.batch,
            project_id=queued.project,
            photo_index=index,
            photo_name=name,
            run=queued.run,
            processing_status="queued",
        )
        for index, name in queued.names
    ]


def rows_of(
    frame: PhotosFinished, outcome: Outcome, crop_url: Callable[[str], str]
) -> list[PhotoRecord]:
    """The rows of one outcome: one for each face, or one for the photo without any."""
    photo = PhotoRecord(
        id=record_id(frame.batch, outcome.index),
        batch_id=frame.batch,
        project_id=frame.project,
        photo_index=outcome.index,
        photo_name=outcome.name,
        run=frame.run,
        processing_status=outcome.state,
        error_code=outcome.code,
        error_detail=outcome.detail,
        finished_at=outcome.finished_at,
    )
    faces = enumerate(outcome.faces)
    return [_with_face(photo, number, cropped, crop_url) for number, cropped in faces] or [photo]


def _with_face(
    photo: PhotoRecord, number: int, cropped: CroppedFace, crop_url: Callable[[str], str]
) -> PhotoRecord:
    face = cropped.face
    url = crop_url(cropped.crop) if cropped.crop else None
    return structs.replace(
        photo,
        id=record_id(photo.batch_id, photo.photo_index, number),
        face_index=number,
        face_detected=True,
        cropped_photo_url=url,
        face_crop_url=url,
        face_x=face.x,
        face_y=face.y,
        face_width=face.width,
        face_height=face.height,
        face_score=face.score,
        face_sharpness=face.sharpness,
        face_brightness=face.brightness,
        face_tilt=face.tilt,
        face_rejected=cropped.rejected,
    )
