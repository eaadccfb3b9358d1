"""The results of a batch as files: ``results.csv`` and the crops."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from streamapp.keys import crop_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from connectors.objects.interface import ObjectStore
    from connectors.records.interface import PhotoRecord, RecordStore

CROP_BYTES_MAX = 16 * 1024 * 1024

COLUMNS = (
    "archive",
    "photo",
    "status",
    "face",
    "crop",
    "x",
    "y",
    "width",
    "height",
    "score",
    "error_code",
    "error_detail",
)


class Results:
    """Writes batches into a folder: ``crops/ARCHIVE/00000000.jpg`` and one ``results.csv``."""

    def __init__(self, out: Path, *, objects: ObjectStore, records: RecordStore) -> None:
        self._out = out
        self._objects = objects
        self._records = records

    async def write(self, batches: Iterable[tuple[str, str]]) -> Counts:
        """Write the results of ``batches``, pairs of the archive's label and the batch's id."""
        counts = Counts()
        with (self._out / "results.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for label, batch in batches:
                async for record in self._records.rows(batch):
                    rows.writerow(self._row(label, record))
                    counts.add(record)
        return counts

    def _row(self, label: str, record: PhotoRecord) -> Iterator[object]:
        crop = self._save_crop(label, record) if record.face_detected else ""
        yield label
        yield record.photo_name
        yield record.processing_status
        yield "yes" if record.face_detected else "no"
        yield crop
        yield from (record.face_x, record.face_y, record.face_width, record.face_height)
        yield "" if record.face_score is None else f"{record.face_score:.3f}"
        yield record.error_code
        yield record.error_detail

    def _save_crop(self, label: str, record: PhotoRecord) -> str:
        name = f"crops/{label}/{record.photo_index:08d}.jpg"
        path = self._out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        key = crop_key(record.batch_id, record.photo_index)
        path.write_bytes(self._objects.read(key, 0, CROP_BYTES_MAX))
        return name


class Counts:
    """How the photos of some batches ended."""

    def __init__(self) -> None:
        self.faces = 0
        self.without_face = 0
        self.failed = 0

    def add(self, record: PhotoRecord) -> None:
        """Count one row."""
        if record.processing_status == "failed":
            self.failed += 1
        elif record.face_detected:
            self.faces += 1
        else:
            self.without_face += 1

    @property
    def photos(self) -> int:
        """All of them."""
        return self.faces + self.without_face + self.failed
