"""What is remembered of the uploads under way."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from streamapp.upload_files.memory import KEPT_DAYS, Memory, state_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state/uploads"


def test_another_process_finds_the_upload_until_it_is_forgotten(folder: Path) -> None:
    Memory(folder).keep("request", "0197-8")
    assert Memory(folder).upload("request") == "0197-8"
    assert Memory(folder).upload("other") == ""
    Memory(folder).forget("request")
    assert Memory(folder).upload("request") == ""
    assert not list(folder.iterdir())


@pytest.mark.parametrize("junk", [b"", b"../../else", b"\xff\xfe", b"a b"])
def test_what_can_be_no_name_is_not_used(folder: Path, junk: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / "request").write_bytes(junk)
    assert Memory(folder).upload("request") == ""


def test_what_is_too_old_goes_with_the_next(folder: Path) -> None:
    memory = Memory(folder)
    memory.keep("old", "1")
    before = time.time() - (KEPT_DAYS + 1) * 86_400
    os.utime(folder / "old", (before, before))
    memory.keep("new", "2")
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_a_folder_that_cannot_be_made_disturbs_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    memory = Memory(tmp_path / "file/uploads")
    memory.keep("request", "1")
    memory.forget("request")
    assert memory.upload("request") == ""


def test_it_lies_where_the_user_keeps_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert state_folder() == tmp_path / ".local/state/streamapp/uploads"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_folder() == tmp_path / "xdg/streamapp/uploads"
