"""The photo files of a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from streamapp.archive.names import skip_reason
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def files_below(
    folder: Path,
    leave_out: Path | None = None,
    *,
    on_link: Callable[[Path], object] | None = None,
) -> Iterator[Path]:
    """Every file in a folder and below, in no order.

    Hidden ones and what desktop systems leave behind are passed over; symbolic links to folders
    are never followed.

    Args:
        folder: Where to begin; followed if it is a link itself.
        leave_out: A folder, resolved, that is passed over.
        on_link: Hears of each symbolic link; those to files are not followed then either.

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
        for name in (*folders, *files) if on_link else files:
            path = here / name
            if name[0] == "." or skip_reason(path.as_posix()) == "clutter":
                continue
            if on_link and path.is_symlink():
                on_link(path)
            elif path.is_file():
                yield path


def _refuse(error: OSError) -> NoReturn:
    raise StreamappError(Code.FOLDER_UNUSABLE, str(error)) from error
