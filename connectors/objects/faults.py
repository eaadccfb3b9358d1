"""The edge between minio-py or urllib3 and the catalogue of errors.

A missing object or multipart upload is ``OBJECT_MISSING``. All else is ``STORE_AWAY`` with the
store's own words, wrong credentials and a missing bucket included: they are faults of the
installation, so the work waits for the person on call and no photo fails for them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError, MaxRetryError

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MISSING = ("NoSuchKey", "NoSuchUpload")


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the clients' exceptions in the block into `StreamappError`; ``where``: the bucket."""
    try:
        yield
    except S3Error as error:
        name = error.response.headers.get("x-minio-error-code") or error.code
        key = error.object_name or ""
        if name in _MISSING:
            raise StreamappError(Code.OBJECT_MISSING, key) from error
        detail = f"{where}/{key}: {name}: {error.message}"
        raise StreamappError(Code.STORE_AWAY, detail) from error
    except (MinioException, HTTPError, OSError, ParseError) as error:
        # The text of a MaxRetryError holds a signed address; its reason does not.
        reason = error.reason if isinstance(error, MaxRetryError) else error
        raise StreamappError(Code.STORE_AWAY, f"{where}: {reason}") from error
