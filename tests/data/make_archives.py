"""Make the corpus of archives: good ones of many programs, odd, broken and hostile ones.

    python -m tests.data.make_archives FOLDER

Each has its exact expected outcome, under `LIMITS`. Needs the programs named in `zips_of_tools`.
Nothing binary is kept in the repository.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from streamapp.archive import Limits
from tests.data.zips_of_bombs import zips_of_bombs
from tests.data.zips_of_ends import zips_of_ends
from tests.data.zips_of_entries import zips_of_entries
from tests.data.zips_of_headers import zips_of_headers
from tests.data.zips_of_names import zips_of_names
from tests.data.zips_of_no_photos import zips_of_no_photos
from tests.data.zips_of_overlaps import zips_of_overlaps
from tests.data.zips_of_python import zips_of_python
from tests.data.zips_of_tools import zips_of_tools
from tests.data.zips_of_zip64 import zips_of_zip64
from tests.data.zips_of_zips import zips_of_zips

if TYPE_CHECKING:
    from tests.data.zip_case import Corpus

LIMITS = Limits(entries_max=70_000, photo_bytes_max=1 << 20)
"""What the corpus is judged by, but for ``nested``, which each case says."""


def corpus() -> Corpus:
    """The corpus in memory."""
    with tempfile.TemporaryDirectory() as folder:
        made = (
            zips_of_tools(Path(folder)),
            zips_of_python(),
            zips_of_entries(),
            zips_of_headers(),
            zips_of_names(),
            zips_of_no_photos(),
            zips_of_ends(),
            zips_of_zip64(),
            zips_of_overlaps(),
            zips_of_bombs(),
            zips_of_zips(),
        )
    cases = {name: case for part in made for name, case in part.items()}
    if len(cases) < sum(map(len, made)):
        raise ValueError("two cases have one name")
    return cases


def make_archives(folder: Path) -> Corpus:
    """Write the corpus into a folder, each archive under its name and ``.zip``."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = corpus()
    for name, case in cases.items():
        (folder / f"{name}.zip").write_bytes(case.data)
    return cases


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    print(f"{len(make_archives(parser.parse_args().folder))} archives")  # noqa: T201 - a script
