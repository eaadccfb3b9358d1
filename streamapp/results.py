"""The results of a batch as files: ``results.csv`` and the crops.

They are written aside and take their places when they are complete. What an earlier run left in
these places goes; nothing else is touched.
"""

from __future__ import annotations

import csv
from collections import Counter
from itertools import count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from streamapp import result_rows
from streamapp.keys import crop_key, suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from connectors.objects.interface import ObjectStore
    from connectors.records.interface import PhotoRecord, RecordStore

CROP_BYTES_MAX = 16 * 1024 * 1024

COLUMNS = ("archive", *result_rows.COLUMNS)


def labels(archives: Sequence[Path]) -> list[str]:
    """A folder's name for each archive: its own, with the first number where that is taken."""
    result: dict[str, None] = {}
    for path in archives:
        # ``...zip`` is an archive called ``..``.
        stem = path.stem if path.stem.strip(".") else "archive"
        numbered = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
        result[next(name for name in numbered if name not in result)] = None
    return list(result)


class Results:
    """Writes batches into a folder: ``crops/ARCHIVE/00000000.jpg`` and one ``results.csv``.

    A photo has a row for each face, the best first, or one when it shows none. Crops are called
    as in the object store; a face that was rejected has none.
    """

    def __init__(self, folder: Path, *, objects: ObjectStore, records: RecordStore) -> None:
        self._folder = folder
        self._objects = objects
        self._records = records

    async def write(self, batches: Iterable[tuple[str, str]]) -> Counts:
        """Write the results of ``batches``, pairs of the archive's label and the batch's id."""
        counts = Counts()
        (self._folder / "crops").mkdir(parents=True)
        with (self._folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for label, batch in batches:
                async for record in self._records.rows(batch):
                    rows.writerow(self._row(label, record))
                    counts.add(record)
        return counts

    def publish(self, out: Path, *, replaced: Path) -> None:
        """Move what was written to ``out``, and what it replaces there to ``replaced``.

        Both are on the disk of the folder that was written. Crops of archives that only the
        earlier ``results.csv`` names go, too: they would have no row any more.
        """
        fresh = {folder.name for folder in (self._folder / "crops").iterdir()}
        (out / "crops").mkdir(exist_ok=True)
        replaced.mkdir()
        for label in fresh | set(_labels(out / "results.csv")):
            if (out / "crops" / label).is_dir():
                (out / "crops" / label).rename(replaced / label)
        for label in fresh:
            (self._folder / "crops" / label).rename(out / "crops" / label)
        (self._folder / "results.csv").replace(out / "results.csv")

    def _row(self, label: str, record: PhotoRecord) -> Iterator[object]:
        crop = (
            self._save_crop(label, record, record.face_crop_url) if record.face_crop_url else None
        )
        yield label  # as it is: the next run finds its folder by it
        yield from result_rows.csv_cells(result_rows.result_row(record, crop))

    def _save_crop(self, label: str, record: PhotoRecord, url: str) -> str:
        key = crop_key(
            record.batch_id, record.photo_index, record.face_index, suffix_of(url), run=record.run
        )
        name = f"crops/{label}/{PurePosixPath(key).name}"
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self._objects.read(key, 0, CROP_BYTES_MAX))
        return name


def _labels(results: Path) -> Iterator[str]:
    """The archives of an earlier run's ``results.csv``, if that is what it is."""
    if not results.exists():
        return
    with results.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = csv.reader(file)
        if next(rows, None) == list(COLUMNS):
            yield from (
                row[0] for row in rows if row and Path(row[0]).name == row[0] not in ("", "..")
            )


class Counts:
    """How the photos of some batches ended.

    ``faces`` are photos that show one or more; ``rejected`` are faces beyond a limit.
    """

    def __init__(self) -> None:
        self.faces = 0
        self.without_face = 0
        self.crops = 0
        self.rejected = 0
        self.codes: Counter[str] = Counter()

    def add(self, record: PhotoRecord) -> None:
        """Count one row; of a photo with several, the first."""
        self.crops += record.face_crop_url is not None
        self.rejected += record.face_rejected is not None
        if record.face_index > 0:
            return
        if record.processing_status != "completed":
            self.codes[record.error_code or record.processing_status] += 1
        elif record.face_detected:
            self.faces += 1
        else:
            self.without_face += 1

    @property
    def failed(self) -> int:
        """Those that failed or were cancelled."""
        return self.codes.total()

    @property
    def reasons(self) -> str:
        """How many failed of what, most first, in brackets; empty when none did."""
        told = ", ".join(f"{number} {code}" for code, number in self.codes.most_common())
        return f" ({told})" if told else ""

    @property
    def photos(self) -> int:
        """All of them."""
        return self.faces + self.without_face + self.failed
