"""Writing to S3: the plain requests of a put, whole or in parts.

minio-py keeps the requests of a multipart upload to itself, and its ``put_object`` of an unknown
length leaks threads when the source raises, reads on for gigabytes after a part has failed and
hashes every byte (SHA-256) over http. So a write here is a presigned request on minio-py's public
surface: its payload is not hashed, the photos inside carry a CRC.
"""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from minio.error import S3Error, ServerError

from connectors.objects.faults import translated
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from minio import Minio
    from urllib3 import BaseHTTPResponse, PoolManager

    from connectors.objects.interface import Source

_EXPIRES = timedelta(hours=1)
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def parts(source: Source, part_bytes: int, parts_max: int) -> Iterator[bytes]:
    """What ``source`` gives, in pieces of ``part_bytes``, the last one shorter.

    Raises:
        StreamappError: ``ARCHIVE_TOO_LARGE``, when it gives more than ``parts_max`` pieces.
    """
    for _ in range(parts_max):
        piece = source.read(part_bytes)
        if piece:
            yield piece
        if len(piece) < part_bytes:
            return
    if source.read(1):
        limit = part_bytes * parts_max
        raise StreamappError(Code.ARCHIVE_TOO_LARGE, f"the store takes {limit} bytes an object")


class Uploads:
    """The write requests on one bucket; each fails as `faults` says, naming ``where``."""

    def __init__(self, client: Minio, pool: PoolManager, bucket: str, where: str) -> None:
        self._client = client
        self._pool = pool
        self._bucket = bucket
        self._where = where

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Write an object in one request."""
        self._send("PUT", key, data, content_type)

    def start(self, key: str, content_type: str) -> str:
        """Open an upload and return its id."""
        answer = self._send("POST", key, b"", content_type, uploads="")
        with translated(self._where):
            root = ET.fromstring(answer.data)  # noqa: S314 - the installation's own store
        return root.findtext(f"{{{_NAMESPACE}}}UploadId", "")

    def part(self, key: str, upload: str, number: int, data: bytes) -> str:
        """Write part ``number`` (from 1) and return its ETag."""
        answer = self._send("PUT", key, data, partNumber=str(number), uploadId=upload)
        return answer.headers.get("etag", "")

    def finish(self, key: str, upload: str, etags: Sequence[str]) -> None:
        """Make the parts the object."""
        root = ET.Element("CompleteMultipartUpload", xmlns=_NAMESPACE)
        for number, etag in enumerate(etags, 1):
            part = ET.SubElement(root, "Part")
            ET.SubElement(part, "PartNumber").text = str(number)
            ET.SubElement(part, "ETag").text = etag
        self._send("POST", key, ET.tostring(root), "application/xml", uploadId=upload)

    def abort(self, key: str, upload: str) -> None:
        """Drop the upload and its parts."""
        self._send("DELETE", key, uploadId=upload)

    def _send(
        self,
        method: str,
        key: str,
        body: bytes = b"",
        content_type: str = "application/octet-stream",
        **query: str,
    ) -> BaseHTTPResponse:
        with translated(self._where):
            url = self._client.get_presigned_url(
                method, self._bucket, key, expires=_EXPIRES, extra_query_params=dict(query)
            )
            # A file, not bytes: urllib3 sends it block by block, each with the connect timeout,
            # which would otherwise have to suffice for the whole part.
            headers = {"Content-Length": str(len(body)), "Content-Type": content_type}
            answer = self._pool.urlopen(method, url, body=BytesIO(body), headers=headers)
            _raise_for(answer)
            return answer


def _raise_for(answer: BaseHTTPResponse) -> None:
    """Raise what the store complains of; a multipart finish may do so under status 200."""
    if answer.status < 300 and b"<Error>" not in answer.data:  # noqa: PLR2004 - HTTP's own limit
        return
    if "xml" in answer.headers.get("content-type", ""):
        raise S3Error.fromxml(answer)
    raise ServerError(f"HTTP {answer.status}: {answer.data[:200]!r}", answer.status)
