"""Settings are typed, bounded, read from the environment, and keep their secrets."""

from __future__ import annotations

import faust
import pytest
from pyroaring import BitMap

from streamapp.errors import Code, StreamappError
from streamapp.progress import Progress, encode
from streamapp.settings import environment, read_settings


def test_a_setting_comes_from_its_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTITIONS", "5")
    assert read_settings().partitions == 5


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTITIONS", "")
    assert read_settings().partitions == 12


def test_a_bad_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTITIONS", "0")
    monkeypatch.setenv("UPLOAD_PORT", "many")
    with pytest.raises(StreamappError, match=r"PARTITIONS: .*; UPLOAD_PORT: ") as refused:
        read_settings()
    assert refused.value.code is Code.SETTING_INVALID


def test_the_progress_of_the_largest_archive_fits_into_a_message() -> None:
    entries = 3_900_000
    assert read_settings(archive_entries_max=entries).archive_entries_max == entries
    with pytest.raises(StreamappError, match="ARCHIVE_ENTRIES_MAX"):
        read_settings(archive_entries_max=entries + 1)
    # Every other photo failed: nothing that a bitmap could shorten.
    even, odd = BitMap(range(0, entries, 2)), BitMap(range(1, entries, 2))
    largest = Progress(batch="b" * 32, completed=even.serialize(), failed=odd.serialize())
    assert len(encode(largest)) < faust.Settings(id="x").producer_max_request_size - 10_000


@pytest.mark.parametrize("url", ["minio:9000/bucket", "ftp://x/y", "http://", "http://x/y?z"])
def test_a_public_address_is_one_that_can_be_opened(url: str) -> None:
    with pytest.raises(StreamappError, match="OBJECTS_PUBLIC_URL"):
        read_settings(objects_public_url=url)


def test_secrets_do_not_print() -> None:
    settings = read_settings(
        records_url="mysql://streamapp:hidden@db/streamapp", objects_secret_key="hidden"
    )
    assert "hidden" not in repr(settings)


def test_a_child_process_reads_back_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_settings(partitions=3, objects_secret_key="hidden", worker_name="w7")
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert read_settings() == settings
