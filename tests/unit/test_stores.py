"""The stores that the settings name, and the refusal of what names none."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from connectors.objects.folder import FolderStore
from streamapp.errors import Code, StreamappError
from streamapp.settings import read_settings
from streamapp.wiring.stores import object_store, record_store

if TYPE_CHECKING:
    from pathlib import Path

    from streamapp.settings import Settings


def on(url: str, **more: str) -> Settings:
    return read_settings(
        objects_url=url, objects_access_key="key", objects_secret_key="secret", **more
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://minio:9000/No_Bucket",
        "http://minio:9000/x",
        "http://minio:99999/bucket",
        "http://minio:port/bucket",
        "http://user:password@minio:9000/bucket",
        "http://minio:9000",
        "http:///bucket",
        "ftp://minio/bucket",
    ],
)
def test_what_names_no_store_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(StreamappError, match="OBJECTS_URL") as refusal:
        object_store(on(url))
    assert refusal.value.code is Code.SETTING_INVALID
    assert "secret" not in str(refusal.value)
    assert "password" not in str(refusal.value)


def test_a_folder_is_a_store(tmp_path: Path) -> None:
    store = object_store(read_settings(objects_url=tmp_path.as_uri()))
    assert isinstance(store, FolderStore)
    assert store.url("a") == f"{tmp_path.as_uri()}/a"


def test_the_rows_name_the_public_address() -> None:
    url = "http://minio:9000/bucket"
    assert object_store(on(url)).url("a") == "http://minio:9000/bucket/a"
    public = on(url, objects_public_url="https://faces.example/crops/")
    assert object_store(public).url("a") == "https://faces.example/crops/a"


def test_the_wait_for_a_store_that_hangs_is_the_caller_s_choice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = object_store(
            on(f"http://127.0.0.1:{silent.getsockname()[1]}/bucket"), read_timeout_s=0.2
        )
        began = time.monotonic()
        with pytest.raises(StreamappError) as refusal:
            store.size("a")
    assert refusal.value.code is Code.STORE_AWAY
    assert time.monotonic() - began < 3


def test_a_table_of_ones_own_that_cannot_be_is_a_wrong_setting() -> None:
    with pytest.raises(StreamappError, match="RECORDS_COLUMNS") as refusal:
        record_store(read_settings(records_table="people", records_columns="file=photo"))
    assert refusal.value.code is Code.SETTING_INVALID
