"""Writing to S3: the plain requests of a put, whole or in parts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from minio.datatypes import ListPartsResult

from connectors.objects.faults import translated
from connectors.objects.requests import raise_for
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from urllib3 import BaseHTTPResponse

    from connectors.objects.requests import Requests

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_CONFLICT, _THERE_ALREADY = 409, 412
_CONFLICTS_MAX = 10
_CONFLICT_PAUSE_S = 0.05


class Uploads:
    """The write requests on one bucket."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def put(self, key: str, data: bytes | memoryview, content_type: str) -> None:
        """Write an object in one request."""
        self._requests.send("PUT", key, data, content_type)

    def put_new(self, key: str, data: bytes, content_type: str) -> bool:
        """Write an object in one request that the store refuses when there is one already.

        The answer to a request may be lost and the request sent again, which then finds its own
        object: after a retry the object's bytes tell whose it is.
        """
        with translated(self._requests.where):
            answer = self._answer_but_conflict(key, data, content_type)
            if answer.status != _THERE_ALREADY:
                raise_for(answer)
                return True
            retried = answer.retries is not None and bool(answer.retries.history)
            return retried and self._requests.send("GET", key).data == data

    def start(self, key: str, content_type: str) -> str:
        """Open an upload and return its id."""
        answer = self._requests.send("POST", key, b"", content_type, query={"uploads": ""})
        with translated(self._requests.where):
            root = ET.fromstring(answer.data)  # noqa: S314 - the installation's own store
        return root.findtext(f"{{{_NAMESPACE}}}UploadId", "")

    def part(self, key: str, upload: str, number: int, data: bytes | memoryview) -> str:
        """Write part ``number`` (from 1) and return its ETag."""
        query = {"partNumber": str(number), "uploadId": upload}
        answer = self._requests.send("PUT", key, data, query=query)
        return answer.headers.get("etag", "")

    def etags(self, key: str, upload: str) -> list[str]:
        """The ETags of the parts that are there, from 1 to the first gap; a request per 1,000."""
        found: list[str] = []
        more = True
        while more:
            marker = {"part-number-marker": str(len(found))}
            answer = self._requests.send("GET", key, query={"uploadId": upload, **marker})
            with translated(self._requests.where):
                page = ListPartsResult(answer)
            before = len(found)
            for part in page.parts:
                if part.part_number == len(found) + 1:
                    found.append(part.etag)
            more = page.is_truncated and len(found) > before
        return found

    def finish(self, key: str, upload: str, etags: Sequence[str]) -> None:
        """Make the parts the object."""
        root = ET.Element("CompleteMultipartUpload", xmlns=_NAMESPACE)
        for number, etag in enumerate(etags, 1):
            part = ET.SubElement(root, "Part")
            ET.SubElement(part, "PartNumber").text = str(number)
            ET.SubElement(part, "ETag").text = etag
        query = {"uploadId": upload}
        self._requests.send("POST", key, ET.tostring(root), "application/xml", query=query)

    def abort(self, key: str, upload: str) -> None:
        """Drop the upload and its parts."""
        self._requests.send("DELETE", key, query={"uploadId": upload})

    def abort_all(self, key: str) -> None:
        """Drop every upload of ``key``; somebody may be doing the same."""
        for upload in self._requests.open_uploads(key):
            try:
                self.abort(key, upload)
            except StreamappError as error:
                if error.code is not Code.OBJECT_MISSING:
                    raise

    def _answer_but_conflict(self, key: str, data: bytes, content_type: str) -> BaseHTTPResponse:
        """The answer to a put of a new object, asked again while another change is under way."""
        headers = {"Content-Type": content_type, "If-None-Match": "*"}
        answer = self._requests.answer("PUT", key, data, headers)
        for _ in range(_CONFLICTS_MAX):
            if answer.status != _CONFLICT:
                break
            time.sleep(_CONFLICT_PAUSE_S)
            answer = self._requests.answer("PUT", key, data, headers)
        return answer
