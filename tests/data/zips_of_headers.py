"""Archives with an odd entry before a sound one: headers, data descriptors, contents."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.data.zip_case import FACE, NOT_AN_IMAGE, TEXT, portrait, taken
from tests.data.zip_end import archive
from tests.data.zip_entry import DEFLATED, DESCRIPTOR_FLAG, STORED, entry
from tests.data.zips_of_entries import BROKEN, ODD, beside

if TYPE_CHECKING:
    from tests.data.zip_case import Corpus


def zips_of_headers() -> Corpus:
    """All of them."""
    return _headers() | _descriptors() | _contents()


def _headers() -> Corpus:
    photo, honest = portrait(), entry(ODD, portrait())
    other = entry("two.jpg", photo)
    one = entry("one.jpg", photo)
    behind = len(one.written())
    swapped = archive([one._replace(offset=behind), other._replace(offset=0)])
    return {
        "local name of another": beside(honest.headed(name=b"bad.jpg"), BROKEN),
        "local method of another": beside(honest.headed(method=STORED), BROKEN),
        "local crc of another": beside(honest.headed(crc=1), BROKEN),
        "local size of another": beside(honest.headed(size=1), BROKEN),
        "local compressed size of another": beside(honest.headed(compressed=1), BROKEN),
        "local header encrypted": beside(honest.headed(flags=1), BROKEN),
        "local headers exchanged": taken(swapped, ("one.jpg", BROKEN), ("two.jpg", BROKEN)),
        "local header missing": taken(
            archive([one, other]).replace(b"PK\3\4", bytes(4), 1),
            ("one.jpg", BROKEN),
            ("two.jpg", FACE),
        ),
        "longest extra fields": beside(honest.but(extra=padding(65_535)), FACE),
        "extra field beyond its end": beside(honest.but(extra=b"\x99\x99\xff\xff1"), FACE),
        "version of the future": beside(honest._replace(system=255), FACE),
    }


def padding(length: int) -> bytes:
    """An extra field of ``length`` bytes that means nothing."""
    return struct.pack("<HH", 0x9999, length - 4) + bytes(length - 4)


def _descriptors() -> Corpus:
    photo = portrait()
    cases = {}
    for name, method in (("deflate", DEFLATED), ("stored", STORED)):
        honest = entry(ODD, photo, method)
        numbers = (honest.local.crc, len(honest.data), len(photo))
        later = honest.but(flags=DESCRIPTOR_FLAG).headed(crc=0, compressed=0, size=0)
        for form, descriptor in (
            ("", b"PK\7\x08" + struct.pack("<3L", *numbers)),
            (" without signature", struct.pack("<3L", *numbers)),
            (" zip64", b"PK\7\x08" + struct.pack("<L2Q", *numbers)),
        ):
            cases[f"{name} with a descriptor{form}"] = beside(
                later._replace(descriptor=descriptor), FACE
            )
    return cases


def _contents() -> Corpus:
    return {
        "photo of no bytes": beside(entry(ODD, b"", STORED), NOT_AN_IMAGE),
        "photo of no bytes deflated": beside(entry(ODD, b""), NOT_AN_IMAGE),
        "text named as a photo": beside(entry(ODD, TEXT), NOT_AN_IMAGE),
        "photo named as a text": beside(entry("odd.txt", portrait()), FACE, "odd.txt"),
        "photo named as a page": beside(entry("odd.html", portrait()), FACE, "odd.html"),
        "photo without an extension": beside(entry("odd", portrait()), FACE, "odd"),
    }
