"""Archives with Zip64's records and fields, true and not (APPNOTE 4.3.14, 4.3.15, 4.5.3)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.data.zip_case import refused, taken
from tests.data.zip_end import End, archive, end64_record, end_record, locator64
from tests.data.zips_of_ends import BROKEN, DISKS, ENDS, ENTRIES, lying

if TYPE_CHECKING:
    from tests.data.zip_case import Corpus
    from tests.data.zip_entry import Entry


def zips_of_zip64() -> Corpus:
    """All of them."""
    body = b"".join(each.written() for each in ENTRIES)
    first = len(ENTRIES[0].written())
    listed = ENTRIES[0].directory_entry(0) + ENTRIES[1].directory_entry(first)
    at, full = len(body) + len(listed), end_record(End(count=0xFFFF), 0, 0xFFFFFFFF, 0xFFFFFFFF)
    record = end64_record(2, len(listed), len(body))

    def ending(*ends: bytes) -> bytes:
        return b"".join((body, listed, *ends))

    return {
        "zip64 end": taken(archive(ENTRIES, zip64=True), *ENDS),
        "zip64 end after a stub": taken(b"MZ" + archive(ENTRIES, zip64=True), *ENDS),
        "zip64 end that goes on": taken(
            ending(end64_record(2, len(listed), len(body), more=bytes(99)), locator64(at), full),
            *ENDS,
        ),
        "zip64 end missing": refused(BROKEN, ending(locator64(at), full)),
        "zip64 locator missing": refused(BROKEN, ending(record, full)),
        "zip64 locator beyond the file": refused(BROKEN, ending(record, locator64(1 << 40), full)),
        "zip64 locator of another place": refused(BROKEN, ending(record, locator64(0), full)),
        "zip64 locator of disk 1": refused(DISKS, ending(record, locator64(at, disk=1), full)),
        "zip64 locator of two disks": refused(DISKS, ending(record, locator64(at, disks=2), full)),
        "zip64 directory beyond the file": lying(BROKEN, zip64=True, offset=1 << 60),
        "zip64 directory too long": lying(BROKEN, zip64=True, length=1 << 63),
        "zip64 count too large": lying(BROKEN, zip64=True, count=3),
        "zip64 entry": taken(archive([_wide(0), ENTRIES[1]]), *ENDS),
        "zip64 entry cut off": refused(BROKEN, archive([_wide(-1), ENTRIES[1]])),
    }


def _wide(more: int) -> Entry:
    """The first entry with its sizes in a Zip64 field that is ``more`` bytes too long."""
    honest = ENTRIES[0]
    sizes = struct.pack("<QQ", honest.local.size, honest.local.compressed)
    field = struct.pack("<HH", 1, 16 + more) + sizes[: 16 + more]
    return honest.but(size=0xFFFFFFFF, compressed=0xFFFFFFFF, extra=field)
