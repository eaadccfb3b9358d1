"""Where an embedded installation is, as commands beside it learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamapp import addresses
from streamapp.addresses import Addresses
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from pathlib import Path

HERE = Addresses(kafka_bootstrap="127.0.0.1:1", workers_url="http://127.0.0.1:2")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA_BOOTSTRAP", "WORKERS_URL"):
        monkeypatch.delenv(name, raising=False)


def test_what_was_written_is_found_until_it_is_removed(tmp_path: Path) -> None:
    assert addresses.overrides(tmp_path) == {}
    addresses.write(tmp_path, HERE)
    assert addresses.overrides(tmp_path) == {
        "kafka_bootstrap": "127.0.0.1:1",
        "workers_url": "http://127.0.0.1:2",
    }
    addresses.remove(tmp_path)
    assert addresses.overrides(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_the_environment_goes_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses.write(tmp_path, HERE)
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "elsewhere:9092")
    assert addresses.overrides(tmp_path) == {"workers_url": "http://127.0.0.1:2"}


def test_a_file_that_is_none_of_ours_is_told(tmp_path: Path) -> None:
    (tmp_path / "addresses.json").write_text("[]")
    with pytest.raises(StreamappError) as refusal:
        addresses.overrides(tmp_path)
    assert refusal.value.code is Code.FOLDER_UNUSABLE
