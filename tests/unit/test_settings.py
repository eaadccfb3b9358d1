"""Settings are typed, bounded, read from the environment, and keep their secrets."""

from __future__ import annotations

import pytest

from streamapp.errors import Code, StreamappError
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
