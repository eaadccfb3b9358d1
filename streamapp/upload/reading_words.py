"""What the addresses that are read say of themselves, see `operations`."""

from __future__ import annotations

from typing import Any, get_args

from connectors.records.interface import BatchState, PhotoState
from streamapp.errors import Code
from streamapp.upload.batch_views import BatchAnswer, BatchesAnswer, PhotoAnswer, PhotosAnswer
from streamapp.upload.operations import BINARY, Answer, Operation, Parameter, json

BATCHES_MAX, BATCHES_DEFAULT = 500, 50
PHOTOS_MAX, PHOTOS_DEFAULT = 1000, 100
INDEX_MAX = 999_999_999
FACE_MAX = 9999

_AWAY = (Code.RECORDS_AWAY, Code.STORE_AWAY)
_OF_ROWS = (Code.BATCH_UNKNOWN, *_AWAY)
_ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_TEXT = {"type": "string"}
_IF_NONE_MATCH = Parameter("If-None-Match", _TEXT, "An `ETag` that is known.", "header")
_KNOWN = Answer("It is as the client knows it.", headers={"ETag": "The same."})
_ETAG = {"ETag": "By which to tell it."}


def _whole(least: int, most: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most, "default": default}


LIST_BATCHES = Operation(
    "Batches, newest first",
    {200: json(BatchesAnswer, "A page of them.")},
    "`next` is the `before` of the following page, null on the last one.",
    (
        Parameter("status", {"enum": list(get_args(BatchState))}, "Only those in this state."),
        Parameter("projectId", _TEXT, "Only those of this project."),
        Parameter("externalId", _TEXT, "Only those that their client calls so."),
        Parameter("before", _ID, "Only those behind this batch."),
        Parameter("limit", _whole(1, BATCHES_MAX, BATCHES_DEFAULT), "Most batches of a page."),
    ),
    refusals=(Code.FIELD_INVALID, Code.RECORDS_AWAY),
)
ONE_BATCH = Operation(
    "A batch",
    {200: json(BatchAnswer, "By now, or as of the time that it says.")},
    refusals=(*_OF_ROWS, Code.PROGRESS_AWAY),
)
LIST_PHOTOS = Operation(
    "The photos of a batch, in its order",
    {200: json(PhotosAnswer, "A page of them.")},
    "`next` is the `after` of the following page, null on the last one.",
    (
        Parameter("state", {"enum": list(get_args(PhotoState))}, "Only those in this state."),
        Parameter("after", _whole(-1, INDEX_MAX, -1), "Only those with a larger index."),
        Parameter("limit", _whole(1, PHOTOS_MAX, PHOTOS_DEFAULT), "Most photos of a page."),
    ),
    refusals=(*_OF_ROWS, Code.FIELD_INVALID),
)
ONE_PHOTO = Operation(
    "A photo and its faces",
    {200: json(PhotoAnswer, "By now.")},
    refusals=(*_OF_ROWS, Code.PHOTO_UNKNOWN),
)
CROP = Operation(
    "The crop of a face",
    {
        200: Answer(
            "The picture.",
            dict.fromkeys(("image/jpeg", "image/png", "image/webp"), BINARY),
            _ETAG,
        ),
        304: _KNOWN,
    },
    parameters=(
        Parameter("face", _whole(0, FACE_MAX, 0), "Which face; 0 is the best one."),
        _IF_NONE_MATCH,
    ),
    refusals=(
        *_OF_ROWS,
        Code.PHOTO_UNKNOWN,
        Code.FACE_UNKNOWN,
        Code.CROP_MISSING,
        Code.FIELD_INVALID,
    ),
)
ORIGINAL = Operation(
    "A photo as it came",
    {
        200: Answer(
            "The file; what is no picture of a known format is `application/octet-stream`.",
            {"image/*": BINARY, "application/octet-stream": BINARY},
            _ETAG,
        ),
        304: _KNOWN,
    },
    "What is wrong with its entry is told as it was when the batch was taken in.",
    (_IF_NONE_MATCH,),
    refusals=(
        Code.BATCH_UNKNOWN,
        Code.STORE_AWAY,
        Code.PHOTO_UNKNOWN,
        Code.ORIGINAL_MISSING,
        *(code for code in Code if code.name.startswith("ENTRY_")),
        Code.ARCHIVE_BROKEN,
    ),
)

CROPS = Operation(
    "All crops of a batch in one ZIP",
    {
        200: Answer("The ZIP, streamed.", {"application/zip": BINARY}, _ETAG),
        206: Answer(
            "The range of it.", {"application/zip": BINARY}, {"Content-Range": "Which bytes."}
        ),
        304: _KNOWN,
    },
    "Stored, called as in the results. The same crops give the same bytes, so it can go on by "
    "`Range` with `If-Range` after a cut.",
    (
        Parameter("Range", _TEXT, "One range of bytes.", "header"),
        Parameter("If-Range", _TEXT, "The `ETag` of what there is of it.", "header"),
        _IF_NONE_MATCH,
    ),
    refusals=(*_OF_ROWS, Code.DOWNLOADS_BUSY, Code.RANGE_INVALID, Code.CROP_MISSING),
)


def results(media_type: str) -> Operation:
    """Results in a form."""
    return Operation(
        "A row for each face, or photo without one",
        {200: Answer("The file, streamed.", {media_type.partition(";")[0]: BINARY})},
        refusals=(*_OF_ROWS, Code.DOWNLOADS_BUSY),
    )
