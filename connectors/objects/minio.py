"""Objects in MinIO or any S3: plain calls only, over one bounded connection pool.

Guarantees: an object appears whole or not at all. A stream is sent in parts of 8 MiB, two at a
time while the next is read, so about 24 MiB are held whatever its size. When the source or a part
fails, the parts under way end first and then the upload is aborted; what a killed process leaves
open the store's own expiry removes (MinIO: after 24 hours). A store that refuses connections is
``STORE_AWAY`` at once, one that hangs after two read timeouts.

Open the store in the process that uses it: connections do not survive a fork.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import quote

from minio import Minio
from minio.error import S3Error
from minio.helpers import check_bucket_name
from urllib3 import PoolManager, Retry, Timeout

from connectors.objects.faults import translated
from connectors.objects.key import checked, is_prefix
from connectors.objects.uploads import Uploads, parts
from streamapp.errors import StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.objects.interface import Source

PART_BYTES = 8 << 20
PARTS_MAX = 10_000
"""S3's limit; with the parts' size it bounds an object to 78 GiB (84 GB)."""

_PARTS_IN_FLIGHT = 2


class MinioStore:
    """An `ObjectStore` in ``bucket`` at ``endpoint`` (``host:port``).

    ``public_url`` is the bucket's address for those who read the rows, where it differs from
    ``http(s)://endpoint/bucket``. ``read_timeout_s`` bounds each wait for an answer. An endpoint,
    a bucket's name or a pair of keys that cannot be one is a ``ValueError`` at once.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        secure: bool = False,
        public_url: str | None = None,
        region: str = "us-east-1",
        read_timeout_s: float = 30,
    ) -> None:
        check_bucket_name(bucket, strict=True)  # the client itself looks only when it sends
        pool = _pool(read_timeout_s)
        self._client = Minio(
            endpoint,
            access_key=access_key,
            secret_key=secret_key,
            secure=secure,
            region=region,
            http_client=pool,
        )
        self._bucket = bucket
        self._where = f"{'https' if secure else 'http'}://{endpoint}/{bucket}"
        self._url = (public_url or self._where).rstrip("/")
        self._uploads = Uploads(self._client, pool, bucket, self._where)

    def prepare(self) -> None:
        """Make the bucket when it is missing; another replica may be doing the same."""
        with translated(self._where):
            if self._client.bucket_exists(self._bucket):
                return
            try:
                self._client.make_bucket(self._bucket)
            except S3Error as error:
                if error.code != "BucketAlreadyOwnedByYou":
                    raise

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store ``data`` with one request."""
        self._uploads.put(checked(key), data, content_type)

    def put_stream(self, key: str, source: Source, content_type: str) -> int:
        """Store a stream in parts; one that fits into a single part with one request."""
        checked(key)
        pieces = parts(source, PART_BYTES, PARTS_MAX)
        first = next(pieces, b"")
        if len(first) < PART_BYTES:
            self.put(key, first, content_type)
            return len(first)
        pieces = chain((first,), pieces)
        del first  # not held while the rest is sent
        upload = self._uploads.start(key, content_type)
        try:
            etags, size = self._send_parts(key, upload, pieces)
            self._uploads.finish(key, upload, etags)
        except BaseException:
            with suppress(StreamappError):
                self._uploads.abort(key, upload)
            raise
        return size

    def read(self, key: str, start: int, length: int) -> bytes:
        """One ranged GET; a range that starts at or after the end is empty."""
        if length == 0:
            return b""
        with translated(self._where):
            try:
                # Read to its end, an answer gives its connection back to the pool by itself.
                return self._client.get_object(self._bucket, checked(key), start, length).read()
            except S3Error as error:
                if error.code == "InvalidRange":
                    return b""
                raise

    def size(self, key: str) -> int:
        """Size in bytes, by a HEAD."""
        with translated(self._where):
            return self._client.stat_object(self._bucket, checked(key)).size or 0

    def delete(self, key: str) -> None:
        """Remove the object; it may be gone already."""
        with translated(self._where):
            self._client.remove_object(self._bucket, checked(key))

    def keys(self, prefix: str) -> list[str]:
        """The keys that start with ``prefix``, sorted; a request per 1,000."""
        if not is_prefix(prefix):
            return []
        with translated(self._where):
            found = self._client.list_objects(self._bucket, prefix, recursive=True)
            return sorted(item.object_name for item in found if item.object_name)

    def url(self, key: str) -> str:
        """``public_url`` and the key, percent-encoded."""
        return f"{self._url}/{quote(checked(key))}"

    def _send_parts(self, key: str, upload: str, pieces: Iterator[bytes]) -> tuple[list[str], int]:
        """Send the pieces, at most two at a time, and return the parts' ETags and their size."""
        etags: list[str] = []
        size = 0
        under_way: deque[Future[str]] = deque()
        with ThreadPoolExecutor(_PARTS_IN_FLIGHT) as threads:
            for number, piece in enumerate(pieces, 1):
                size += len(piece)
                under_way.append(threads.submit(self._uploads.part, key, upload, number, piece))
                if len(under_way) > _PARTS_IN_FLIGHT:
                    etags.append(under_way.popleft().result())
            etags.extend(part.result() for part in under_way)
        return etags, size


def _pool(read_timeout_s: float) -> PoolManager:
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
