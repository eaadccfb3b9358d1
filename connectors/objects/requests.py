"""Presigned requests on one bucket, over the bounded pool of the store's client.

minio-py keeps the requests of a multipart upload to itself, and its ``put_object`` of an unknown
length leaks threads when the source raises, reads on for gigabytes after a part has failed and
hashes every byte (SHA-256) over http. So a write here is a presigned request on minio-py's public
surface: its payload is not hashed, the photos inside carry a CRC.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from minio.error import S3Error, ServerError
from urllib3 import PoolManager, Retry, Timeout

from connectors.objects.blocks import Blocks
from connectors.objects.faults import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minio import Minio
    from urllib3 import BaseHTTPResponse

_EXPIRES = timedelta(hours=1)
_NONE: Mapping[str, str] = {}
_OCTETS = "application/octet-stream"


class Requests:
    """Requests that fail as `faults` says, naming ``where``."""

    def __init__(self, client: Minio, pool: PoolManager, bucket: str, where: str) -> None:
        self._client = client
        self._pool = pool
        self._bucket = bucket
        self.where = where

    def send(
        self,
        method: str,
        key: str,
        body: bytes | memoryview = b"",
        content_type: str = _OCTETS,
        query: Mapping[str, str] = _NONE,
    ) -> BaseHTTPResponse:
        """The store's answer, when it is a good one."""
        with translated(self.where):
            answer = self.answer(method, key, body, {"Content-Type": content_type}, query)
            raise_for(answer)
            return answer

    def answer(
        self,
        method: str,
        key: str,
        body: bytes | memoryview,
        headers: dict[str, str],
        query: Mapping[str, str] = _NONE,
    ) -> BaseHTTPResponse:
        """The store's answer, whatever it is; the clients' exceptions pass."""
        url = self._client.get_presigned_url(
            method, self._bucket, key, expires=_EXPIRES, extra_query_params=dict(query)
        )
        # A file, not bytes: urllib3 sends it block by block, each with the connect timeout,
        # which would otherwise have to suffice for the whole part.
        headers["Content-Length"] = str(len(body))
        return self._pool.urlopen(method, url, body=Blocks(body), headers=headers)

    def open_uploads(self, key: str) -> list[str]:
        """The ids of the unfinished multipart uploads of ``key``, 1,000 at most."""
        with translated(self.where):
            # Of a bucket, which is nothing that minio-py presigns. MinIO answers for exactly the
            # key that is asked for, S3 for all that begin so.
            found = self._client._list_multipart_uploads(self._bucket, prefix=key)  # noqa: SLF001
        return [one.upload_id for one in found.uploads if one.object_name == key and one.upload_id]


def raise_for(answer: BaseHTTPResponse) -> None:
    """Raise what the store complains of; a multipart finish may do so under status 200."""
    if answer.status < 300 and b"<Error>" not in answer.data:  # noqa: PLR2004 - HTTP's own limit
        return
    if "xml" in answer.headers.get("content-type", ""):
        raise S3Error.fromxml(answer)
    raise ServerError(f"HTTP {answer.status}: {answer.data[:200]!r}", answer.status)


def bounded_pool(read_timeout_s: float) -> PoolManager:
    """Connections that give up soon: whoever waits for the store does so outside, and says so."""
    return PoolManager(
        maxsize=32,
        blocksize=1 << 18,
        timeout=Timeout(connect=3, read=read_timeout_s),
        retries=Retry(
            total=2,
            connect=1,
            read=1,
            status=2,
            backoff_factor=0.2,
            status_forcelist=(500, 502, 503, 504),
            raise_on_status=False,
            respect_retry_after_header=False,
        ),
    )
