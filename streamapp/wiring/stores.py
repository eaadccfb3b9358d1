"""The object store and the record store that the settings name.

Connectors are imported where they are chosen: a process loads only the client it uses, which is
what a child process of a worker is made of.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from connectors.objects.interface import UploadStore
    from connectors.records.interface import RecordStore
    from streamapp.settings import Settings


def object_store(settings: Settings, *, read_timeout_s: float = 30.0) -> UploadStore:
    """The object store of ``OBJECTS_URL``; nothing connects yet.

    Args:
        settings: What names the store.
        read_timeout_s: The longest wait for one answer of a store behind a network, in seconds.
            One that hangs is ``STORE_AWAY`` after two of them.

    Raises:
        StreamappError: ``SETTING_INVALID``.
    """
    url = urlsplit(settings.objects_url)
    if not settings.objects_url or url.scheme == "file":
        from connectors.objects.folder import FolderStore

        folder = Path(unquote(url.path)) if url.path else settings.data_dir / "objects"
        return FolderStore(folder)
    bucket = url.path.strip("/")
    if url.scheme in {"http", "https"} and url.netloc and bucket and "/" not in bucket:
        return _minio(settings, url, bucket, read_timeout_s)
    raise StreamappError(
        Code.SETTING_INVALID, "OBJECTS_URL: neither http(s)://host:port/bucket nor file:///folder"
    )


def _minio(settings: Settings, url: SplitResult, bucket: str, read_timeout_s: float) -> UploadStore:
    from connectors.objects.minio import MinioStore

    try:
        return MinioStore(
            endpoint=url.netloc,
            access_key=settings.objects_access_key,
            secret_key=settings.objects_secret_key.get_secret_value(),
            bucket=bucket,
            secure=url.scheme == "https",
            public_url=settings.objects_public_url or None,
            read_timeout_s=read_timeout_s,
        )
    except ValueError as error:
        raise StreamappError(
            Code.SETTING_INVALID,
            f"OBJECTS_URL, OBJECTS_ACCESS_KEY or OBJECTS_SECRET_KEY: {error}",
        ) from None


def record_store(settings: Settings) -> RecordStore:
    """The record store of ``RECORDS_URL``; nothing connects yet.

    Raises:
        StreamappError: ``SETTING_INVALID``.
    """
    from connectors.records.own_table import OwnTable

    text = settings.records_url.get_secret_value()
    url = urlsplit(text)
    own_table = OwnTable.parse(settings.records_table, settings.records_columns)
    if not text or url.scheme == "sqlite":
        from connectors.records.sqlite import SqliteRecords

        file = Path(unquote(url.path)) if url.path else settings.data_dir / "records.sqlite"
        return SqliteRecords(file, own_table=own_table)
    if url.scheme == "mysql" and url.hostname and url.path.strip("/"):
        from connectors.records.mysql import MysqlRecords

        return MysqlRecords.from_url(text, own_table=own_table)
    raise StreamappError(
        Code.SETTING_INVALID,
        "RECORDS_URL: neither mysql://user:password@host:port/database nor sqlite:///file",
    )
