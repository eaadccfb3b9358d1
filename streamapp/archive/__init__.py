"""ZIP archives, pure over a reader: judged whole, listed as a stream, read in runs.

And listings, in the place of an archive: of photos that are objects of their own.

A reader is ``read(start, length) -> bytes``, fewer bytes only at the archive's end; the caller
binds an object store and a key to it. Its exceptions pass through unchanged; everything wrong
with an archive is a `StreamappError` with an ``ARCHIVE_`` or ``ENTRY_`` code.
"""

from __future__ import annotations

from streamapp.archive.end import Reader
from streamapp.archive.extract import pieces
from streamapp.archive.faults import Limits
from streamapp.archive.listing import listed, listing_line
from streamapp.archive.rules import Entry, Judgement, judge, photos
from streamapp.archive.runs import RUN_BYTES, RUN_PHOTOS, byte_range, joins, read_run

__all__ = [
    "RUN_BYTES",
    "RUN_PHOTOS",
    "Entry",
    "Judgement",
    "Limits",
    "Reader",
    "byte_range",
    "joins",
    "judge",
    "listed",
    "listing_line",
    "photos",
    "pieces",
    "read_run",
]
