"""Objects in MinIO or any S3: plain calls only, over one bounded connection pool.

Guarantees: an object appears whole or not at all. A stream is sent in parts, about 24 MiB of it
held whatever its size. What a killed process leaves open is removed by `MinioStore.drop_parts`, or
by the store's own expiry (MinIO: after 24 hours). A store that refuses connections is
``STORE_AWAY`` at once, one that hangs after two read timeouts.

Open the store in the process that uses it: connections do not survive a fork.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from minio import Minio
from minio.error import S3Error
from minio.helpers import check_bucket_name

from connectors.objects.faults import translated
from connectors.objects.interface import Stored
from connectors.objects.key import checked, is_prefix
from connectors.objects.requests import Requests, bounded_pool
from connectors.objects.stream import send_stream
from connectors.objects.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.objects.interface import Source


class MinioStore:
    """An `UploadStore` in ``bucket`` at ``endpoint`` (``host:port``).

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
        pool = bounded_pool(read_timeout_s)
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
        self._uploads = Uploads(Requests(self._client, pool, bucket, self._where))

    def prepare(self) -> None:
        """Make the bucket when it is missing; another replica may be doing the same."""
        with translated(self._where):
            try:
                if not self._client.bucket_exists(self._bucket):
                    self._client.make_bucket(self._bucket)
            except S3Error as error:
                if error.code != "BucketAlreadyOwnedByYou":
                    raise

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store ``data`` with one request."""
        self._uploads.put(checked(key), data, content_type)

    def put_new(self, key: str, data: bytes, content_type: str) -> bool:
        """Store ``data`` with one request that only the first of all gets through."""
        return self._uploads.put_new(checked(key), data, content_type)

    def put_stream(self, key: str, source: Source, content_type: str) -> int:
        """Store a stream in parts; one that fits into a single part with one request."""
        return send_stream(self._uploads, checked(key), source, content_type)

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
        return [found.key for found in self.listing(prefix)]

    def listing(self, prefix: str, after: str = "") -> Iterator[Stored]:
        """The objects under ``prefix`` behind ``after``; a request per 1,000, as they are taken."""
        if not is_prefix(prefix):
            return
        with translated(self._where):
            pages = self._client.list_objects
            for one in pages(self._bucket, prefix, recursive=True, start_after=after):
                if one.object_name and one.last_modified:
                    yield Stored(one.object_name, one.size or 0, one.last_modified.timestamp())

    def begin_parts(self, key: str, content_type: str) -> str:
        """Open a multipart upload; the token is its id."""
        return self._uploads.start(checked(key), content_type)

    def put_part(self, key: str, token: str, number: int, data: bytes) -> None:
        """Store part ``number`` with one request."""
        self._uploads.part(checked(key), token, number, data)

    def parts(self, key: str, token: str) -> int:
        """The number of parts, as the store lists them."""
        return len(self._uploads.etags(checked(key), token))

    def join_parts(self, key: str, token: str) -> None:
        """Finish the multipart upload with the parts that the store lists."""
        self._uploads.finish(checked(key), token, self._uploads.etags(key, token))

    def drop_parts(self, key: str) -> None:
        """Abort every multipart upload of ``key``."""
        self._uploads.abort_all(checked(key))

    def url(self, key: str) -> str:
        """``public_url`` and the key, percent-encoded."""
        return f"{self._url}/{quote(checked(key))}"
