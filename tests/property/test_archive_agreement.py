from __future__ import annotations

import io
import zipfile

from hypothesis import given, settings
from hypothesis import strategies as st

from streamapp.archive import Judgement, Limits, judge, read_run
from streamapp.archive.directory import entries
from streamapp.archive.end import find_directory
from tests.archives import claims, reader

LIMITS = Limits(ratio_max=1_000_000)

# No backslash, colon, NUL, or underscore: path tricks and clutter are the rules' own affair.
names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\\:_"), min_size=1, max_size=20
).map(lambda stem: f"photos/{stem.replace('..', '__')}.jpg")
methods = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
files = st.lists(
    st.tuples(names, st.binary(max_size=300), methods), unique_by=lambda file: file[0], min_size=1
)


# zipfile does not find the end of an archive whose comment quotes an end record.
comments = st.binary(max_size=50).filter(lambda comment: b"PK\5\6" not in comment)


@given(files, comments, st.binary(max_size=50))
@settings(max_examples=150, deadline=None)
def test_any_archive_of_zipfile_is_read_as_zipfile_reads_it(
    written: list[tuple[str, bytes, int]], comment: bytes, prefix: bytes
) -> None:
    buffer = io.BytesIO()
    buffer.write(prefix)
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = comment
        for name, content, method in written:
            archive.writestr(name, content, method)
    data = buffer.getvalue()
    read = reader(data)
    with zipfile.ZipFile(buffer) as archive:
        expected = [
            (info.filename, info.file_size, info.compress_size, info.CRC, info.header_offset)
            for info in archive.infolist()
        ]

    assert [
        (each.name, each.photo_bytes, each.compressed_bytes, each.crc, each.header_offset)
        for each in entries(read, find_directory(read, len(data)))
    ] == expected
    assert judge(read, len(data), LIMITS) == Judgement(photos=len(written))
    contents = [content for _, content, _ in written]
    assert [found for _, found in read_run(read, claims(data))] == contents
