"""Record: the outcomes of the batch log as rows of ``data_records``, a frame in one upsert.

While the database is away the frames wait in the log. Rows have deterministic ids and a completed
photo stays completed, so a frame that is delivered again changes nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from connectors.records.interface import PhotoRecord
from streamapp import events
from streamapp.events import PhotosFinished
from streamapp.keys import record_id
from streamapp.stream.intake import acknowledge, deliveries, ending_the_worker
from streamapp.stream.outlet import raw_topic
from streamapp.stream.patience import patiently

if TYPE_CHECKING:
    from collections.abc import Callable

    from faust import App
    from faust.types import StreamT

    from connectors.records.interface import RecordStore
    from streamapp.events import Outcome
    from streamapp.topics import Topics


def register(
    app: App, *, topics: Topics, records: RecordStore, crop_url: Callable[[str], str]
) -> None:
    """Attach the agent ``record`` to the app; ``crop_url`` gives the address of a crop's key."""

    async def record(stream: StreamT[bytes]) -> None:
        await patiently(records.prepare)
        async for event, entry in deliveries(stream, events.decode_batch_log):
            if isinstance(entry, PhotosFinished):
                rows = [row(entry, outcome, crop_url) for outcome in entry.outcomes]
                await patiently(partial(records.upsert, rows))
            acknowledge(event)

    app.agent(raw_topic(app, topics.batches), name="record")(ending_the_worker(app, record))


def row(frame: PhotosFinished, outcome: Outcome, crop_url: Callable[[str], str]) -> PhotoRecord:
    """The row of one outcome."""
    url = crop_url(outcome.crop) if outcome.crop else None
    face = outcome.face
    box = (None,) * 5 if face is None else (face.x, face.y, face.width, face.height, face.score)
    x, y, width, height, score = box
    return PhotoRecord(
        id=record_id(frame.batch, outcome.index),
        batch_id=frame.batch,
        project_id=frame.project,
        photo_index=outcome.index,
        photo_name=outcome.name,
        processing_status=outcome.state,
        face_detected=face is not None,
        cropped_photo_url=url,
        face_crop_url=url,
        face_x=x,
        face_y=y,
        face_width=width,
        face_height=height,
        face_score=score,
        error_code=outcome.code,
        error_detail=outcome.detail,
        finished_at=outcome.finished_at,
    )
