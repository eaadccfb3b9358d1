"""The photo files of a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from streamapp.archive.names import skip_reason
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator


def files_below(folder: Path, leave_out: Path | None = None) -> Iterator[Path]:
    """Every file in a folder and below, in no order.

    Hidden ones, what desktop systems leave behind and the folder ``leave_out`` (resolved) are
    passed over; links to folders are not followed.

    Raises:
        StreamappError: ``FOLDER_UNUSABLE``.
    """
    for where, folders, files in os.walk(folder, onerror=_refuse):
        here = Path(where)
        folders[:] = [
            name
            for name in folders
            if name[0] != "." and (leave_out is None or (here / name).resolve() != leave_out)
        ]
        for name in files:
            path = here / name
            if name[0] != "." and path.is_file() and skip_reason(path.as_posix()) != "clutter":
                yield path


def _refuse(error: OSError) -> NoReturn:
    raise StreamappError(Code.FOLDER_UNUSABLE, str(error)) from error
