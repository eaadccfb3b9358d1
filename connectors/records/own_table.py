"""A table of the installation's own, with a row for each photo, that is kept up beside ours.

Its rows are found by the photo's name, in the archive or without its folders, and, where the table
has columns for them, by project and batch. What is assigned is read from the row of ours that is
left, in its transaction, so it does not depend on the order of outcomes either. Rows are neither
made nor removed. What does not fit a column is cut by MySQL; a table or a column that is missing is
an outage, which ends when it is there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from connectors.records.columns import COLUMNS, text
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.records.interface import PhotoRecord

DEFAULT_COLUMNS = "photo_name,processing_status,face_detected,cropped_photo_url"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,63}")
_FOUND_BY = ("photo_name", "project_id", "batch_id")
_OURS = ("data_records", "batches", "webhooks", "streamapp_schema")


@dataclass(frozen=True, slots=True)
class OwnTable:
    """The table, and pairs of a column of theirs and the one of ours."""

    table: str
    found_by: tuple[tuple[str, str], ...]
    assigned: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, table: str, columns: str) -> Self | None:
        """The table called ``table``, None for none.

        ``columns`` are those of ``data_records`` that it has, comma separated, as ``theirs=ours``
        where it calls them otherwise.

        Raises:
            StreamappError: ``SETTING_INVALID``.
        """
        if not table:
            return None
        pairs = tuple(map(_pair, (columns or DEFAULT_COLUMNS).split(",")))
        found_by = tuple(pair for pair in pairs if pair[1] in _FOUND_BY)
        assigned = tuple(pair for pair in pairs if pair[1] not in _FOUND_BY)
        if not _NAME.fullmatch(table) or table.lower() in _OURS:
            raise StreamappError(Code.SETTING_INVALID, "RECORDS_TABLE: no name of such a table")
        if [ours for _, ours in found_by].count("photo_name") != 1 or not assigned:
            problem = "RECORDS_COLUMNS: photo_name once, and one that is not project_id or batch_id"
            raise StreamappError(Code.SETTING_INVALID, problem)
        return cls(table, found_by, assigned)

    @property
    def mysql(self) -> str:
        """The statement for a photo, for the parameters of `of`."""
        assigned = ", ".join(f"theirs.`{theirs}` = ours.{ours}" for theirs, ours in self.assigned)
        found = self._found("theirs.`{}`", "%s")
        return (
            f"UPDATE IGNORE `{self.table}` AS theirs "  # noqa: S608 - names were checked
            f"JOIN data_records AS ours ON ours.id = %s SET {assigned} WHERE {found}"
        )

    @property
    def sqlite(self) -> str:
        """The statement for a photo, for the parameters of `of`."""
        assigned = ", ".join(f'"{theirs}" = ours.{ours}' for theirs, ours in self.assigned)
        found = self._found('theirs."{}"', "?")
        return (
            f'UPDATE "{self.table}" AS theirs SET {assigned} '  # noqa: S608 - names were checked
            f"FROM data_records AS ours WHERE ours.id = ? AND {found}"
        )

    def of(self, rows: Sequence[PhotoRecord]) -> list[tuple[str, ...]]:
        """The parameters of the statements for all photos of ``rows``."""
        return [self._of(row) for row in rows if row.face_index == 0]

    def _of(self, row: PhotoRecord) -> tuple[str, ...]:
        name = text(row.photo_name)
        values = {"project_id": text(row.project_id), "batch_id": text(row.batch_id)}
        found_by: list[str] = []
        for _, ours in self.found_by:
            in_folders = (name, name.rpartition("/")[2])
            found_by += in_folders if ours == "photo_name" else (values[ours],)
        return row.id, *found_by

    def _found(self, column: str, place: str) -> str:
        return " AND ".join(
            f"{column.format(theirs)} "
            + (f"IN ({place}, {place})" if ours == "photo_name" else f"= {place}")
            for theirs, ours in self.found_by
        )


def _pair(text: str) -> tuple[str, str]:
    theirs, _, ours = (part.strip() for part in text.partition("="))
    ours = ours or theirs
    if not _NAME.fullmatch(theirs) or ours not in COLUMNS:
        problem = f"RECORDS_COLUMNS: {text.strip()!r} is no column of data_records, nor theirs=ours"
        raise StreamappError(Code.SETTING_INVALID, problem)
    return theirs, ours
