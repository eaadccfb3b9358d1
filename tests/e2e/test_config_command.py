"""``streamapp config``: every setting is told, no secret is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from streamapp.settings import Settings
from tests.e2e.terminal import on_terminal
from tests.e2e.test_cli import streamapp

CLEAN = {
    name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields
}


def told(*arguments: str, **env: str) -> tuple[int, dict[str, dict[str, Any]], str]:
    """Exit code, what is told of each setting, and standard error."""
    code, said, err = streamapp("config", "--json", *arguments, env=CLEAN | env)
    return code, {each["name"]: each for each in map(json.loads, said.splitlines())}, err


def test_every_setting_is_told_with_its_source_its_meaning_and_its_bounds() -> None:
    code, settings, err = told(PARTITIONS="5", faces="all")
    assert (code, err) == (0, "")
    assert list(settings) == [name.upper() for name in Settings.model_fields]
    assert all(each["meaning"] and each["allowed"] for each in settings.values())
    given = [name for name, each in settings.items() if each["source"] == "environment"]
    assert sorted(given) == ["FACES", "PARTITIONS"]
    assert settings["PARTITIONS"] == {
        "name": "PARTITIONS",
        "value": "5",
        "source": "environment",
        "default": "12",
        "allowed": "1 to 1024",
        "meaning": Settings.model_fields["partitions"].description,
        "schema": {"type": "integer", "minimum": 1, "maximum": 1024},
    }
    assert settings["FACES"]["value"] == "all"
    allowed = {name: each["allowed"] for name, each in settings.items()}
    assert allowed["FACES"] == "one or all"
    assert allowed["RETENTION_HOURS"] == "1 or more"
    assert allowed["RETRY_DELAY_S"] == "more than 0, at most 3600"
    assert allowed["CROP_LEVEL"] == "true or false"
    assert settings["CROP_LEVEL"]["value"] == "false"
    assert settings["CROP_PADDING"]["value"] == "0.2"


@pytest.mark.parametrize("how", ["pipe", "terminal", "json"])
def test_secrets_are_hidden_also_in_addresses_and_wherever_they_are_wrong(how: str) -> None:
    env = CLEAN | {
        "OBJECTS_SECRET_KEY": "hushhush",
        "OBJECTS_URL": "http://key:hush-objects@store:9000/bucket",
        "RECORDS_URL": "mysql://streamapp:hu/s@h@database:3306/streamapp?password=hush",
        "OBJECTS_PUBLIC_URL": "ftp://me:hush@there",  # is not allowed, so told as it was written
        "WORKERS_URL": "http://a:hush@w1:6066,http://b:hush@w2:6066",
    }
    if how == "terminal":
        _, said = on_terminal("config", env=env)
    else:
        _, said, err = streamapp("config", *(["--json"] if how == "json" else []), env=env)
        said += err
    assert "hush" not in said
    assert "hu/s" not in said
    assert "s@h" not in said
    if how == "json":
        records = json.loads(next(each for each in said.splitlines() if "RECORDS_URL" in each))
        assert records["value"] == "mysql://streamapp:***@database:3306/streamapp?***"


def test_a_value_that_is_not_allowed_is_told_beside_all_others() -> None:
    code, settings, _ = told(PARTITIONS="none", CROP_SIZE="5", UPLOAD_PORT="8123")
    assert code == 1
    faults = {name: each["fault"] for name, each in settings.items() if "fault" in each}
    assert list(faults) == ["CROP_SIZE", "PARTITIONS"]
    assert "integer" in faults["PARTITIONS"]
    assert "16 to 2048" in faults["CROP_SIZE"]
    assert settings["PARTITIONS"]["value"] == "none"
    assert settings["UPLOAD_PORT"]["value"] == "8123"
    assert told("upload_port", PARTITIONS="none")[0] == 0, "it was not asked for"


def test_a_variable_that_is_nearly_a_setting_is_told() -> None:
    _, _, err = told(
        PARTITION="5", LOGLEVEL="DEBUG", PROJECT_ID="x", UPLOADER_URL="http://x", EDITOR="ed"
    )
    assert err.splitlines() == [
        "streamapp: LOGLEVEL is no setting; did you mean LOG_LEVEL?",
        "streamapp: PARTITION is no setting; did you mean PARTITIONS?",
    ]


def test_settings_are_found_by_a_part_of_their_names_or_the_one_meant_is_told() -> None:
    code, settings, _ = told("crop_s", "PADDING")
    assert (code, list(settings)) == (0, ["CROP_SIZE", "CROP_PADDING"])
    code, settings, err = told("partitons")
    assert (code, settings) == (2, {})
    assert "did you mean PARTITIONS?" in " ".join(err.replace("│", " ").split())


def test_in_a_pipe_they_are_columns_without_colours_and_on_a_terminal_a_table() -> None:
    code, said, _ = streamapp("config", env=CLEAN | {"FORCE_COLOR": "1", "KAFKA_PREFIX": "a\tb"})
    lines = [line.split("\t") for line in said.splitlines()]
    assert code == 1
    assert {len(line) for line in lines} == {5}
    assert [line[0] for line in lines] == [name.upper() for name in Settings.model_fields]
    assert "\x1b" not in said
    assert next(line for line in lines if line[0] == "KAFKA_PREFIX")[1] == r"a\tb"

    code, seen = on_terminal("config", env=CLEAN | {"PARTITIONS": "7"})
    assert code == 0
    assert "\x1b[1menvironment" in seen
    assert "setting" in seen.splitlines()[0]


def test_whoever_has_read_enough_of_it_is_not_told_of_an_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"PYTHONUNBUFFERED=1 {sys.executable} -m streamapp config | head -1"],
        capture_output=True,
        text=True,
        check=True,
        env=CLEAN,
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        ("FACE=all", "FACE: not a run's to change; did you mean FACES?"),
        ("crop_size=300", "did you mean CROP_SIZE?"),
        ("KAFKA=x", "these are: CROP_FORMAT, "),
    ],
)
def test_a_replay_s_change_of_a_setting_that_is_none_tells_those_that_are(
    change: str, meant: str
) -> None:
    code, _, err = streamapp("replay", "0" * 32, "--set", change)
    assert code == 1
    assert meant in err


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_who_asks_how_to_run_a_process_is_told_where_its_settings_are(command: str) -> None:
    code, said, _ = streamapp(command, "--help")
    assert code == 0
    assert "streamapp config" in said
